"""The kinds of shelves: which items each finds and by what score. What is eligible is not decided here.

Every kind gives (rows, scores), unsorted, higher is better and comparable within the kind. A row is an item's pk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shelfwise.recommend.context import LAST_STEPS, RecommendContext, Scored

__all__ = [
    "FALLBACKS",
    "KINDS",
    "STRATEGIES",
    "default_kind",
    "kind_with_fallbacks",
    "one_time_purchases",
]

_DURABLE = 0.03  # who bought a thing that fewer than these buy again has no use for a second one
_TYPICAL_GAP_DAYS = 45.0  # between two purchases of a thing, until a person's own rhythm is known
_TOO_SOON = 0.25  # of the usual days between
_RHYTHM = 0.7  # spread of the logarithm of (days since / usual days between)
_ONCE = 0.3  # how much a single purchase says of a rhythm
_NEW_DAYS = 14.0  # after as many days a thing is half as new
_LEAST_TREND = 1.0  # standard deviations

# Who asks for a kind that finds too little gets the next ones; docs/recommendations.md says the same.
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
    """The kind, and what fills its shelf up after it."""
    return kind, *(FALLBACKS[kind] if fill else ())


def default_kind(items: Sequence[str], user: str | None, session: str | None) -> str:
    """What is meant by a question that names no kind: one item is looked at, several are a cart."""
    if items:
        return "similar" if len(items) == 1 else "together"
    return "popular" if user is None and session is None else "for-you"


def one_time_purchases(context: RecommendContext) -> np.ndarray:
    """The rows of what the shopper bought and hardly anybody buys twice, (n,)."""
    bought = context.profile.rows[context.profile.bought]
    repeat = context.signals.signal("repeat")[bought]  # 0: not counted
    return bought[(repeat > 0) & (repeat < _DURABLE)]


def similar(context: RecommendContext) -> Scored:
    """The same thing in another make: by what the items are, and a little by what is looked at beside them."""
    _, vectors = context.vectors(context.given)
    total = np.zeros(context.columns.size)
    for near in context.near(vectors):
        total[list(near)] += np.fromiter(near.values(), np.float64, len(near)) / len(vectors)
    total += 0.1 * _of_best(context.signals.spread("viewed", context.given, np.ones(len(context.given))))
    return _positive(total)


def together(context: RecommendContext) -> Scored:
    """What was chosen in the same baskets as the items, summed over them."""
    return _positive(context.signals.spread("together", context.given, np.ones(len(context.given))).astype(np.float64))


def again(context: RecommendContext) -> Scored:
    """What the shopper bought and may buy again, most when it is due by their own rhythm, and never too soon."""
    profile = context.profile.purchases  # a look at a thing doesn't make it less due
    repeat = context.signals.signal("repeat")[profile.rows]
    habit = (profile.visit_counts - 1) / max(1, profile.visits - 1)
    usual = np.where(np.isnan(profile.mean_gap_days), _TYPICAL_GAP_DAYS, np.maximum(profile.mean_gap_days, 1.0))
    due = np.exp(-0.5 * (np.log(np.maximum(profile.days_since, 0.5) / usual) / _RHYTHM) ** 2)
    sure = np.where(np.isnan(profile.mean_gap_days), _ONCE, 1.0)
    rng = (repeat + habit) * (0.25 + due * sure)
    kept = profile.bought & (rng > 0) & (profile.days_since >= _TOO_SOON * usual)
    return profile.rows[kept], rng[kept]


def next_steps(context: RecommendContext) -> Scored:
    """After the last steps of the last visit: what follows them in baskets and sessions, and what is like them."""
    steps, weights = context.steps
    alike, total = np.zeros(context.columns.size), np.zeros(context.columns.size)
    for name in ("together", "viewed", "linked"):
        total += _of_best(context.signals.spread(name, steps, weights))
    known, vectors = context.vectors(steps[:LAST_STEPS])  # a search each
    for weight, near in zip(weights[known].tolist(), context.near(vectors), strict=True):
        alike[list(near)] += weight * np.fromiter(near.values(), np.float64, len(near))
    total += _of_best(alike)
    total[steps] = total[context.profile.items_of_last_visits(1)] = 0.0
    return _positive(total)


def trending(context: RecommendContext) -> Scored:
    """What is chosen more than the weeks before made expect; not what is chosen most."""
    trend = context.signals.signal("trend").astype(np.float64)
    rows = np.flatnonzero(trend >= _LEAST_TREND)
    return rows, trend[rows]


def popular(context: RecommendContext) -> Scored:
    return _positive(context.counts.popularity.astype(np.float64))


def new(context: RecommendContext) -> Scored:
    """What came last; among what came at once, first what stands for much of the catalogue."""
    rows = np.flatnonzero(context.eligible)
    age = context.counts.age[rows]
    arrival = rows / max(1, context.columns.size)  # where nothing says when an item came, its row does
    fresh = np.where(np.isnan(age), 0.1 * arrival, 1 / (1 + np.maximum(age, 0.0) / _NEW_DAYS))
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


def _of_best(values: np.ndarray) -> np.ndarray:
    """The values as shares of the greatest."""
    top = float(values.max(initial=0.0))
    return values / top if top > 0 else values


def _positive(scores: np.ndarray) -> Scored:
    rows = np.flatnonzero(scores > 0)
    return rows, scores[rows]
