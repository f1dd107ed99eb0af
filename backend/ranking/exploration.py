"""Exploration: now and then an item that was never chosen gets a position on the first page, to be found good.

Only the HTTP API explores. The same session sees the same page again, whatever its page size and how often it asks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

__all__ = ["NO_EXPLORATION", "ExplorationPolicy", "apply_exploration"]

_PAGE_SIZE, _MAX_POSITION = 10, 50  # the explored item comes from behind the first page, but not from far behind
_MIN_POSITION = 3  # the best hits keep their positions


@dataclass(frozen=True, slots=True)
class ExplorationPolicy:
    """The share of answers, 0..1, that show an item which was never chosen; `seed` is the session and the query."""

    share: float = 0.0
    seed: str = ""


NO_EXPLORATION = ExplorationPolicy()


def apply_exploration(
    rows: np.ndarray, available: int, popularity: np.ndarray, policy: ExplorationPolicy
) -> np.ndarray:
    """Return the rows (n,), best first; in the policy's share of cases an unpopular one of the first 50 moves up.

    The first `available` are in stock; `popularity` is by row of the catalogue.
    """
    if policy.share <= 0:
        return rows
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(policy.seed.encode(), digest_size=8).digest()))
    behind = np.arange(_PAGE_SIZE, min(_MAX_POSITION, available))
    unpopular = behind[popularity[rows[behind]] <= 0]
    if rng.random() >= policy.share or not len(unpopular):
        return rows
    position, chosen = int(rng.integers(_MIN_POSITION, _PAGE_SIZE)), int(rng.choice(unpopular))
    return np.insert(np.delete(rows, chosen), position, rows[chosen])
