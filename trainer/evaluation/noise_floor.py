"""Measure how near the nearest item is to a meaningless query: an item less near is not a hit by embedding alone."""

from __future__ import annotations

import random
import string

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.trainer.data.seed import SEED

__all__ = ["noise_floor"]

_N_QUERIES, _QUANTILE = 200, 0.99
_MAX_WORDS, _LETTERS = 3, (3, 10)  # of a query; of a word, from and to


def noise_floor(encoder: Encoder, vectors: np.ndarray) -> float:
    """Return the cosine below which 99 % of queries of one to three random words find their nearest item.

    `vectors` (n_items, dim) are the encoder's; 0.0 without items.
    """
    if not len(vectors):
        return 0.0
    rng = random.Random(SEED)
    nonsense = [" ".join(_word(rng) for _ in range(rng.randint(1, _MAX_WORDS))) for _ in range(_N_QUERIES)]
    nearest = (encoder.queries(nonsense) @ vectors.T).max(axis=1)  # (n_queries,)
    return float(np.quantile(nearest, _QUANTILE))


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(*_LETTERS)))
