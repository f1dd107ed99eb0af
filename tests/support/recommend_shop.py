"""A made-up shop for shelves: nine things on a circle, what a generation counted of them, and what a shopper did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_links import ItemLinks
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.index import VectorIndex, build
from shelfwise.recommend.context import RecommendContext, Scored
from shelfwise.recommend.impression_discount import impression_discount
from shelfwise.recommend.pipeline import RecommendOutcome, RecommendPipeline
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.request import RecommendRequest
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event, ShownRecommendation, Store
from shelfwise.timestamps import DAY

NOW = 1_320_000_000.0
ITEMS = [  # rows 1 to 9
    {"id": "tea", "title": "Green Leaf Tea", "brand": "Acme", "category": "Drinks", "price": 3},
    {"id": "chai", "title": "Spiced Chai", "brand": "Bee", "category": "Drinks", "price": 4},
    {"id": "coffee", "title": "Ground Coffee", "brand": "Acme", "category": "Drinks", "price": 5},
    {"id": "cup", "title": "Tall Porcelain Cup", "brand": "Bee", "category": "Kitchen", "price": 6},
    {"id": "mug", "title": "Stoneware Mug", "brand": "Acme", "category": "Kitchen", "price": 7},
    {"id": "lamp", "title": "Desk Lamp", "brand": "Cee", "category": "Light", "price": 40},
    {"id": "bulb", "title": "Spare Bulb", "brand": "Cee", "category": "Light", "price": 2},
    {"id": "rug", "title": "Woollen Rug", "price": 90},
    {"id": "vase", "title": "Glass Vase", "price": 20, "in_stock": False},
]
IDS = [str(item["id"]) for item in ITEMS]
DEGREES = {"tea": 0, "chai": 20, "coffee": 50, "cup": 95, "mug": 110, "lamp": 180, "bulb": 200, "rug": 270, "vase": 5}


def on_circle(degrees: Mapping[str, float] = DEGREES) -> VectorIndex:
    """An index in which the cosine of two items is that of the angle between them."""
    angles = np.radians(list(degrees.values()))
    return build(list(degrees), np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))  # (n, 2)


def event(item: str, type: str = "purchase", days: float = 1.0, session: str | None = None, seq: int = 1) -> Event:
    """So many days ago; without a session its day is the visit."""
    return Event(seq, NOW - days * DAY, type, item, "u", session, None)


def shown(*items: str, days: float = 1.0) -> ShownRecommendation:
    """So many days ago."""
    return ShownRecommendation(NOW - days * DAY, items)


def history(*events: Event) -> list[Event]:
    """Newest first, as a profile takes them."""
    return sorted(events, key=lambda event: -event.ts)


def counted(
    numbers: Mapping[str, Mapping[str, float]] | None = None,
    links: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
    ids: Sequence[str] = IDS,
) -> ItemSignals:
    """Signals from {name: {id: number}} and {matrix: {id: {where it leads: weight}}}, each link by three shoppers."""
    return ItemSignals(
        ids,
        {name: np.array([of.get(id, 0.0) for id in ids], np.float32) for name, of in (numbers or {}).items()},
        {name: _matrix(of, ids) for name, of in (links or {}).items()},
    )


def _matrix(leads: Mapping[str, Mapping[str, float]], ids: Sequence[str]) -> ItemLinks:
    rows = [sorted(leads.get(id, {}).items(), key=lambda link: -link[1]) for id in ids]
    indices = np.array([ids.index(other) for row in rows for other, _ in row], np.int32)
    weights = np.array([weight for row in rows for _, weight in row], np.float32)
    return ItemLinks(
        np.cumsum([0, *map(len, rows)]).astype(np.int64), indices, weights, np.full(len(indices), 3, np.int32)
    )


@dataclass(frozen=True)
class Served:
    """A generation as a recommendation reads it, made in memory."""

    known: ItemSignals = field(default_factory=ItemSignals)
    index: VectorIndex = field(default_factory=on_circle)
    for_you_ranker: ForYouRanker = field(default_factory=ForYouRanker)
    statistics: PopularityCounts = field(default_factory=PopularityCounts)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        return SignalsByRow(self.known, columns)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        return ItemCounts.of(self.statistics, columns, now)


def setting(
    columns: CatalogueSnapshot,
    *events: Event,
    given: Sequence[str] = (),
    known: ItemSignals | None = None,
    statistics: PopularityCounts | None = None,
    index: VectorIndex | None = None,
    shelves: Sequence[ShownRecommendation] = (),
) -> RecommendContext:
    """All live items in stock are eligible; nothing is known but what is given."""
    return RecommendContext(
        columns.rows(given),
        UserProfile.from_events(history(*events), columns, NOW),
        columns,
        ItemCounts.of(statistics or PopularityCounts(), columns, NOW),
        SignalsByRow(known or ItemSignals(), columns),
        columns.live & columns.in_stock,
        index,
        impression_discount(shelves, history(*events), columns, NOW),
    )


def by_id(found: Scored, columns: CatalogueSnapshot) -> dict[str, float]:
    """id → score, best first."""
    rows, scores = found
    order = np.argsort(-scores, kind="stable")
    return {columns.ids[row] or "": float(score) for row, score in zip(rows[order], scores[order], strict=True)}


# ---- a whole shelf ------------------------------------------------------------------------------------------

POPULAR = {"rug": 1.0, "mug": 0.6, "bulb": 0.3}
KNOWN = counted(
    {"trend": {"lamp": 3.0, "bulb": 2.0}, "repeat": {"tea": 0.5, "coffee": 0.5, "lamp": 0.01, "vase": 0.5},
     "buyers": dict.fromkeys(IDS, 40)},
    {"together": {"tea": {"cup": 0.5, "mug": 0.2}, "lamp": {"bulb": 0.4}}, "viewed": {"tea": {"chai": 1.0}}},
)  # fmt: skip
WISHED = counted(
    {"week": {"tea": 5, "rug": 20}, "month": {"tea": 30, "rug": 20, "bulb": 1}, "buyers": {"tea": 60, "rug": 20},
     "trend": {"rug": 4, "tea": -1}, "repeat": {"tea": 0.5, "rug": 0.1}},
    {"linked": {"tea": {"cup": 1.0, "mug": 0.5}, "lamp": {"bulb": 2.0}}, "following": {"tea": {"tea": 0.5, "cup": 0.1}},
     "together": {"tea": {"mug": 0.2}}, "viewed": {"tea": {"chai": 3.0}}},
)  # fmt: skip
SERVED = Served(KNOWN)
EMPTY = Served(index=build([], np.zeros((0, 2), np.float32)))


def pipeline(store: Store) -> RecommendPipeline:
    """The recommendations of a shop with this store, at NOW."""
    return RecommendPipeline(
        CatalogueCache(store), CurationCache(store), CurrentCounts(store, lambda: NOW), lambda: NOW
    )


def shelf(
    store: Store,
    kind: str = "for-you",
    *events: Event,
    served: Served = SERVED,
    popularity: Mapping[str, float] = POPULAR,
    **wish: Any,
) -> RecommendOutcome:
    """Whatever is asked, each item stands there once, is one that may be sold, and the scores fall."""
    asked = RecommendRequest(kind, events=history(*events), **wish)
    found = pipeline(store).run(asked, replace(served, statistics=PopularityCounts(popularity)))
    assert len(found.ids) == len(found.scores) == len(found.kinds) == len(set(found.ids)) <= asked.limit
    assert (np.diff(found.scores) <= 0).all() and np.isfinite(found.scores).all()
    assert "vase" not in found.ids and not set(asked.items) & set(found.ids)
    blocks = [kind for kind in dict.fromkeys(found.kinds) if kind != found.kind]
    assert blocks == found.filled or asked.exploration.share
    return found
