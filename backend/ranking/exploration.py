"""Now and then an item that nobody knows yet gets a place on the page, so that it can be found to be good.

Only the door explores. The same session sees the same page again, whatever its page size and how often it asks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

__all__ = ["NO_EXPLORATION", "ExplorationPolicy", "apply_exploration"]

_SHOWN, _DEPTH = 10, 50  # an item from behind the first page, but not from far behind, gets a place on it
_FIRST_PLACE = 3  # the best hits keep their places


@dataclass(frozen=True, slots=True)
class ExplorationPolicy:
    """`share` of the answers, 0..1, show an unknown item; `seed` is the session and the query."""

    share: float = 0.0
    seed: str = ""


NO_EXPLORATION = ExplorationPolicy()


def apply_exploration(
    rows: np.ndarray, available: int, popularity: np.ndarray, policy: ExplorationPolicy
) -> np.ndarray:
    """The rows (n,), best first, with an unpopular one of the first fifty moved up where chance has it so.

    The first `available` are in stock; `popularity` is by row of the catalogue.
    """
    if policy.share <= 0:
        return rows
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(policy.seed.encode(), digest_size=8).digest()))
    behind = np.arange(_SHOWN, min(_DEPTH, available))
    unknown = behind[popularity[rows[behind]] <= 0]
    if rng.random() >= policy.share or not len(unknown):
        return rows
    position, chosen = int(rng.integers(_FIRST_PLACE, _SHOWN)), int(rng.choice(unknown))
    return np.insert(np.delete(rows, chosen), position, rows[chosen])
