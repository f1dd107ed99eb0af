"""The shelf `for-you`: what could be wanted next, from all sources, ranked by trees of a night, else by a blend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.ranking.arrays import top_k
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import NAMES, build_features, link_features
from shelfwise.recommend.ranker import ForYouRanker

__all__ = [
    "ScoredCandidates",
    "candidates",
    "cold_items",
    "for_you",
    "interleave_cold",
]

_OWN, _LED, _POPULAR, _ALIKE = 250, 100, 60, 30  # candidates of each source
_COLD = 15  # candidates of each interest that nobody chose yet
_COLD_FROM, _COLD_EVERY = 11, 4  # the first of the places kept for them, and their distance
_OFTEN = 2.0  # `passed` as after three visits within a week: then such an item makes way for the next


@dataclass(frozen=True, eq=False)
class ScoredCandidates:
    """The candidates for a shopper, unsorted, and what each was ranked by."""

    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64
    features: np.ndarray  # (n, n_features) float32


def for_you(context: RecommendContext, ranker: ForYouRanker) -> ScoredCandidates:
    """What the shopper could want next; nothing where nothing is known of them."""
    if not len(context.profile):
        return ScoredCandidates(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(NAMES)), np.float32))
    led = link_features(context)
    rows = candidates(context, led)
    made = build_features(context, rows, led)
    return ScoredCandidates(rows, interleave_cold(ranker.scores(made), cold_items(context)[rows]), made)


def cold_items(context: RecommendContext) -> np.ndarray:
    """The eligible items that nobody chose yet, by row, (columns.size,) bool; none where nothing was counted.

    Without those that the shopper saw often enough to have chosen them.
    """
    buyers = context.signals.signal("buyers")
    if not buyers.any():
        return np.zeros(context.columns.size, np.bool_)
    return np.asarray(context.eligible & (buyers == 0) & (context.passed_over < _OFTEN))


def interleave_cold(scores: np.ndarray, is_cold: np.ndarray) -> np.ndarray:
    """The scores (n,) with every fourth place after the eleventh given to an item that nobody chose yet.

    Choices speak only for what has been there to be chosen: without a place of its own the new is buried by the old.
    """
    order = np.argsort(-scores, kind="stable")
    new = order[is_cold[order]]
    final = order[~is_cold[order]].tolist()
    for number, one in enumerate(new.tolist()):
        earned = int((scores[final] > scores[one]).sum())
        final.insert(min(earned, _COLD_FROM + number * _COLD_EVERY, len(final)), one)
    placed = np.empty(len(scores))
    placed[final] = np.sort(scores)[::-1]
    return placed


def candidates(context: RecommendContext, link_scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """The eligible rows that could be wanted: own ones, where they lead, new ones among those, popular and alike."""
    eligible, profile = context.eligible, context.profile
    chosen = np.zeros(context.columns.size, np.bool_)
    strength = profile.decayed(240) + profile.decayed(30)
    chosen[profile.rows[np.argsort(-strength, kind="stable")[:_OWN]]] = True
    fresh = eligible.copy()
    fresh[profile.rows] = False
    for values in link_scores.values():
        for among in (eligible, fresh):
            chosen[_best(values, among, _LED)] = True
    for name in ("week", "month"):
        chosen[_best(context.signals.signal(name), eligible, _POPULAR)] = True
    chosen[_best(context.counts.popularity, eligible, _POPULAR)] = True
    if context.index is not None:
        interests, new = profile.interests(context.index, context.columns), cold_items(context)
        for near in context.near(interests, _ALIKE) + (context.near(interests, _COLD, new) if new.any() else []):
            chosen[list(near)] = True
    return np.flatnonzero(chosen & eligible)


def _best(values: np.ndarray, among: np.ndarray, limit: int) -> np.ndarray:
    """The rows of the greatest positive values among these."""
    rows = np.flatnonzero(among & (values > 0))
    return rows[top_k(values[rows], limit)]
