"""The kinds of recommendations: one function a kind, which finds items and scores them.

Each returns (rows, scores) in no order; scores are comparable within the kind. Which rows are eligible is decided
elsewhere. A row is an item's pk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shelfwise.recommend.context import MAX_STEPS, RecommendContext, Scored

__all__ = [
    "FALLBACKS",
    "KINDS",
    "STRATEGIES",
    "default_kind",
    "kind_with_fallbacks",
    "one_time_purchases",
]

_MAX_DURABLE_REPEAT = 0.03  # share of buyers who buy a durable item again
_TYPICAL_GAP_DAYS = 45.0  # between two purchases of an item, until the shopper's own rhythm is known
_MIN_GAP_SHARE = 0.25  # of the usual days between: sooner, it is not bought again
_RHYTHM_SPREAD = 0.7  # of the logarithm of (days since / usual days between)
_SINGLE_CONFIDENCE = 0.3  # how much a single purchase says of a rhythm
_HALF_NEW_DAYS = 14.0
_MIN_TREND = 1.0  # standard deviations
_VIEWED_WEIGHT = 0.1  # of co-views beside the cosine, 0..1

# A kind that finds too little is followed by the next ones; docs/recommendations.md says the same.
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "for-you": ("trending", "popular", "new"),
    "next": ("for-you", "trending", "popular", "new"),
    "again": ("for-you", "trending", "popular", "new"),
    "similar": ("together", "popular", "new"),
    "together": ("similar", "popular", "new"),
    "trending": ("popular", "new"),
    "popular": ("new",),
    "new": ("popular",),
}
KINDS = tuple(FALLBACKS)


def kind_with_fallbacks(kind: str, *, fill: bool) -> tuple[str, ...]:
    """Return the kind and, to fill up, its fallbacks."""
    return kind, *(FALLBACKS[kind] if fill else ())


def default_kind(items: Sequence[str], user: str | None, session: str | None) -> str:
    """Return the kind of a request that names none: one item is looked at, several are a cart."""
    if items:
        return "similar" if len(items) == 1 else "together"
    return "popular" if user is None and session is None else "for-you"


def one_time_purchases(context: RecommendContext) -> np.ndarray:
    """Return the rows of what the shopper bought and few buy twice, (n,)."""
    bought = context.profile.rows[context.profile.bought]
    repeat = context.signals.signal("repeat")[bought]  # 0: not counted
    return bought[(repeat > 0) & (repeat < _MAX_DURABLE_REPEAT)]


def similar(context: RecommendContext) -> Scored:
    """Score by the mean cosine to the request's items, plus 0.1 × co-view links."""
    _, vectors = context.vectors(context.seeds)
    total = np.zeros(context.columns.size)
    for nearest in context.nearest(vectors):
        total[list(nearest)] += np.fromiter(nearest.values(), np.float64, len(nearest)) / len(vectors)
    total += _VIEWED_WEIGHT * _shares_of_greatest(_spread_from_seeds(context, "viewed"))
    return _positive(total)


def together(context: RecommendContext) -> Scored:
    """Score by the basket links of the request's items, summed."""
    return _positive(_spread_from_seeds(context, "together").astype(np.float64))


def again(context: RecommendContext) -> Scored:
    """Score what the shopper bought by how likely they buy it again, most when due by their rhythm, never too soon."""
    profile = context.profile.purchases  # a look at a thing doesn't make it less due
    repeat = context.signals.signal("repeat")[profile.rows]
    habit = (profile.visit_counts - 1) / max(1, profile.visits - 1)
    usual = np.where(np.isnan(profile.mean_gap_days), _TYPICAL_GAP_DAYS, np.maximum(profile.mean_gap_days, 1.0))
    due = np.exp(-0.5 * (np.log(np.maximum(profile.days_since, 0.5) / usual) / _RHYTHM_SPREAD) ** 2)
    confidence = np.where(np.isnan(profile.mean_gap_days), _SINGLE_CONFIDENCE, 1.0)
    likelihood = (repeat + habit) * (0.25 + due * confidence)
    kept = profile.bought & (likelihood > 0) & (profile.days_since >= _MIN_GAP_SHARE * usual)
    return profile.rows[kept], likelihood[kept]


def next_steps(context: RecommendContext) -> Scored:
    """Score what follows the last steps of the visit: basket, co-view and co-occurrence links, and the cosine."""
    steps, weights = context.steps
    similarity, total = np.zeros(context.columns.size), np.zeros(context.columns.size)
    for name in ("together", "viewed", "linked"):
        total += _shares_of_greatest(context.signals.spread(name, steps, weights))
    positions, vectors = context.vectors(steps[:MAX_STEPS])  # a search each
    for weight, nearest in zip(weights[positions].tolist(), context.nearest(vectors), strict=True):
        similarity[list(nearest)] += weight * np.fromiter(nearest.values(), np.float64, len(nearest))
    total += _shares_of_greatest(similarity)
    total[steps] = total[context.profile.items_of_last_visits(1)] = 0.0
    return _positive(total)


def trending(context: RecommendContext) -> Scored:
    """Score by how much more is chosen than the weeks before made expect, in deviations; not by how much."""
    trend = context.signals.signal("trend").astype(np.float64)
    rows = np.flatnonzero(trend >= _MIN_TREND)
    return rows, trend[rows]


def popular(context: RecommendContext) -> Scored:
    """Score by decayed popularity."""
    return _positive(context.counts.popularity.astype(np.float64))


def new(context: RecommendContext) -> Scored:
    """Score by age, the newest first; among those of one age the more central in the catalogue."""
    rows = np.flatnonzero(context.eligible)
    age = context.counts.age[rows]
    arrival = rows / max(1, context.columns.size)  # where nothing says when an item came, its row does
    fresh = np.where(np.isnan(age), 0.1 * arrival, 1 / (1 + np.maximum(age, 0.0) / _HALF_NEW_DAYS))
    return rows, fresh + 0.1 * context.signals.signal("central")[rows]


STRATEGIES: Mapping[str, Callable[[RecommendContext], Scored]] = {
    "similar": similar,
    "together": together,
    "again": again,
    "next": next_steps,
    "trending": trending,
    "popular": popular,
    "new": new,
}


def _spread_from_seeds(context: RecommendContext, matrix: str) -> np.ndarray:
    return context.signals.spread(matrix, context.seeds, np.ones(len(context.seeds)))


def _shares_of_greatest(values: np.ndarray) -> np.ndarray:
    top = float(values.max(initial=0.0))
    return values / top if top > 0 else values


def _positive(scores: np.ndarray) -> Scored:
    rows = np.flatnonzero(scores > 0)
    return rows, scores[rows]
