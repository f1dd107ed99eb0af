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
from support.fake_generation import put, stocked
from support.recommend_shop import (
    DEGREES,
    EMPTY,
    IDS,
    KNOWN,
    POPULAR,
    SERVED,
    Served,
    counted,
    event,
    history,
    on_circle,
    pipeline,
    shelf,
)

EVERYTHING = set(IDS) - {"vase"}


def blocks(found: RecommendOutcome) -> dict[str, list[str]]:
    """kind → the ids that it found."""
    return {kind: [id for id, of in zip(found.ids, found.kinds, strict=True) if of == kind] for kind in found.kinds}


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
def test_what_finds_too_little_is_filled_up_in_order(
    store: Store, kind: str, events: Sequence[Event], items: Sequence[str], kinds: list[str]
) -> None:
    found = shelf(store, kind, *events, items=items, limit=100)
    assert [found.kind, *found.filled] == kinds
    assert list(dict.fromkeys(found.kinds)) == kinds, "block after block"
    assert set(found.ids) == EVERYTHING - set(items), "the whole catalogue, where that many are asked for"


def test_the_blocks_in_their_order(store: Store) -> None:
    assert blocks(shelf(store, "similar", items=["tea"], limit=100)) == {
        "similar": ["chai", "coffee"],
        "together": ["cup", "mug"],
        "popular": ["rug", "bulb"],
        "new": ["lamp"],
    }


def test_what_is_full_is_not_filled_up(store: Store) -> None:
    found = shelf(store, "trending", limit=2)
    assert (found.kind, found.filled, found.ids) == ("trending", [], ["lamp", "bulb"])
    assert shelf(store, "trending", limit=3).ids == ["lamp", "bulb", "rug"]


@pytest.mark.parametrize(
    ("served", "popularity", "kind"),
    [(SERVED, POPULAR, "trending"), (Served(), POPULAR, "popular"), (Served(), {}, "new"), (EMPTY, {}, "new")],
)
def test_an_unknown_shopper(store: Store, served: Any, popularity: dict[str, float], kind: str) -> None:
    for events in ([], [event("unknown")], [event("tea", "dismiss")]):
        assert shelf(store, "for-you", *events, served=served, popularity=popularity).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fills_the_shelf_of_a_shop_without_events(store: Store, kind: str) -> None:
    central = Served(counted({"central": {"coffee": 0.9, "cup": 0.7}}))
    for served in (EMPTY, Served(), central):
        found = shelf(store, kind, served=served, popularity={}, limit=5)
        assert (found.kind, found.filled, len(found.ids)) == ("new", [], 5)
        assert (found.ids[:2] == ["coffee", "cup"]) is (served is central)


def test_a_shop_without_items(tmp_path: Path) -> None:
    empty = stocked(tmp_path, [])
    for kind in KINDS:
        found = shelf(empty, kind, event("tea"), items=["tea"])
        assert (found.kind, found.ids, found.filled) == (kind, [], [])
    empty.close()


# ---- what does not stand on a shelf -------------------------------------------------------------------------

SHOPPER = [event("tea"), event("coffee", "cart"), event("cup", "view")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("wish", "left"),
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
def test_what_a_shelf_leaves_out(store: Store, kind: str, wish: dict[str, Any], left: set[str]) -> None:
    asked = {"events": history(*SHOPPER), "limit": 100} | wish
    assert set(pipeline(store).run(RecommendRequest(kind, **asked), SERVED).ids) == left


@pytest.mark.parametrize("kind", ["again", "for-you", "popular"])
def test_consumables_come_again_and_durable_goods_do_not(store: Store, kind: str) -> None:
    found = shelf(store, kind, event("tea", days=40), event("lamp", days=40), limit=100)
    assert "tea" in found.ids and "lamp" not in found.ids
    assert "bulb" in shelf(store, kind, event("lamp", days=40), limit=100).ids


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
def test_a_shelf_has_its_limit_where_there_is_enough(store: Store, limit: int) -> None:
    for kind in KINDS:
        assert len(shelf(store, kind, event("tea"), items=["rug"], limit=limit).ids) == min(limit, 7)


def test_what_was_deleted_or_came_meanwhile(store: Store) -> None:
    recommender = pipeline(store)
    wish = RecommendRequest("similar", items=["tea"], limit=100)
    assert recommender.run(wish, SERVED).ids[0] == "chai"
    store.items.delete(["chai"])
    put(store, {"id": "oolong", "title": "Oolong"})
    served = Served(KNOWN, on_circle(DEGREES | {"oolong": 3.0}))  # the index still knows what is gone
    found = recommender.run(wish, served)
    assert found.ids[0] == "oolong" and "chai" not in found.ids


@pytest.mark.parametrize("kind", ["similar", "for-you", "next"])
def test_an_item_that_came_a_minute_ago_is_reached_by_its_vector(store: Store, kind: str) -> None:
    put(store, {"id": "oolong", "title": "Oolong"})
    served = Served(KNOWN, on_circle(DEGREES | {"oolong": 3.0}))
    items = ["tea"] if kind == "similar" else []
    found = shelf(store, kind, event("tea", "click"), items=items, served=served, limit=6)
    assert "oolong" in blocks(found)[kind]
