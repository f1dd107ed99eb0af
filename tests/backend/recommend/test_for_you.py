"""The shelf `for-you`: which candidates it has, what is known of each, and how blend and trees rank them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_signals import ITEM_SIGNALS, MATRICES, ItemSignals
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.candidates import find_candidates
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import NAMES, SOURCES, build_features, link_features
from shelfwise.recommend.for_you import for_you
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.store import Event, Store
from shelfwise.timestamps import DAY
from support.fake_generation import put, stocked
from support.recommend_shop import DEGREES, IDS, NOW, WISHED, by_id, counted, event, on_circle, setting

INDEX = on_circle()


def made(setting: RecommendContext, *ids: str) -> dict[str, dict[str, float]]:
    """id → feature → value."""
    rows = np.sort(setting.columns.rows(ids or IDS))
    values = build_features(setting, rows, link_features(setting))
    assert values.shape == (len(rows), len(NAMES)) and values.dtype == np.float32
    assert np.isfinite(values).all()
    named = [setting.columns.ids[row] or "" for row in rows.tolist()]
    return {id: dict(zip(NAMES, one, strict=True)) for id, one in zip(named, values.tolist(), strict=True)}


def shelf(setting: RecommendContext, ranker: ForYouRanker | None = None) -> dict[str, float]:
    wishes = for_you(setting, ranker or ForYouRanker())
    return by_id((wishes.rows, wishes.scores), setting.columns)


# ---- candidates ---------------------------------------------------------------------------------------------


def found(setting: RecommendContext) -> set[str]:
    rows = find_candidates(setting, link_features(setting))
    assert sorted(set(rows.tolist())) == rows.tolist()
    return {setting.columns.ids[row] or "" for row in rows.tolist()}


def test_candidates_come_from_all_sources(columns: CatalogueSnapshot) -> None:
    tea = event("tea")
    assert found(setting(columns, tea)) == {"tea"}
    assert found(setting(columns, tea, statistics=PopularityCounts({"lamp": 0.3}))) == {"tea", "lamp"}
    assert found(setting(columns, tea, known=WISHED)) == {"tea", "cup", "mug", "chai", "rug", "bulb"}
    assert found(setting(columns, tea, index=INDEX)) == set(IDS) - {"vase"}, "a small shop is all near"


def test_what_is_not_eligible_is_no_candidate(columns: CatalogueSnapshot) -> None:
    asked = setting(columns, event("tea"), event("vase"), known=WISHED, index=INDEX)
    asked.eligible[columns.rows(["tea", "cup"])] = False
    assert found(asked) == set(IDS) - {"vase", "tea", "cup"}


def test_an_item_that_came_a_minute_ago_is_found_by_its_vector(store: Store) -> None:
    put(store, {"id": "oolong", "title": "Oolong"})
    columns = CatalogueCache(store).current()
    index = on_circle(DEGREES | {"oolong": 4.0})
    asked = setting(columns, event("tea"), known=WISHED, index=index)
    assert "oolong" in found(asked)
    alike = {id: values["like_one"] for id, values in made(asked, *IDS, "oolong").items()}
    assert max(alike, key=lambda id: alike[id]) == "oolong"
    order = list(shelf(asked))
    assert order.index("oolong") < order.index("coffee"), "by its vector alone"


def test_own_things_leave_room_for_new_ones_among_where_they_lead(tmp_path: Path) -> None:
    """A hundred are taken of where a link leads; the shopper has the first hundred and fifty already."""
    ids = [f"i{number}" for number in range(200)]
    with_all = stocked(tmp_path, [{"id": id, "title": id} for id in ids])
    columns = CatalogueCache(with_all).current()
    known = counted(links={"linked": {"i0": {id: 1.0 / (1 + number) for number, id in enumerate(ids)}}}, ids=ids)
    asked = setting(columns, *(event(id) for id in ids[:150]), known=known)
    assert set(ids[150:]) <= found(asked)
    with_all.close()


def test_the_number_of_candidates_is_bounded(tmp_path: Path) -> None:
    """Three thousand things that all are near, popular and linked to all of the shopper's five hundred."""
    ids = [f"i{number}" for number in range(3_000)]
    with_all = stocked(tmp_path, [{"id": id, "title": id} for id in ids])
    columns = CatalogueCache(with_all).current()
    links = {"i0": {id: 1.0 + number for number, id in enumerate(ids)}}
    known = counted({name: dict.fromkeys(ids, 5.0) for name in ITEM_SIGNALS}, dict.fromkeys(MATRICES, links), ids)
    index = on_circle({id: number / 3_000 for number, id in enumerate(ids)})
    events = [event(id, days=number / 50) for number, id in enumerate(ids[:500])]
    asked = setting(columns, *events, known=known, index=index, statistics=PopularityCounts(dict.fromkeys(ids, 0.5)))
    count = len(find_candidates(asked, link_features(asked)))
    assert 250 < count <= 250 + 12 * 100 + 3 * 60 + 3 * 30
    values = build_features(asked, find_candidates(asked, link_features(asked)), link_features(asked))
    assert values.shape == (count, len(NAMES)) and np.isfinite(values).all()
    with_all.close()


# ---- features -----------------------------------------------------------------------------------------------


