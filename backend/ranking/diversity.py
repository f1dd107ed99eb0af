"""Diversity: members of one family, such as variants of a product, make way for others."""

from __future__ import annotations

import numpy as np

__all__ = ["diversify"]

_PENALTY = 0.1  # of the spread: what each further member of a family loses at strength 0.5
_SPREAD_CANDIDATES = 20  # how far the last of them is behind the first is the spread


def diversify(
    scores: np.ndarray,
    families: np.ndarray,
    strength: float,
    available: int | None = None,
    placed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the new order as positions, (n,) int64, and the scores in that order, (n,) float64.

    Where m members of its family stand before a candidate, it loses m x 0.1 x s/(1-s) of the spread, the distance of
    the 20th score from the first; s is `strength`. Like the penalty of maximal marginal relevance (Carbonell and
    Goldstein 1998), with equality of families for similarity, in O(n log n).

    Args:
        scores: of all candidates as ranked, (n,)
        families: integers that are equal for variants, (n,)
        strength: 0 to 1; at 0 nothing moves, at 1 no family comes again before all have come
        available: so many from the first are in stock and stay ahead of the others; None: all
        placed: families of what the shopper looks at already, (m,)
    """
    count = len(scores)
    split = count if available is None else available
    if not strength or not count:
        return np.arange(count), np.asarray(scores, np.float64)
    if placed is None:
        placed = np.zeros(0, np.int64)
    earlier = _count_earlier(np.concatenate([placed, families]))[len(placed) :]
    lowered = scores - earlier * _penalty(scores, split, strength)
    order = np.lexsort((np.arange(count), -lowered, np.arange(count) >= split))  # the last key is the first to sort by
    return order, lowered[order]


def _penalty(scores: np.ndarray, split: int, strength: float) -> float:
    """Return what each earlier member of its family costs a candidate."""
    range_of_scores = float(scores.max() - scores.min()) * 1.001 or 1.0  # so much puts any score behind any other
    if strength >= 1:
        return range_of_scores
    best = scores[:split] if split else scores
    spread = float(best[0] - best[min(len(best), _SPREAD_CANDIDATES) - 1]) or range_of_scores
    return min(range_of_scores, _PENALTY * spread * strength / (1 - strength))


def _count_earlier(families: np.ndarray) -> np.ndarray:
    """Return how many of its family stand before each, (n,) int64."""
    order = np.argsort(families, kind="stable")
    grouped = families[order]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
    earlier = np.empty(len(families), np.int64)
    earlier[order] = np.arange(len(families)) - np.repeat(starts, np.diff(np.r_[starts, len(families)]))
    return earlier
