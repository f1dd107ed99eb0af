"""A made-up shop for recommendations: nine items on a circle, a generation's signals, and a shopper's events."""

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
from shelfwise.recommend.candidates import find_candidates
from shelfwise.recommend.context import RecommendContext, Scored
from shelfwise.recommend.features import NAMES, build_features, link_features
from shelfwise.recommend.for_you import for_you
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


def circle_index(degrees: Mapping[str, float] = DEGREES) -> VectorIndex:
    """Return an index in which the cosine of two items is that of the angle between them."""
    angles = np.radians(list(degrees.values()))
    return build(list(degrees), np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))  # (n, 2)


ALL_VECTORS, NO_VECTORS = circle_index(), circle_index({})


def event(item: str, type: str = "purchase", days: float = 1.0, session: str | None = None, seq: int = 1) -> Event:
    """Return an event of so many days ago; without a session its day is the visit."""
    return Event(seq, NOW - days * DAY, type, item, "u", session, None)


def shown(*items: str, days: float = 1.0) -> ShownRecommendation:
    """Return an impression of so many days ago."""
    return ShownRecommendation(NOW - days * DAY, items)


def history(*events: Event) -> list[Event]:
    """Return the events newest first, as a profile takes them."""
    return sorted(events, key=lambda event: -event.ts)


def make_signals(
    numbers: Mapping[str, Mapping[str, float]] | None = None,
    links: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
    ids: Sequence[str] = IDS,
) -> ItemSignals:
    """Return signals from {name: {id: number}} and {matrix: {id: {linked id: weight}}}, each link by three shoppers."""
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
    index: VectorIndex = field(default_factory=circle_index)
    for_you_ranker: ForYouRanker = field(default_factory=ForYouRanker)
    statistics: PopularityCounts = field(default_factory=PopularityCounts)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        return SignalsByRow(self.known, columns)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        return ItemCounts.of(self.statistics, columns, now)


def make_context(
    columns: CatalogueSnapshot,
    *events: Event,
    seeds: Sequence[str] = (),
    signals: ItemSignals | None = None,
    statistics: PopularityCounts | None = None,
    index: VectorIndex = NO_VECTORS,
    impressions: Sequence[ShownRecommendation] = (),
) -> RecommendContext:
    """Return a context in which all live items in stock are eligible."""
    return RecommendContext(
        columns.rows(seeds),
        UserProfile.from_events(history(*events), columns, NOW),
        columns,
        ItemCounts.of(statistics or PopularityCounts(), columns, NOW),
        SignalsByRow(signals or ItemSignals(), columns),
        columns.live & columns.in_stock,
        index,
        impression_discount(impressions, history(*events), columns, NOW),
    )


def by_id(scored: Scored, columns: CatalogueSnapshot) -> dict[str, float]:
    """Return id → score, best first."""
    rows, scores = scored
    order = np.argsort(-scores, kind="stable")
    return {columns.ids[row] or "": float(score) for row, score in zip(rows[order], scores[order], strict=True)}


def features_of(context: RecommendContext, *ids: str) -> dict[str, dict[str, float]]:
    """Return id → feature → value, and assert that all are finite."""
    rows = np.sort(context.columns.rows(ids or IDS))
    values = build_features(context, rows, link_features(context))
    assert values.shape == (len(rows), len(NAMES)) and values.dtype == np.float32
    assert np.isfinite(values).all()
    named = [context.columns.ids[row] or "" for row in rows.tolist()]
    return {id: dict(zip(NAMES, one, strict=True)) for id, one in zip(named, values.tolist(), strict=True)}


def candidate_ids(context: RecommendContext) -> set[str]:
    """Return the ids of the candidates of `for-you`, and assert that their rows ascend."""
    rows = find_candidates(context, link_features(context))
    assert sorted(set(rows.tolist())) == rows.tolist()
    return {context.columns.ids[row] or "" for row in rows.tolist()}


def scores_of(context: RecommendContext, ranker: ForYouRanker | None = None) -> dict[str, float]:
    """Return id → score of `for-you`, best first."""
    scored = for_you(context, ranker or ForYouRanker())
    return by_id((scored.rows, scored.scores), context.columns)


# ---- the whole pipeline ---------------------------------------------------------------------------------------

POPULAR = {"rug": 1.0, "mug": 0.6, "bulb": 0.3}
SIGNALS = make_signals(
    {"trend": {"lamp": 3.0, "bulb": 2.0}, "repeat": {"tea": 0.5, "coffee": 0.5, "lamp": 0.01, "vase": 0.5},
     "buyers": dict.fromkeys(IDS, 40)},
    {"together": {"tea": {"cup": 0.5, "mug": 0.2}, "lamp": {"bulb": 0.4}}, "viewed": {"tea": {"chai": 1.0}}},
)  # fmt: skip
FOR_YOU_SIGNALS = make_signals(
    {"week": {"tea": 5, "rug": 20}, "month": {"tea": 30, "rug": 20, "bulb": 1}, "buyers": {"tea": 60, "rug": 20},
     "trend": {"rug": 4, "tea": -1}, "repeat": {"tea": 0.5, "rug": 0.1}},
    {"linked": {"tea": {"cup": 1.0, "mug": 0.5}, "lamp": {"bulb": 2.0}}, "following": {"tea": {"tea": 0.5, "cup": 0.1}},
     "together": {"tea": {"mug": 0.2}}, "viewed": {"tea": {"chai": 3.0}}},
)  # fmt: skip
SERVED = Served(SIGNALS)
EMPTY = Served(index=NO_VECTORS)


def pipeline(store: Store) -> RecommendPipeline:
    """Return the recommendations of a shop with this store, at NOW."""
    return RecommendPipeline(
        CatalogueCache(store), CurationCache(store), CurrentCounts(store, lambda: NOW), lambda: NOW
    )


def recommend(
    store: Store,
    kind: str = "for-you",
    *events: Event,
    served: Served = SERVED,
    popularity: Mapping[str, float] = POPULAR,
    **fields: Any,
) -> RecommendOutcome:
    """Run a request and assert that each item comes once and may be sold, that scores fall, and kinds are in blocks."""
    request = RecommendRequest(kind, events=history(*events), **fields)
    outcome = pipeline(store).run(request, replace(served, statistics=PopularityCounts(popularity)))
    assert len(outcome.ids) == len(outcome.scores) == len(outcome.kinds) == len(set(outcome.ids)) <= request.limit
    assert (np.diff(outcome.scores) <= 0).all() and np.isfinite(outcome.scores).all()
    assert "vase" not in outcome.ids and not set(request.items) & set(outcome.ids)
    blocks = [kind for kind in dict.fromkeys(outcome.kinds) if kind != outcome.kind]
    assert blocks == outcome.filled or request.exploration.share
    return outcome
