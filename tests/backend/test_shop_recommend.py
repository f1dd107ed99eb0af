"""`Shop.recommend`: shelves for a shopper, for an item, for anybody. Without a generation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from conftest import ITEMS, NOW, clicks

from shelfwise import Shop


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


def test_out_of_stock_comes_last_and_is_never_recommended(shop: Shop) -> None:
    shop.upsert([{"id": "clock-2", "title": "A clock among many other things, and no alarm at all"}])
    shop.record([*clicks("clock", "clock", 20), {"type": "purchase", "item": "clock", "user": "u"}])
    assert ids(shop.search("alarm clock")) == ["clock-2", "clock"]
    for shelf in (
        shop.recommend(),
        shop.recommend(user="u"),
        shop.recommend(item="candle"),
        shop.recommend(item="clock"),
    ):
        assert ids(shelf)
        assert "clock" not in ids(shelf)


def test_an_item_back_in_stock_is_recommended(shop: Shop) -> None:
    shop.upsert([{"id": "clock", "in_stock": True}])
    assert "clock" in ids(shop.recommend())


def test_an_unknown_shopper_gets_what_is_popular(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5) + clicks("bag", "bag", 9))
    for shelf in (shop.recommend(), shop.recommend(user="nobody"), shop.recommend(session="nobody")):
        assert shelf.kind == "popular"
        assert ids(shelf)[:2] == ["bag", "candle"]
        assert set(ids(shelf)) == {item["id"] for item in ITEMS} - {"clock"}, "filled up with what is new"


@pytest.mark.parametrize("who", [{"user": "u"}, {"session": "s"}, {"user": "u", "session": "s"}])
def test_a_known_shopper_gets_a_shelf_of_their_own(shop: Shop, who: dict[str, str]) -> None:
    shop.record(clicks("light", "candle", 5))
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "session": "s"}])
    shelf = shop.recommend(**who)  # type: ignore[arg-type]
    assert (shelf.kind, ids(shelf)[0]) == ("for-you", "bag")


def test_what_a_shopper_dismissed_is_not_recommended_to_them(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5))
    shop.record([{"type": "dismiss", "item": "candle", "user": "u"}, {"type": "view", "item": "bag", "user": "u"}])
    shop.record([{"type": "dismiss", "item": "candle", "user": "v"}])
    assert "candle" not in ids(shop.recommend(user="u"))
    assert "candle" not in ids(shop.recommend(user="v"))
    assert "candle" in ids(shop.recommend(user="w"))


@pytest.mark.parametrize("item", ["mug-red", ["mug-red", "candle"]])
def test_a_shelf_for_items_never_holds_them(shop: Shop, item: Any) -> None:
    shelf = shop.recommend(item=item, user="u")
    assert shelf.kind == "similar"
    assert not {item} & set(ids(shelf)) if isinstance(item, str) else not set(item) & set(ids(shelf))
    assert len(ids(shelf)) == len(set(ids(shelf))) > 0


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_shelf_has_at_most_its_limit(shop: Shop, limit: int) -> None:
    assert len(shop.recommend(limit=limit).hits) == min(limit, 5)


def test_an_event_of_the_future_is_not_known_yet(shop: Shop) -> None:
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "ts": NOW + timedelta(hours=1)}])
    assert shop.recommend(user="u").kind == "popular"
