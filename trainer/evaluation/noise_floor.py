"""How near the nearest item is to a query that means nothing: what is less near is no hit by meaning alone."""

from __future__ import annotations

import random
import string

import numpy as np

from shelfwise.generation.encoder import Encoder

__all__ = ["noise_floor"]

_QUERIES, _QUANTILE, _SEED = 200, 0.99, 20_111
_WORDS, _LETTERS = 3, (3, 10)  # at most so many; from, to


def noise_floor(encoder: Encoder, vectors: np.ndarray) -> float:
    """The cosine below which 99 % of random words, one to three, find their nearest item; `vectors` (n_items, dim)."""
    if not len(vectors):
        return 0.0
    rng = random.Random(_SEED)
    nonsense = [" ".join(_word(rng) for _ in range(rng.randint(1, _WORDS))) for _ in range(_QUERIES)]
    nearest = (encoder.queries(nonsense) @ vectors.T).max(axis=1)  # (n_queries,)
    return float(np.quantile(nearest, _QUANTILE))


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(*_LETTERS)))
