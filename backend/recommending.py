"""Recommend v1: own decayed history, what is bought together, the user's vector and popularity, in one linear blend.

Three kinds: `for-you` (a shopper with history), `similar` (to an item), `popular` (anybody). Each falls back to the
next until the shelf is full. No SQL and no HTTP here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shelfwise.index import VectorIndex
from shelfwise.statistics import WORTH, Statistics, decay
from shelfwise.store import Event

__all__ = ["for_you", "similar", "taste"]

Scores = dict[str, float]

# Measured on Online Retail (docs/measurements.md): what people buy again comes first.
_OWN, _TOGETHER, _VECTOR, _POPULAR = 1.0, 0.3, 0.05, 0.3
_OWN_HALF_LIFE_DAYS = 90.0
_SEEDS = 50  # own items that bring their companions
_NEAREST = 100
_TASTE_ITEMS, _TASTE_HALF_LIFE_DAYS = 20, 7.0


def for_you(events: Sequence[Event], now: float, statistics: Statistics, index: VectorIndex | None) -> Scores:
    """id → score for a shopper with these events, newest first."""
    own = _own(events, now)
    scores: Scores = {}
    _add(scores, own, _OWN)
    _add(scores, _companions(own, statistics), _TOGETHER)
    vector = taste(index, events, now) if index is not None else None
    if index is not None and vector is not None:
        _add(scores, dict(index.search(vector[None], _NEAREST)[0]), _VECTOR)
    popular = {*scores, *statistics.ranked[:_NEAREST]}
    _add(scores, {id: statistics.popularity.get(id, 0.0) for id in popular}, _POPULAR)
    return _without(scores, {event.item for event in events if event.type == "dismiss"})


def similar(items: Sequence[str], statistics: Statistics, index: VectorIndex | None) -> Scores:
    """id → score of items like these: by their vectors, and by what is bought with them; never the items themselves."""
    scores: Scores = {}
    if index is not None:
        known, vectors = index.vectors(items)
        if known:
            for hits in index.search(vectors, _NEAREST):
                _add(scores, dict(hits), 1.0 / len(known))
    _add(scores, _companions(dict.fromkeys(items, 1.0), statistics), 0.3)
    return _without(scores, items)


def taste(index: VectorIndex, events: Sequence[Event], now: float) -> np.ndarray | None:
    """The unit vector of what the shopper looked at lately, newest events first; None without any. (dim,) float32"""
    weights: dict[str, float] = {}
    for event in events:
        if event.type != "dismiss":
            weights[event.item] = weights.get(event.item, 0.0) + decay(now - event.ts, _TASTE_HALF_LIFE_DAYS)
        if len(weights) == _TASTE_ITEMS:
            break
    known, vectors = index.vectors(weights)
    if not known:
        return None
    total = np.array([weights[id] for id in known], dtype=np.float32) @ vectors  # (dim,)
    norm = float(np.linalg.norm(total))
    return total / norm if norm > 0 else None


def _own(events: Sequence[Event], now: float) -> Scores:
    own: Scores = {}
    for event in events:
        own[event.item] = own.get(event.item, 0.0) + WORTH[event.type] * decay(now - event.ts, _OWN_HALF_LIFE_DAYS)
    return {id: float(np.log1p(value)) for id, value in own.items() if value > 0}


def _companions(own: Mapping[str, float], statistics: Statistics) -> Scores:
    found: Scores = {}
    for id in sorted(own, key=lambda id: -own[id])[:_SEEDS]:
        for other, weight in statistics.together(id):
            found[other] = found.get(other, 0.0) + own[id] * weight
    return found


def _add(scores: Scores, part: Mapping[str, float], weight: float) -> None:
    """Add a part, scaled so that its best is worth `weight`."""
    top = max(part.values(), default=0.0)
    if top > 0:
        for id, value in part.items():
            scores[id] = scores.get(id, 0.0) + weight * max(0.0, value) / top


def _without(scores: Scores, ids: Iterable[str]) -> Scores:
    for id in ids:
        scores.pop(id, None)
    return scores
