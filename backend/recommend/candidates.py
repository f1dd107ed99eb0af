"""The candidates of `for-you`: own items, where their links lead, popular ones, near ones, and new ones among these."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.ranking.arrays import top_k
from shelfwise.recommend.context import RecommendContext

__all__ = ["cold_items", "find_candidates"]

# The most candidates of each source: own items, of each link, of each count, of each interest, cold ones of each.
_MAX_OWN, _MAX_LINKED, _MAX_POPULAR, _MAX_NEAR, _MAX_COLD = 250, 100, 60, 30, 15
_MAX_PASSED_OVER = 2.0  # as after three visits within a week: then a cold item makes way for the next


def find_candidates(context: RecommendContext, link_scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the eligible rows that the shopper could want next, ascending, (n,) int64.

    `link_scores` are those of `features.link_features`.
    """
    eligible, profile = context.eligible, context.profile
    chosen = np.zeros(context.columns.size, np.bool_)
    strength = profile.decayed(240) + profile.decayed(30)
    chosen[profile.rows[np.argsort(-strength, kind="stable")[:_MAX_OWN]]] = True
    new_to_them = eligible.copy()
    new_to_them[profile.rows] = False
    for scores in link_scores.values():
        for mask in (eligible, new_to_them):
            chosen[_best(scores, mask, _MAX_LINKED)] = True
    for counts in (context.signals.signal("week"), context.signals.signal("month"), context.counts.popularity):
        chosen[_best(counts, eligible, _MAX_POPULAR)] = True
    interests, cold = profile.interests(context.index, context.columns), cold_items(context)
    nearest = context.nearest(interests, _MAX_NEAR)
    nearest += context.nearest(interests, _MAX_COLD, cold) if cold.any() else []
    for rows in nearest:
        chosen[list(rows)] = True
    return np.flatnonzero(chosen & eligible)


def cold_items(context: RecommendContext) -> np.ndarray:
    """Return which eligible items have no buyers yet, by row, (columns.size,) bool; none where nothing was counted.

    Leaves out those that the shopper was shown often enough to have chosen them.
    """
    buyers = context.signals.signal("buyers")
    if not buyers.any():
        return np.zeros(context.columns.size, np.bool_)
    return np.asarray(context.eligible & (buyers == 0) & (context.passed_over < _MAX_PASSED_OVER))


def _best(values: np.ndarray, mask: np.ndarray, limit: int) -> np.ndarray:
    """Return the rows of the greatest positive values where the mask is set."""
    rows = np.flatnonzero(mask & (values > 0))
    best: np.ndarray = rows[top_k(values[rows], limit)]
    return best
