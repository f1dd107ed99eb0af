"""Candidates of `for-you`: from which sources they come, and how many there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_signals import ITEM_SIGNALS, MATRICES
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.candidates import find_candidates
from shelfwise.recommend.features import NAMES, build_features, link_features
from shelfwise.store import Store
from support.recommend_shop import (
    ALL_VECTORS,
    DEGREES,
    FOR_YOU_SIGNALS,
    IDS,
    candidate_ids,
    circle_index,
    event,
    features_of,
    make_context,
    make_signals,
    scores_of,
)
from support.stores import store_with, upsert_rows


def test_candidates_come_from_all_sources(columns: CatalogueSnapshot) -> None:
    tea = event("tea")
    assert candidate_ids(make_context(columns, tea)) == {"tea"}
    assert candidate_ids(make_context(columns, tea, statistics=PopularityCounts({"lamp": 0.3}))) == {"tea", "lamp"}
    assert candidate_ids(make_context(columns, tea, signals=FOR_YOU_SIGNALS)) == {
        "tea",
        "cup",
        "mug",
        "chai",
        "rug",
        "bulb",
    }
    assert candidate_ids(make_context(columns, tea, index=ALL_VECTORS)) == set(IDS) - {"vase"}, (
        "a small shop is all near"
    )


def test_ineligible_item_is_not_a_candidate(columns: CatalogueSnapshot) -> None:
    context = make_context(columns, event("tea"), event("vase"), signals=FOR_YOU_SIGNALS, index=ALL_VECTORS)
    context.eligible[columns.rows(["tea", "cup"])] = False
    assert candidate_ids(context) == set(IDS) - {"vase", "tea", "cup"}


def test_item_just_added_is_found_by_its_vector(store: Store) -> None:
    upsert_rows(store, {"id": "oolong", "title": "Oolong"})
    columns = CatalogueCache(store).current()
    index = circle_index(DEGREES | {"oolong": 4.0})
    context = make_context(columns, event("tea"), signals=FOR_YOU_SIGNALS, index=index)
    assert "oolong" in candidate_ids(context)
    like_one = {id: values["like_one"] for id, values in features_of(context, *IDS, "oolong").items()}
    assert max(like_one, key=lambda id: like_one[id]) == "oolong"
    order = list(scores_of(context))
    assert order.index("oolong") < order.index("coffee"), "by its vector alone"


def test_own_items_leave_room_for_new_linked_ones(tmp_path: Path) -> None:
    """A hundred are taken of where a link leads; the shopper has the first hundred and fifty already."""
    ids = [f"i{number}" for number in range(200)]
    store = store_with(tmp_path, [{"id": id, "title": id} for id in ids])
    columns = CatalogueCache(store).current()
    signals = make_signals(links={"linked": {"i0": {id: 1.0 / (1 + number) for number, id in enumerate(ids)}}}, ids=ids)
    context = make_context(columns, *(event(id) for id in ids[:150]), signals=signals)
    assert set(ids[150:]) <= candidate_ids(context)
    store.close()


def test_number_of_candidates_is_bounded(tmp_path: Path) -> None:
    """Three thousand things that all are near, popular and linked to all of the shopper's five hundred."""
    ids = [f"i{number}" for number in range(3_000)]
    store = store_with(tmp_path, [{"id": id, "title": id} for id in ids])
    columns = CatalogueCache(store).current()
    links = {"i0": {id: 1.0 + number for number, id in enumerate(ids)}}
    signals = make_signals(
        {name: dict.fromkeys(ids, 5.0) for name in ITEM_SIGNALS}, dict.fromkeys(MATRICES, links), ids
    )
    index = circle_index({id: number / 3_000 for number, id in enumerate(ids)})
    events = [event(id, days=number / 50) for number, id in enumerate(ids[:500])]
    context = make_context(
        columns, *events, signals=signals, index=index, statistics=PopularityCounts(dict.fromkeys(ids, 0.5))
    )
    count = len(find_candidates(context, link_features(context)))
    assert 250 < count <= 250 + 12 * 100 + 3 * 60 + 3 * 30
    values = build_features(context, find_candidates(context, link_features(context)), link_features(context))
    assert values.shape == (count, len(NAMES)) and np.isfinite(values).all()
    store.close()
