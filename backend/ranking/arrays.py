"""Ranks and top-k of score arrays."""

from __future__ import annotations

import numpy as np

__all__ = ["ranks", "top_k"]


def ranks(values: np.ndarray) -> np.ndarray:
    """Return each value's rank, 0 for the greatest, (n,) int64; equal values rank by their position."""
    ranked = np.empty(len(values), np.int64)
    ranked[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranked


def top_k(values: np.ndarray, k: int) -> np.ndarray:
    """Return the indices of the `k` greatest values, in no order, (min(k, n),) int64; all of them where k >= n.

    O(n) by partition; which of several equal values at the border are taken is not defined.
    """
    if len(values) <= k:
        return np.arange(len(values))
    return np.argpartition(-values, k - 1)[:k]
