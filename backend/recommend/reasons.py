"""The sentence that explains one hit, and the item of the shopper's that it cites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shelfwise.ranking.attribution import times_in_words
from shelfwise.recommend.context import CART_WEIGHT, RecommendContext

__all__ = ["Reason", "habit_reason", "is_new", "kind_reason", "leading_items", "nearest_items"]

_NEW_DAYS = 30
_DEFAULTS = {
    "similar": "alike", "together": "bought together", "again": "you chose it before", "popular": "popular lately",
    "new": "from the whole range", "trending": "more and more chosen",
}  # fmt: skip


class Reason(NamedTuple):
    """A sentence, in which {} stands for the title of the item that it cites by its row; 0: it cites none."""

    text: str
    row: int = 0


def kind_reason(context: RecommendContext, row: int, kind: str) -> Reason:
    """Return the reason of a hit of a kind that ranks by one source."""
    steps = context.steps[0]
    reason: Reason | None = None
    match kind:
        case "similar":
            reason = _like(context, row, steps) or _goes_with(context, row, ("viewed",), steps)
        case "together":
            reason = _in_baskets(context, row, steps)
        case "next":
            reason = _goes_with(context, row, ("together", "viewed", "linked"), steps) or _like(context, row, steps)
        case "again":
            reason = habit_reason(context, row)
        case "new" if is_new(context, row):
            reason = Reason("new here")
    return reason or Reason(_DEFAULTS.get(kind, kind))


def habit_reason(context: RecommendContext, row: int) -> Reason | None:
    """Return what the shopper did with the item and when; None where they never turned to it."""
    profile = context.profile
    positions = np.flatnonzero(profile.rows == row)
    if not len(positions):
        return None
    position = positions[0]
    verb, visits = "looked at", profile
    if profile.bought[position]:
        verb, visits = "bought", profile.purchases
    elif (in_cart := (profile.item == position) & (profile.weight >= CART_WEIGHT)).any():
        return Reason(f"you put it into the cart {_ago(profile.best_event_age[in_cart].min())}")
    times = times_in_words(int(visits.visit_counts[position]))
    return Reason(f"you {verb} it {times}, {_ago(visits.days_since[position])}")


def is_new(context: RecommendContext, row: int) -> bool:
    """Return whether the item came within 30 days; False where its age is unknown."""
    return bool(context.counts.age[row] < _NEW_DAYS)


def leading_items(context: RecommendContext, row: int, matrices: Sequence[str], own_rows: np.ndarray) -> list[int]:
    """Return those of the shopper's items with links to `row`, the strongest by all of the matrices first."""
    others = own_rows[own_rows != row]
    profile = context.profile
    decayed = dict(zip(profile.rows.tolist(), profile.decayed(60).tolist(), strict=True))
    weights = np.array([decayed.get(other, 1.0) for other in others.tolist()])  # 1: of a cart that was given
    shares: dict[int, float] = {}
    for name in matrices:
        links = context.signals.weights_to(name, row, others) * weights
        top = float(np.abs(links).max(initial=0.0))
        if top > 0:
            for other, share in zip(others.tolist(), (links / top).tolist(), strict=True):
                shares[other] = shares.get(other, 0.0) + share
    return [other for other in sorted(shares, key=lambda other: -shares[other]) if shares[other] > 0]


def nearest_items(context: RecommendContext, row: int, own_rows: np.ndarray) -> list[int]:
    """Return those of the shopper's items whose embedding is like that of `row`, the nearest first."""
    others = own_rows[own_rows != row]
    positions, vectors = context.vectors(others)
    _, wanted = context.vectors(np.array([row]))
    if not len(positions) or not len(wanted):
        return []
    cosines = vectors @ wanted[0]
    order = np.argsort(-cosines, kind="stable")
    nearest: list[int] = others[positions[order[cosines[order] > 0]]].tolist()
    return nearest


def _like(context: RecommendContext, row: int, own_rows: np.ndarray) -> Reason | None:
    nearest = nearest_items(context, row, own_rows)
    return Reason("like {}", nearest[0]) if nearest else None


def _goes_with(context: RecommendContext, row: int, matrices: Sequence[str], own_rows: np.ndarray) -> Reason | None:
    leading = leading_items(context, row, matrices, own_rows)
    return Reason("goes with {}", leading[0]) if leading else None


def _in_baskets(context: RecommendContext, row: int, items: np.ndarray) -> Reason | None:
    links = context.signals.weights_to("together", row, items)
    if not len(links) or links.max() <= 0:
        return None
    item = int(items[int(np.argmax(links))])
    shoppers = context.signals.support("together", item, row)
    return Reason(f"goes with {{}}: {shoppers} shoppers chose both" if shoppers else "goes with {}", item)


def _ago(age_days: float) -> str:
    days = round(float(age_days))
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
