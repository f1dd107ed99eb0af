"""The kind `for-you`: candidates from all sources, ranked by a night's trees, else by a blend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.recommend.candidates import cold_items, find_candidates
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import NAMES, build_features, link_features
from shelfwise.recommend.ranker import ForYouRanker

__all__ = ["ScoredCandidates", "for_you", "interleave_cold"]

_FIRST_COLD_POSITION, _COLD_INTERVAL = 11, 4  # of the positions that are kept for cold items


@dataclass(frozen=True, eq=False)
class ScoredCandidates:
    """The candidates for a shopper, in no order, and the features that each was ranked by."""

    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64
    features: np.ndarray  # (n, n_features) float32


def for_you(context: RecommendContext, ranker: ForYouRanker) -> ScoredCandidates:
    """Score what the shopper could want next; nothing where nothing is known of them."""
    if not len(context.profile):
        return ScoredCandidates(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(NAMES)), np.float32))
    link_scores = link_features(context)
    rows = find_candidates(context, link_scores)
    features = build_features(context, rows, link_scores)
    return ScoredCandidates(rows, interleave_cold(ranker.scores(features), cold_items(context)[rows]), features)


def interleave_cold(scores: np.ndarray, is_cold: np.ndarray) -> np.ndarray:
    """Return the scores (n,) so changed that every fourth position after the eleventh is a cold item's.

    A cold item that ranks higher by its own score stays there. Choices speak only for what was there to be chosen:
    without positions of their own new items stay behind the old ones.
    """
    order = np.argsort(-scores, kind="stable")
    cold = order[is_cold[order]]
    final = order[~is_cold[order]].tolist()
    for number, item in enumerate(cold.tolist()):
        earned = int((scores[final] > scores[item]).sum())
        final.insert(min(earned, _FIRST_COLD_POSITION + number * _COLD_INTERVAL, len(final)), item)
    interleaved = np.empty(len(scores))
    interleaved[final] = np.sort(scores)[::-1]
    return interleaved
