"""From events to searches and baskets: what belongs together is one, and the anchor is the same on every night."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.generation.query_memory import query_key
from shelfwise.store import Event, Impression
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick, baskets, is_anchor, query_clicks


def event(seq: int, type: str = "click", item: str = "a", query: str | None = "red mug", **more: Any) -> Event:
    given: dict[str, Any] = {"ts": float(seq), "user": "u", "session": None} | more
    return Event(seq=seq, type=type, item=item, query=query, **given)


def answer(*shown: str, search_id: str = "s") -> dict[str, Impression]:
    return {search_id: Impression(search_id, "red mug", 0.0, shown)}


# ---- searches -----------------------------------------------------------------------------------------------


def test_query_clicks_join_click_cart_and_purchase_of_a_day() -> None:
    events = [event(1, session="s1"), event(2, "cart", session="s1"), event(3, "purchase", session="s2")]
    assert query_clicks(events, {}) == [QueryClick("red mug", "a", 3.0, (1, 2, 3), shopper="u", weight=5.0)]


@pytest.mark.parametrize(
    ("second", "merged"),
    [
        ({}, True),
        ({"query": "RED-mug!"}, True),
        ({"session": "another"}, True),
        ({"ts": DAY - 1}, True),
        ({"ts": DAY}, False),
        ({"item": "b"}, False),
        ({"query": "blue mug"}, False),
        ({"user": "v"}, False),
        ({"user": None, "session": "s"}, False),
    ],
)
def test_what_makes_two_choices_one_search(second: dict[str, Any], merged: bool) -> None:
    made = query_clicks([event(1), event(2, **second)], {})
    assert [search.seqs for search in made] == ([(1, 2)] if merged else [(1,), (2,)])


@pytest.mark.parametrize(
    ("user", "session", "who", "searches"),
    [("u", "s", "u", 1), (None, "s", "s", 1), ("u", None, "u", 1), (None, None, "", 2)],
)
def test_the_shopper_is_the_user_else_the_session_else_nobody(
    user: str | None, session: str | None, who: str, searches: int
) -> None:
    made = query_clicks([event(seq, user=user, session=session) for seq in (1, 2)], {})
    assert [search.shopper for search in made] == [who] * searches


@pytest.mark.parametrize(
    ("types", "weight"),
    [(["click"], 1.0), (["cart"], 3.0), (["purchase", "click"], 5.0), (["cart", "click", "click"], 3.0)],
)
def test_a_search_is_worth_its_best_event(types: list[str], weight: float) -> None:
    (search,) = query_clicks([event(seq, type) for seq, type in enumerate(types)], {})
    assert search.weight == weight


@pytest.mark.parametrize("nothing", [{"type": "view"}, {"type": "dismiss"}, {"query": None}, {"query": ""}])
def test_what_is_no_choice_for_a_query_is_no_search(nothing: dict[str, Any]) -> None:
    assert query_clicks([event(1, **nothing)], {}) == []


def test_what_was_shown_above_and_left_alone_is_passed_over() -> None:
    shown = answer("a", "b", "c", "d", "e", "f", "g")
    chosen, bought = query_clicks(
        [event(1, item="f", search_id="s"), event(2, "purchase", item="d", user="v", search_id="s")], shown
    )
    assert (chosen.position, chosen.passed_over) == (6, ("e", "c", "b")), "the nearest three but the other choice"
    assert (bought.position, bought.passed_over) == (4, ("c", "b", "a"))


def test_what_was_only_viewed_was_passed_over() -> None:
    events = [event(1, "view", item="a", search_id="s"), event(2, item="b", search_id="s")]
    (search,) = query_clicks(events, answer("a", "b"))
    assert search.passed_over == ("a",)


@pytest.mark.parametrize(
    ("events", "position", "passed"),
    [
        ([event(1, item="b", search_id="s")], 2, ("a",)),
        ([event(1, item="a", search_id="s")], 1, ()),
        ([event(1, item="b", search_id="s", position=9)], 2, ("a",)),  # the log knows better than the page
        ([event(1, item="b"), event(2, "purchase", item="b", search_id="s")], 2, ("a",)),
        ([event(1, item="b", search_id="not logged", position=7)], 7, ()),
        ([event(1, item="elsewhere", search_id="s", position=7)], 7, ()),
        ([event(1, item="b")], None, ()),
    ],
)
def test_the_position_is_that_of_the_logged_answer(
    events: list[Event], position: int | None, passed: tuple[str, ...]
) -> None:
    (search,) = query_clicks(events, answer("a", "b"))
    assert (search.position, search.passed_over) == (position, passed)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("Red Mug", "redmug"), ("red_mug!", "redmug"), ("  red--MUG  ", "redmug"), ("ÄPFEL 2", "äpfel2"), ("?", "")],
)
def test_bare(query: str, expected: str) -> None:
    assert query_key(query) == expected


# ---- baskets ------------------------------------------------------------------------------------------------


def bought(seq: int, item: str, **more: Any) -> Event:
    return event(seq, "purchase", item, query=None, **more)


@pytest.mark.parametrize(
    ("events", "items"),
    [
        ([bought(1, "a", session="s"), bought(2, "b", session="s", user="v")], [("a", "b")]),
        ([bought(1, "a", session="s"), bought(2, "b", session="t")], []),
        ([bought(1, "a"), bought(2, "b")], [("a", "b")]),
        ([bought(1, "a"), bought(2, "b", ts=DAY)], []),
        ([bought(1, "a"), bought(2, "b", user="v")], []),
        ([bought(1, "b"), bought(2, "a"), bought(3, "b")], [("b", "a")]),
        ([bought(1, "a"), bought(2, "a")], []),
        ([bought(1, "a", user=None), bought(2, "b", user=None)], []),
        ([bought(1, "a"), event(2, "cart", "b", query=None), event(3, "purchase", "c")], []),
    ],
)
def test_baskets_are_distinct_items_bought_at_once(events: list[Event], items: list[tuple[str, ...]]) -> None:
    assert [basket.items for basket in baskets(events)] == items


def test_a_basket_knows_all_its_events_and_ends_with_the_last() -> None:
    (basket,) = baskets([bought(1, "a"), bought(2, "b"), bought(3, "a")])
    assert (basket.ts, basket.seqs) == (3.0, (1, 2, 3))


# ---- the anchor ---------------------------------------------------------------------------------------------


def test_the_anchor_is_two_percent_of_the_sessions() -> None:
    assert 0.015 < sum(is_anchor(event(1, session=f"session {number}")) for number in range(10_000)) / 10_000 < 0.025


def test_the_anchor_is_the_same_in_every_process_and_version() -> None:
    assert [number for number in range(300) if is_anchor(event(1, session=f"s{number}"))] == [
        94, 152, 226, 276
    ]  # fmt: skip


def test_a_session_is_wholly_in_the_anchor_or_out_of_it() -> None:
    for number in range(300):
        one = event(1, session=f"s{number}")
        other = event(2, "purchase", "b", "else", session=f"s{number}", user="v", ts=90 * DAY)
        assert is_anchor(one) == is_anchor(other)


def test_without_a_session_it_is_a_users_day() -> None:
    morning = [is_anchor(event(1, user=f"u{number}", ts=1.0)) for number in range(300)]
    assert [is_anchor(event(2, item="b", user=f"u{number}", ts=DAY - 1)) for number in range(300)] == morning
    assert [is_anchor(event(1, user=f"u{number}", ts=DAY)) for number in range(300)] != morning
    assert any(morning)


def test_without_anybody_each_event_is_drawn() -> None:
    assert 5 < sum(is_anchor(event(seq, user=None)) for seq in range(1000)) < 40
