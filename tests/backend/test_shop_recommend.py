"""`Shop.recommend`: shelves for a shopper, for items, for anybody, in a shop before its first night."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from conftest import ITEMS, NOW, clicks

from shelfwise import InvalidInput, NotFound, Shop
from shelfwise.curation.validation import parse_rule
from shelfwise.recommend.strategies import KINDS

ALL = {item["id"] for item in ITEMS} - {"clock"}


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


# ---- before the first night ---------------------------------------------------------------------------------


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
        assert (shelf.kind, shelf.filled) == ("popular", ["new"])
        assert ids(shelf)[:2] == ["bag", "candle"]
        assert set(ids(shelf)) == ALL, "filled up with what is new"


@pytest.mark.parametrize("who", [{"user": "u"}, {"session": "s"}, {"user": "u", "session": "s"}])
def test_a_known_shopper_gets_a_shelf_of_their_own(shop: Shop, who: dict[str, str]) -> None:
    shop.record(clicks("light", "candle", 5))
    before = {"type": "purchase", "item": "bag", "user": "u", "session": "s", "ts": NOW - timedelta(days=2)}
    shop.record([before])
    shelf = shop.recommend(**who)  # type: ignore[arg-type]
    assert (shelf.kind, ids(shelf)[0]) == ("for-you", "bag")


@pytest.mark.parametrize("type", ["purchase", "cart"])
def test_what_was_taken_a_moment_ago_comes_last(shop: Shop, type: str) -> None:
    """After what fills the shelf, too."""
    shop.record(clicks("bag", "bag", 9) + clicks("light", "candle", 5))
    for item in ("bag", "lantern"):
        shop.record([{"type": "click", "item": item, "user": "u", "ts": NOW - timedelta(days=3)}])
    for kind in ("for-you", "popular"):
        assert ids(shop.recommend(user="u", kind=kind))[0] == "bag"
    shop.record([{"type": type, "item": "bag", "user": "u"}])
    for kind in ("for-you", "popular"):
        shelf = shop.recommend(user="u", kind=kind)
        assert (shelf.kind, ids(shelf)[-1], set(ids(shelf))) == (kind, "bag", ALL)
        assert [hit.score for hit in shelf.hits] == sorted((hit.score for hit in shelf.hits), reverse=True)
        assert "bag" not in ids(shop.recommend(user="u", kind=kind, limit=len(ALL) - 1))


def test_user_and_session_count_together(shop: Shop) -> None:
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "ts": NOW - timedelta(days=3)}])
    shop.record([{"type": "click", "item": "candle", "session": "s"}])
    both = shop.recommend(user="u", session="s", explain=True)
    own = {hit.id for hit in both.hits if (hit.reasons or {})["text"].startswith("you ")}
    assert own == {"bag", "candle"}


def test_what_a_session_does_counts_in_the_very_next_answer(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5))
    before = shop.recommend(session="s")
    shop.record([{"type": "click", "item": "lantern", "session": "s"}])
    after = shop.recommend(session="s")
    assert (before.kind, after.kind) == ("popular", "for-you")
    assert ids(after).index("lantern") < ids(before).index("lantern")
    shop.record([{"type": "dismiss", "item": "lantern", "session": "s"}])
    assert "lantern" not in ids(shop.recommend(session="s"))
    assert "lantern" in ids(shop.recommend(session="another"))


def test_what_a_shopper_dismissed_is_not_recommended_to_them(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5))
    shop.record([{"type": "dismiss", "item": "candle", "user": "u"}, {"type": "view", "item": "bag", "user": "u"}])
    shop.record([{"type": "dismiss", "item": "candle", "user": "v"}])
    assert "candle" not in ids(shop.recommend(user="u"))
    assert "candle" not in ids(shop.recommend(user="v"))
    assert "candle" in ids(shop.recommend(user="w"))


@pytest.mark.parametrize("item", ["mug-red", ["mug-red"], ["mug-red", "candle"], ("mug-red", "candle")])
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_a_shelf_for_items_never_holds_them(shop: Shop, item: Any, kind: str | None) -> None:
    shelf = shop.recommend(item=item, user="u", kind=kind)
    assert set(ids(shelf)) == ALL - ({item} if isinstance(item, str) else set(item))
    assert shelf.kind == "new", "nothing is known of what is like it or goes with it"


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_shelf_has_at_most_its_limit(shop: Shop, limit: int) -> None:
    assert len(shop.recommend(limit=limit).hits) == min(limit, 5)


def test_an_event_of_the_future_is_not_known_yet(shop: Shop) -> None:
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "ts": NOW + timedelta(hours=1)}])
    assert shop.recommend(user="u").kind == "new"


def test_what_came_last_is_new(shop: Shop) -> None:
    shop.upsert([{"id": "teapot", "title": "Brown Teapot", "created_at": NOW - timedelta(minutes=1)}])
    assert ids(shop.recommend(kind="new"))[0] == "teapot"
    assert ids(shop.recommend())[0] == "teapot", "in a shop without events too"


# ---- what is asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"filter": "category:Lighting"}, {"lantern", "candle"}),
        ({"filter": " "}, ALL),
        ({"filter": "price:..2 OR brand:None"}, {"bag"}),
        ({"exclude": ["bag", "nothing"]}, ALL - {"bag"}),
        ({"exclude": "bag"}, ALL - {"bag"}),
        ({"exclude": [" bag "]}, ALL - {"bag"}),
        ({"repeats": False}, ALL - {"candle"}),
        ({"repeats": True}, ALL),
    ],
)
def test_what_a_question_leaves_out(shop: Shop, asked: dict[str, Any], left: set[str]) -> None:
    for type, item in (("purchase", "candle"), ("cart", "bag")):
        shop.record([{"type": type, "item": item, "user": "u", "ts": NOW - timedelta(days=20)}])
    for kind in KINDS:
        assert set(ids(shop.recommend(user="u", kind=kind, **asked))) == left


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"kind": "foo"}, "kind"), ({"kind": ""}, "kind"), ({"limit": 0}, "limit"), ({"limit": 101}, "limit"),
        ({"filter": "price:cheap"}, "filter"), ({"diversity": 1.1}, "diversity"), ({"diversity": True}, "diversity"),
        ({"exclude": [None]}, "exclude"), ({"exclude": ["x" * 600]}, "exclude"), ({"user": " "}, "user"),
        ({"session": ["s"]}, "session"), ({"filter": 5}, "filter"), ({"exclude": {}}, "exclude"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_named(shop: Shop, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: ") as refused:
        shop.recommend(**asked)
    assert refused.value.field == field


@pytest.mark.parametrize("item", ["nothing", ["bag", "nothing"], [""], "x" * 600, 7.5, [None]])
def test_an_item_that_there_is_not(shop: Shop, item: Any) -> None:
    with pytest.raises(NotFound, match=r"^item: ") as refused:
        shop.recommend(item=item)
    assert refused.value.field == "item"


@pytest.mark.parametrize(
    ("kind", "fill", "is_asked"),
    [("for-you", True, True), ("again", True, True), ("again", False, False), ("popular", True, False)],
)
def test_what_was_shown_is_asked_for_only_where_it_counts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: str, fill: bool, is_asked: bool
) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(shop.shopper_data, "recent_impressions", lambda user, session: asked.append(user) or [])
    shop.recommend(user="u", kind=kind, fill=fill)
    assert asked == (["u"] if is_asked else [])


def test_a_deleted_item_is_gone(shop: Shop) -> None:
    shop.record(clicks("bag", "bag", 9))
    shop.delete(["bag"])
    assert "bag" not in ids(shop.recommend()) + ids(shop.recommend(user="u0"))
    with pytest.raises(NotFound):
        shop.recommend(item="bag")


def test_reasons_only_where_they_are_asked_for(shop: Shop) -> None:
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "ts": NOW - timedelta(days=3)}])
    assert all(hit.reasons is None for hit in shop.recommend(user="u").hits)
    told = shop.recommend(user="u", explain=True).hits
    assert told[0].reasons is not None
    assert (told[0].reasons["kind"], told[0].reasons["text"]) == ("for-you", "you bought it once, 3 days ago")
    assert all(hit.reasons and hit.reasons["text"] for hit in told)


def test_the_shops_rules(shop: Shop) -> None:
    shop.record(clicks("bag", "bag", 9))
    shop.store.rules.add([parse_rule({"action": "hide", "match": "any", "items": ["bag"]})])
    assert "bag" not in ids(shop.recommend())


def test_what_was_shown_is_logged_with_the_kind_that_was_used(shop: Shop) -> None:
    shop.record(clicks("bag", "bag", 9))
    answer = shop.recommend(user="u", session="s", item="candle", kind="similar", limit=2)
    shop.recommend(log=False)
    shop.store.answer_log.close()
    (row,) = shop.export("u")["recommendations"]
    assert (row["recommendation_id"], row["kind"], row["session"]) == (answer.recommendation_id, "popular", "s")
    assert row["item"] == "candle"
    assert answer.kind == "popular" and answer.generation is None and answer.degraded == ["encoder"]


# ---- exploration --------------------------------------------------------------------------------------------


def test_exploration_is_a_share_of_answers_stable_in_a_session(shop: Shop) -> None:
    shop.upsert([{"id": f"i{number}", "title": f"thing number {number}"} for number in range(30)])
    plain = {id: ids(shop.recommend(item=id)) for id in (f"i{number}" for number in range(30))}
    assert plain == {id: ids(shop.recommend(item=id)) for id in plain}

    def moved(**who: Any) -> list[str]:
        return [id for id in plain if ids(shop.recommend(item=id, explore=0.5, log=False, **who)) != plain[id]]

    for who in ({}, {"session": "s"}, {"user": "u"}):
        assert 5 < len(moved(**who)) < 25, "not all pages of a session, nor all of those without one"
        assert moved(**who) == moved(**who)
    assert moved(session="s") != moved(session="t")


def test_the_answer_as_a_body(shop: Shop) -> None:
    shop.record(clicks("bag", "bag", 9))
    body = json.loads(json.dumps(shop.recommend(limit=2).to_dict()))
    assert list(body) == ["recommendation_id", "generation", "kind", "filled", "took_ms", "hits", "degraded"]
    assert "filled" not in shop.recommend(limit=1).to_dict()


def test_what_was_bought_or_dismissed_long_ago_is_not_forgotten(shop: Shop) -> None:
    """However much the shopper looked at since."""
    long_ago = NOW - timedelta(days=90)
    shop.record([{"type": "purchase", "item": "candle", "user": "u", "ts": long_ago}])
    shop.record([{"type": "dismiss", "item": "lantern", "user": "u", "ts": long_ago}])
    shop.record({"type": "view", "item": "bag", "user": "u", "ts": NOW - timedelta(minutes=n + 1)} for n in range(600))
    assert "lantern" not in ids(shop.recommend(user="u"))
    assert "candle" in ids(shop.recommend(user="u"))
    assert not {"candle", "lantern"} & set(ids(shop.recommend(user="u", repeats=False)))


def test_a_shelf_that_is_not_filled_up_has_its_kind_alone(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5))
    assert shop.recommend(kind="again", user="u", fill=False).hits == []
    alone, filled = shop.recommend(kind="popular", fill=False), shop.recommend(kind="popular")
    assert ids(alone) == ["candle"] and alone.filled == []
    assert ids(filled)[0] == "candle" and len(ids(filled)) > 1 and filled.filled == ["new"]


def test_an_empty_shelf_that_is_not_filled_up_is_not_logged(shop: Shop) -> None:
    shop.recommend(kind="again", user="u", fill=False)
    shop.recommend(kind="new", user="u", fill=False)
    shop.store.answer_log.close()
    assert [shown.kind for shown in shop.store.engagement.shelves(0, NOW.timestamp() + 1)] == ["new"]
