"""Features of the candidates of `for-you`, by source, of histories as odd as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.features import NAMES, SOURCES
from shelfwise.recommend.for_you import for_you
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.store import Event, Store
from shelfwise.timestamps import DAY
from support.recommend_shop import (
    ALL_VECTORS,
    FOR_YOU_SIGNALS,
    IDS,
    NO_VECTORS,
    NOW,
    candidate_ids,
    circle_index,
    event,
    features_of,
    make_context,
)
from support.stores import upsert_rows


def test_own_features_of_a_repeated_item(columns: CatalogueSnapshot) -> None:
    context = make_context(
        columns, event("tea", days=40), event("tea", days=10), event("cup", "click", 1), signals=FOR_YOU_SIGNALS
    )
    tea = features_of(context)["tea"]
    expected = {
        "own_times": 2, "own_since": 10, "own_first": 40, "own_gap": 30, "own_overdue": 1 / 3, "own_share": 2 / 3,
        "own_back": 1, "own_share_since": 1, "own_30": 0.5 ** (1 / 3) + 0.5 ** (4 / 3), "own_rank": 0, "in_last_3": 2,
    }  # fmt: skip
    assert {name: tea[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_own_features_of_an_item_never_chosen(columns: CatalogueSnapshot) -> None:
    cup = features_of(make_context(columns, event("tea"), signals=FOR_YOU_SIGNALS))["cup"]
    assert [cup[name] for name in ("own_times", "own_90", "own_share", "own_overdue", "in_last_3")] == [0] * 5
    assert {cup[name] for name in ("own_since", "own_back", "own_first", "own_gap", "own_rank")} == {999}


def test_link_features_follow_the_shoppers_items(columns: CatalogueSnapshot) -> None:
    features = features_of(make_context(columns, event("tea", days=0), signals=FOR_YOU_SIGNALS))
    assert [features[id]["linked_60"] for id in ("cup", "mug", "rug")] == [1.0, 0.5, 0.0]
    assert [features[id]["linked_60_rank"] for id in ("cup", "mug")] == [0, 1]
    assert (features["tea"]["following"], features["mug"]["together_60"]) == (0.5, pytest.approx(0.2))
    assert [features[id]["following_rank"] for id in ("tea", "cup")] == [0, 1]
    assert [features[id]["following_new"] for id in ("tea", "cup")] == [999, 0], "counted among what is new to them"


def test_link_features_of_the_last_visits_leave_out_older_ones(columns: CatalogueSnapshot) -> None:
    visits = [event("lamp", days=9), event("rug", days=3), event("rug", days=2), event("tea", days=1)]
    features = features_of(make_context(columns, *visits, signals=FOR_YOU_SIGNALS))
    assert features["bulb"]["linked_60"] > 0
    assert (features["bulb"]["linked_3"], features["bulb"]["linked_1"]) == (0, 0)
    assert (features["cup"]["linked_3"], features["cup"]["linked_1"]) == (1, 1)


def test_taste_features_compare_with_own_items(columns: CatalogueSnapshot) -> None:
    features = features_of(make_context(columns, event("tea", days=0), event("lamp", "click", 0), index=ALL_VECTORS))
    assert features["coffee"]["brand_share"] == features["chai"]["category_share"] == pytest.approx(5 / 6)
    assert features["bulb"]["brand_share"] == pytest.approx(1 / 6)
    assert features["rug"]["brand_share"] == features["rug"]["category_share"] == 0.0
    first_two = sorted(features[id]["like_one"] for id in ("chai", "bulb"))  # 20 degrees from tea, and from the lamp
    assert first_two == pytest.approx([1 / 1.2, 1 / 1.1]), "the vase stands nearer"
    like_one = {id: one["like_one"] for id, one in features.items() if id != "late"}
    assert min(like_one, key=lambda id: like_one[id]) in ("tea", "lamp"), "not like itself: like the other"
    assert features["chai"]["like_all"] > features["cup"]["like_all"] > features["bulb"]["like_all"] > 0
    assert abs(features["coffee"]["price_fit"]) < abs(features["rug"]["price_fit"])


def test_item_features_come_from_counts_and_signals(store: Store) -> None:
    upsert_rows(store, {"id": "rug", "created_at": NOW - 9 * DAY}, {"id": "cup", "created_at": NOW - 900 * DAY})
    columns = CatalogueCache(store).current()
    features = features_of(
        make_context(columns, event("tea"), signals=FOR_YOU_SIGNALS, statistics=PopularityCounts({"rug": 0.7}))
    )
    assert (features["rug"]["age"], features["cup"]["age"], features["mug"]["age"]) == (9, 400, 0)
    assert (features["rug"]["popularity"], features["rug"]["week"], features["tea"]["week"]) == (
        pytest.approx(0.7),
        1,
        0.25,
    )
    assert (features["rug"]["trend"], features["tea"]["repeat"]) == (4, 0.5)
    assert features["rug"]["rising"] > 0 > features["tea"]["rising"]
    assert features["tea"]["price"] == pytest.approx(np.log(4))


def test_shopper_features_are_the_same_for_all(columns: CatalogueSnapshot) -> None:
    visits = [event("tea", days=30), event("cup", days=30), event("tea", days=20), event("tea", days=10)]
    features = features_of(make_context(columns, *visits))
    names = [name for name in NAMES if SOURCES[name] == "shopper"]
    assert [features["tea"][name] for name in names] == [features["rug"][name] for name in names]
    assert {name: features["rug"][name] for name in names} == pytest.approx(
        {"visits": 3, "items": 2, "visit_size": 4 / 3, "days_away": 10, "days_known": 30, "days_between": 10,
         "habit": 0.5}
    )  # fmt: skip


ODD: dict[str, list[Event]] = {
    "one view": [event("tea", "view", 0)],
    "in the future": [event("tea", days=-9), event("cup", "view", -1)],
    "at one moment": [event(id, session=str(n)) for n, id in enumerate([*IDS, *IDS])],
    "long ago": [event("tea", days=15_000), event("cup", days=14_000)],
    "five hundred": [event(IDS[n % 9], days=n / 3, session=str(n)) for n in range(500)],
    "no price, no category, no brand": [event("rug")],
    "of what is sold out": [event("vase")],
    "unknown things beside one": [event("unknown"), event("tea")],
}


@pytest.mark.parametrize("events", ODD.values(), ids=ODD)
@pytest.mark.parametrize("signals", [ItemSignals(), FOR_YOU_SIGNALS], ids=["nothing counted", "counted"])
@pytest.mark.parametrize(
    "index", [NO_VECTORS, ALL_VECTORS, circle_index({"lamp": 180.0})], ids=["no vectors", "index", "one vector"]
)
def test_features_of_odd_histories_are_finite(
    columns: CatalogueSnapshot, events: Any, signals: ItemSignals, index: Any
) -> None:
    context = make_context(
        columns,
        *events,
        signals=signals,
        index=index,
        statistics=PopularityCounts({"tea": 1.0}, first_seen={"tea": 1.0}),
    )
    features_of(context)
    scored = for_you(context, ForYouRanker())
    assert len(scored.rows) == len(scored.scores) == len(scored.features) > 0
    assert np.isfinite(scored.scores).all()


def test_features_with_deleted_own_items_are_finite(store: Store) -> None:
    store.items.delete(["tea", "cup"])
    columns = CatalogueCache(store).current()
    context = make_context(
        columns, event("tea"), event("cup"), signals=FOR_YOU_SIGNALS, index=circle_index({"mug": 110.0})
    )
    assert "mug" in candidate_ids(context), "where they led"
    features_of(context, "mug", "chai")
