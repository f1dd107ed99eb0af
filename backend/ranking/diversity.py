"""Reorder candidates so that members of one family, such as variants of a product, don't fill a page."""

from __future__ import annotations

import numpy as np

__all__ = ["diversify"]

_STEP = 0.1  # of the spread: what each further member of a family loses at strength 0.5
_SPREAD = 20  # candidates; how far the last of them is behind the first is the spread


def diversify(
    scores: np.ndarray,
    families: np.ndarray,
    strength: float,
    available: int | None = None,
    placed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The order in which variants don't fill the page, (n,) int64 places, and the scores in that order, (n,) float64.

    `scores` (n,) are those of all candidates as ranked, the first `available` of them in stock (default: all), which
    stay ahead of the others; `families` (n,) integers are equal for variants, `placed` (m,) are families of what the
    shopper looks at already. Where m members of its family stand before a candidate, it loses m x 0.1 x s/(1-s) of the
    spread, the distance of the 20th score from the first; s is `strength`. At 0 all stays as it is, at 1 no family
    comes again before all have come. Like the penalty of maximal marginal relevance (Carbonell and Goldstein 1998),
    with equality of families for similarity, in O(n log n).
    """
    count = len(scores)
    split = count if available is None else available
    if not strength or not count:
        return np.arange(count), np.asarray(scores, np.float64)
    before = np.zeros(0, np.int64) if placed is None else placed
    earlier = _earlier(np.concatenate([before, families]))[len(before) :]
    lowered = scores - earlier * _step(scores, split, strength)
    order = np.lexsort((np.arange(count), -lowered, np.arange(count) >= split))  # the last key is the first to sort by
    return order, lowered[order]


def _step(scores: np.ndarray, split: int, strength: float) -> float:
    whole = float(scores.max() - scores.min()) * 1.001 or 1.0  # so much that any score comes after any other
    if strength >= 1:
        return whole
    best = scores[:split] if split else scores
    spread = float(best[0] - best[min(len(best), _SPREAD) - 1]) or whole
    return min(whole, _STEP * spread * strength / (1 - strength))


def _earlier(families: np.ndarray) -> np.ndarray:
    """How many of its family stand before each, (n,) int64."""
    order = np.argsort(families, kind="stable")
    together = families[order]
    starts = np.flatnonzero(np.r_[True, together[1:] != together[:-1]])
    earlier = np.empty(len(families), np.int64)
    earlier[order] = np.arange(len(families)) - np.repeat(starts, np.diff(np.r_[starts, len(families)]))
    return earlier
