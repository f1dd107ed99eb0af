"""One shelf, whole: which kinds fill it, what may not stand on it, its order, rules, variants and exploration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shelfwise.catalogue.filter_parser import parse
from shelfwise.recommend.pipeline import RecommendOutcome
from shelfwise.recommend.request import RecommendRequest
from shelfwise.recommend.strategies import KINDS
from shelfwise.store import Event, Store
from support.recommend_shop import (
    DEGREES,
    EMPTY,
    IDS,
    POPULAR,
    SERVED,
    SIGNALS,
    Served,
    circle_index,
    event,
    history,
    make_signals,
    pipeline,
    recommend,
)
from support.stores import store_with, upsert_rows

EVERYTHING = set(IDS) - {"vase"}


def blocks(outcome: RecommendOutcome) -> dict[str, list[str]]:
    """kind → the ids that it found."""
    return {
        kind: [id for id, of in zip(outcome.ids, outcome.kinds, strict=True) if of == kind] for kind in outcome.kinds
    }


# ---- kinds and what fills them up ---------------------------------------------------------------------------

CASES: list[tuple[str, Sequence[Event], Sequence[str], list[str]]] = [
    ("for-you", [event("tea")], [], ["for-you"]),
    ("for-you", [], [], ["trending", "popular", "new"]),
    ("next", [event("tea", "click")], [], ["next", "for-you"]),
    ("next", [], [], ["trending", "popular", "new"]),
    ("again", [event("tea", days=30)], [], ["again", "for-you"]),
    ("again", [event("tea")], [], ["for-you"]),
    ("again", [event("tea", "view")], [], ["for-you"]),
    ("again", [], [], ["trending", "popular", "new"]),
    ("similar", [], ["tea"], ["similar", "together", "popular", "new"]),
    ("similar", [], [], ["popular", "new"]),
    ("together", [], ["tea", "mug"], ["together", "similar", "popular", "new"]),
    ("together", [], ["rug"], ["similar", "popular", "new"]),
    ("together", [], [], ["popular", "new"]),
    ("trending", [], [], ["trending", "popular", "new"]),
    ("popular", [], [], ["popular", "new"]),
    ("new", [], [], ["new"]),
]


@pytest.mark.parametrize(("kind", "events", "items", "kinds"), CASES, ids=[f"{c[0]}-{c[3]}" for c in CASES])
def test_fallbacks_fill_up_in_order(
    store: Store, kind: str, events: Sequence[Event], items: Sequence[str], kinds: list[str]
) -> None:
    outcome = recommend(store, kind, *events, items=items, limit=100)
    assert [outcome.kind, *outcome.filled] == kinds
    assert list(dict.fromkeys(outcome.kinds)) == kinds, "block after block"
    assert set(outcome.ids) == EVERYTHING - set(items), "the whole catalogue, where that many are asked for"


def test_blocks_keep_their_order(store: Store) -> None:
    assert blocks(recommend(store, "similar", items=["tea"], limit=100)) == {
        "similar": ["chai", "coffee"],
        "together": ["cup", "mug"],
        "popular": ["rug", "bulb"],
        "new": ["lamp"],
    }


def test_full_answer_is_not_filled_up(store: Store) -> None:
    outcome = recommend(store, "trending", limit=2)
    assert (outcome.kind, outcome.filled, outcome.ids) == ("trending", [], ["lamp", "bulb"])
    assert recommend(store, "trending", limit=3).ids == ["lamp", "bulb", "rug"]


@pytest.mark.parametrize(
    ("served", "popularity", "kind"),
    [(SERVED, POPULAR, "trending"), (Served(), POPULAR, "popular"), (Served(), {}, "new"), (EMPTY, {}, "new")],
)
def test_for_you_of_an_unknown_shopper_falls_back(
    store: Store, served: Any, popularity: dict[str, float], kind: str
) -> None:
    for events in ([], [event("unknown")], [event("tea", "dismiss")]):
        assert recommend(store, "for-you", *events, served=served, popularity=popularity).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fills_up_in_a_shop_without_events(store: Store, kind: str) -> None:
    central = Served(make_signals({"central": {"coffee": 0.9, "cup": 0.7}}))
    for served in (EMPTY, Served(), central):
        outcome = recommend(store, kind, served=served, popularity={}, limit=5)
        assert (outcome.kind, outcome.filled, len(outcome.ids)) == ("new", [], 5)
        assert (outcome.ids[:2] == ["coffee", "cup"]) is (served is central)


def test_shop_without_items_recommends_nothing(tmp_path: Path) -> None:
    empty = store_with(tmp_path, [])
    for kind in KINDS:
        outcome = recommend(empty, kind, event("tea"), items=["tea"])
        assert (outcome.kind, outcome.ids, outcome.filled) == (kind, [], [])
    empty.close()


# ---- what does not stand on a shelf -------------------------------------------------------------------------

SHOPPER = [event("tea"), event("coffee", "cart"), event("cup", "view")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"filter": parse("category:Drinks")}, {"tea", "chai", "coffee"}),
        ({"filter": parse("price:5..50 NOT brand:Bee")}, {"coffee", "mug", "lamp"}),
        ({"filter": parse("category:Nothing")}, set()),
        ({"exclude": ["tea", "rug", "unknown"]}, EVERYTHING - {"tea", "rug"}),
        ({"items": ["mug", "chai"]}, EVERYTHING - {"mug", "chai"}),
        ({"repeats": False}, EVERYTHING - {"tea"}),
        ({"events": history(*SHOPPER, event("mug", "dismiss"))}, EVERYTHING - {"mug"}),
        ({"events": history(*SHOPPER, event("lamp"))}, EVERYTHING - {"lamp"}),  # hardly anybody buys it twice
        ({"events": history(*SHOPPER, event("lamp", "cart"))}, EVERYTHING),
    ],
)
def test_items_not_wanted_are_left_out(store: Store, kind: str, changes: dict[str, Any], left: set[str]) -> None:
    fields = {"events": history(*SHOPPER), "limit": 100} | changes
    assert set(pipeline(store).run(RecommendRequest(kind, **fields), SERVED).ids) == left


@pytest.mark.parametrize("kind", ["again", "for-you", "popular"])
def test_consumables_come_again_and_durables_do_not(store: Store, kind: str) -> None:
    outcome = recommend(store, kind, event("tea", days=40), event("lamp", days=40), limit=100)
    assert "tea" in outcome.ids and "lamp" not in outcome.ids
    assert "bulb" in recommend(store, kind, event("lamp", days=40), limit=100).ids


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
def test_limit_is_reached_where_there_is_enough(store: Store, limit: int) -> None:
    for kind in KINDS:
        assert len(recommend(store, kind, event("tea"), items=["rug"], limit=limit).ids) == min(limit, 7)


def test_deleted_and_added_items_count_at_once(store: Store) -> None:
    recommender = pipeline(store)
    request = RecommendRequest("similar", items=["tea"], limit=100)
    assert recommender.run(request, SERVED).ids[0] == "chai"
    store.items.delete(["chai"])
    upsert_rows(store, {"id": "oolong", "title": "Oolong"})
    served = Served(SIGNALS, circle_index(DEGREES | {"oolong": 3.0}))  # the index still knows what is gone
    outcome = recommender.run(request, served)
    assert outcome.ids[0] == "oolong" and "chai" not in outcome.ids


@pytest.mark.parametrize("kind", ["similar", "for-you", "next"])
def test_item_just_added_is_recommended_by_its_vector(store: Store, kind: str) -> None:
    upsert_rows(store, {"id": "oolong", "title": "Oolong"})
    served = Served(SIGNALS, circle_index(DEGREES | {"oolong": 3.0}))
    items = ["tea"] if kind == "similar" else []
    outcome = recommend(store, kind, event("tea", "click"), items=items, served=served, limit=6)
    assert "oolong" in blocks(outcome)[kind]
