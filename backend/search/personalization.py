"""How each candidate suits the shopper: by the things they had before, their brands, categories, prices and looks.

All from the shopper's own events, read at the moment of the question: a click bends the very next answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import EVENT_WEIGHTS, decay
from shelfwise.generation.item_signals import SignalsByRow
from shelfwise.index import VectorIndex
from shelfwise.store import Event
from shelfwise.timestamps import DAY

__all__ = ["ShopperTaste", "recent_embedding", "shopper_taste"]

_OWN_HALF_LIFE_DAYS = 60.0
_SEEDS = 50  # the latest of their items, of which each brings its companions
_TASTE_ITEMS, _TASTE_HALF_LIFE_DAYS = 20, 7.0
_LEAST_PRICES = 3  # items with a price before a level can be told


@dataclass(frozen=True, slots=True)
class ShopperTaste:
    """A shopper's taste; `of` says how much of it each candidate meets."""

    own: Mapping[int, float]  # row → decayed worth of the shopper's events on the item
    companions: np.ndarray  # (columns.size,) how strongly it goes into baskets with what they have, at most 1
    embedding: np.ndarray | None  # (dim,) unit vector of what they chose lately
    brands: Mapping[int, float]  # brand code → share of their choices, 0..1
    categories: Mapping[int, float]
    price: tuple[float, float] | None  # mean and deviation of the logarithm

    def of(self, rows: np.ndarray, columns: CatalogueSnapshot, index: VectorIndex | None) -> dict[str, np.ndarray]:
        """The features of `features.TASTES` for candidates `rows` (n,), each (n,) float32."""
        tastes = {
            "own": np.log1p([self.own.get(row, 0.0) for row in rows.tolist()]),
            "companion": self.companions[rows],
            "brand": _shares(self.brands, columns.brand[rows]),
            "category": _shares(self.categories, columns.category[rows]),
        }
        if self.price is not None:
            mean, deviation = self.price
            distance = (np.log1p(columns.price[rows]) - mean) / deviation
            tastes["price_fit"] = np.nan_to_num(np.exp(-0.5 * distance**2), nan=0.0)
        if self.embedding is not None and index is not None:
            known, vectors = index.vectors([columns.ids[row] for row in rows.tolist()])
            near = dict(zip(known, (vectors @ self.embedding).tolist(), strict=True))
            tastes["taste"] = np.array([near.get(columns.ids[row], 0.0) for row in rows.tolist()])
        return {name: np.asarray(values, np.float32) for name, values in tastes.items()}


def shopper_taste(
    events: Sequence[Event], columns: CatalogueSnapshot, index: VectorIndex | None, signals: SignalsByRow, now: float
) -> ShopperTaste | None:
    """The taste of a shopper with these events, newest first; None where they say nothing."""
    own: dict[int, float] = {}
    for event in events:
        row = columns.row_of.get(event.item, 0)
        if not 0 < row < columns.size or event.type == "dismiss":
            continue
        own[row] = own.get(row, 0.0) + EVENT_WEIGHTS[event.type] * decay((now - event.ts) / DAY, _OWN_HALF_LIFE_DAYS)
    if not own:
        return None
    rows = np.fromiter(own, np.int64, len(own))
    weights = np.array([own[row] for row in rows.tolist()])
    companions = signals.spread("together", rows[:_SEEDS], np.ones(len(rows[:_SEEDS])))
    return ShopperTaste(
        own,
        companions / (companions.max(initial=0.0) or 1.0),
        recent_embedding(index, events, now) if index is not None else None,
        _totals(columns.brand[rows], weights),
        _totals(columns.category[rows], weights),
        _level(columns.price[rows]),
    )


def recent_embedding(index: VectorIndex, events: Sequence[Event], now: float) -> np.ndarray | None:
    """The unit vector of what the shopper looked at lately, newest events first; None without any. (dim,) float32"""
    weights: dict[str, float] = {}
    for event in events:
        if event.type != "dismiss":
            weights[event.item] = weights.get(event.item, 0.0) + decay((now - event.ts) / DAY, _TASTE_HALF_LIFE_DAYS)
        if len(weights) == _TASTE_ITEMS:
            break
    known, vectors = index.vectors(weights)
    if not known:
        return None
    total = np.array([weights[id] for id in known], dtype=np.float32) @ vectors  # (dim,)
    norm = float(np.linalg.norm(total))
    return total / norm if norm > 0 else None


def _totals(codes: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    """Shares of the weights by code; 0, which is none, stays out."""
    totals: dict[int, float] = {}
    for code, weight in zip(codes.tolist(), weights.tolist(), strict=True):
        if code > 0:
            totals[code] = totals.get(code, 0.0) + weight
    whole = sum(totals.values())
    return {code: weight / whole for code, weight in totals.items()} if whole > 0 else {}


def _shares(shares: Mapping[int, float], codes: np.ndarray) -> np.ndarray:
    return np.array([shares.get(code, 0.0) for code in codes.tolist()])


def _level(prices: np.ndarray) -> tuple[float, float] | None:
    known = np.log1p(prices[~np.isnan(prices)])
    return (float(known.mean()), float(known.std()) + 0.25) if len(known) >= _LEAST_PRICES else None