def test_what_is_known_of_an_own_item(columns: CatalogueSnapshot) -> None:
    asked = setting(columns, event("tea", days=40), event("tea", days=10), event("cup", "click", 1), known=WISHED)
    tea = made(asked)["tea"]
    expected = {
        "own_times": 2, "own_since": 10, "own_first": 40, "own_gap": 30, "own_overdue": 1 / 3, "own_share": 2 / 3,
        "own_back": 1, "own_share_since": 1, "own_30": 0.5 ** (1 / 3) + 0.5 ** (4 / 3), "own_rank": 0, "in_last_3": 2,
    }  # fmt: skip
    assert {name: tea[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_of_what_they_never_had_nothing_is_said(columns: CatalogueSnapshot) -> None:
    cup = made(setting(columns, event("tea"), known=WISHED))["cup"]
    assert [cup[name] for name in ("own_times", "own_90", "own_share", "own_overdue", "in_last_3")] == [0] * 5
    assert {cup[name] for name in ("own_since", "own_back", "own_first", "own_gap", "own_rank")} == {999}


def test_where_the_shoppers_items_lead(columns: CatalogueSnapshot) -> None:
    found = made(setting(columns, event("tea", days=0), known=WISHED))
    assert [found[id]["linked_60"] for id in ("cup", "mug", "rug")] == [1.0, 0.5, 0.0]
    assert [found[id]["linked_60_rank"] for id in ("cup", "mug")] == [0, 1]
    assert (found["tea"]["following"], found["mug"]["together_60"]) == (0.5, pytest.approx(0.2))
    assert [found[id]["following_rank"] for id in ("tea", "cup")] == [0, 1]
    assert [found[id]["following_new"] for id in ("tea", "cup")] == [999, 0], "counted among what is new to them"


def test_only_the_last_visits_count_where_the_name_says_so(columns: CatalogueSnapshot) -> None:
    visits = [event("lamp", days=9), event("rug", days=3), event("rug", days=2), event("tea", days=1)]
    found = made(setting(columns, *visits, known=WISHED))
    assert found["bulb"]["linked_60"] > 0
    assert (found["bulb"]["linked_3"], found["bulb"]["linked_1"]) == (0, 0)
    assert (found["cup"]["linked_3"], found["cup"]["linked_1"]) == (1, 1)


def test_taste(columns: CatalogueSnapshot) -> None:
    found = made(setting(columns, event("tea", days=0), event("lamp", "click", 0), index=INDEX))
    assert found["coffee"]["brand_share"] == found["chai"]["category_share"] == pytest.approx(5 / 6)
    assert found["bulb"]["brand_share"] == pytest.approx(1 / 6)
    assert found["rug"]["brand_share"] == found["rug"]["category_share"] == 0.0
    first_two = sorted(found[id]["like_one"] for id in ("chai", "bulb"))  # 20 degrees from tea, and from the lamp
    assert first_two == pytest.approx([1 / 1.2, 1 / 1.1]), "the vase stands nearer"
    alike = {id: one["like_one"] for id, one in found.items() if id != "late"}
    assert min(alike, key=lambda id: alike[id]) in ("tea", "lamp"), "not like itself: like the other"
    assert found["chai"]["like_all"] > found["cup"]["like_all"] > found["bulb"]["like_all"] > 0
    assert abs(found["coffee"]["price_fit"]) < abs(found["rug"]["price_fit"])


def test_what_is_known_of_an_item(store: Store) -> None:
    put(store, {"id": "rug", "created_at": NOW - 9 * DAY}, {"id": "cup", "created_at": NOW - 900 * DAY})
    columns = CatalogueCache(store).current()
    found = made(setting(columns, event("tea"), known=WISHED, statistics=PopularityCounts({"rug": 0.7})))
    assert (found["rug"]["age"], found["cup"]["age"], found["mug"]["age"]) == (9, 400, 0)
    assert (found["rug"]["popularity"], found["rug"]["week"], found["tea"]["week"]) == (pytest.approx(0.7), 1, 0.25)
    assert (found["rug"]["trend"], found["tea"]["repeat"]) == (4, 0.5)
    assert found["rug"]["rising"] > 0 > found["tea"]["rising"]
    assert found["tea"]["price"] == pytest.approx(np.log(4))


def test_what_is_known_of_the_shopper_is_the_same_for_all(columns: CatalogueSnapshot) -> None:
    visits = [event("tea", days=30), event("cup", days=30), event("tea", days=20), event("tea", days=10)]
    found = made(setting(columns, *visits))
    names = [name for name in NAMES if SOURCES[name] == "shopper"]
    assert [found["tea"][name] for name in names] == [found["rug"][name] for name in names]
    assert {name: found["rug"][name] for name in names} == pytest.approx(
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
@pytest.mark.parametrize("known", [ItemSignals(), WISHED], ids=["nothing counted", "counted"])
@pytest.mark.parametrize("index", [None, INDEX, on_circle({"lamp": 180.0})], ids=["no index", "index", "one vector"])
def test_features_are_numbers_whatever_was_done(
    columns: CatalogueSnapshot, events: Any, known: ItemSignals, index: Any
) -> None:
    asked = setting(
        columns, *events, known=known, index=index, statistics=PopularityCounts({"tea": 1.0}, first_seen={"tea": 1.0})
    )
    made(asked)
    wishes = for_you(asked, ForYouRanker())
    assert len(wishes.rows) == len(wishes.scores) == len(wishes.features) > 0
    assert np.isfinite(wishes.scores).all()


def test_items_that_were_deleted_since_are_no_trouble(store: Store) -> None:
    store.items.delete(["tea", "cup"])
    columns = CatalogueCache(store).current()
    asked = setting(columns, event("tea"), event("cup"), known=WISHED, index=on_circle({"mug": 110.0}))
    assert "mug" in found(asked), "where they led"
    made(asked, "mug", "chai")
