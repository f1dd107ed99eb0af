"""Each cleaning rule alone, on both sides of its limit, and an honest day that none of them touches."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick, query_clicks
from shelfwise.trainer.data.spam_filters import (
    SpamLimits,
    cap_interactions,
    cap_items,
    cap_pairs,
    cap_shoppers,
    drop_bots,
    drop_repeats,
    drop_spam,
    find_bots,
    weigh_by_shoppers,
)

LIMITS = SpamLimits()
MINUTE = 60.0


def event(seq: int, type: str = "click", item: str = "a", query: str | None = "mug", **more: Any) -> Event:
    given: dict[str, Any] = {"ts": 600.0 * seq, "user": "u", "session": None} | more
    return Event(seq=seq, type=type, item=item, query=query, **given)


def apart(count: int, seconds: float, start: float = 1.0, **more: Any) -> list[Event]:
    """Events on different items, so many seconds apart."""
    return [event(seq, item=f"i{seq}", ts=start + seq * seconds, **more) for seq in range(count)]


def search(seq: int, who: str = "", query: str = "mug", item: str = "a", **more: Any) -> QueryClick:
    return QueryClick(query, item, float(seq), (seq,), shopper=who or f"u{seq}", **more)


def seqs(parts: Sequence[Event] | Sequence[QueryClick]) -> list[int]:
    return [part.seq if isinstance(part, Event) else part.seqs[0] for part in parts]


# ---- bots ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "bots"),
    [
        (apart(100, 300), set()),
        (apart(101, 300), {"u"}),
        (apart(101, 300, type="cart"), {"u"}),
        (apart(50, 300) + apart(51, 300, type="cart"), {"u"}),
        (apart(300, 300, type="view"), set()),
        (apart(300, 0, type="purchase"), set()),
        (apart(300, 0, type="dismiss"), set()),
        (apart(101, 300, user=None), set()),
        (apart(101, 300, user=None, session="s"), {"s"}),
        (apart(101, 300, session="s") + apart(2, 300, user="v", session="s"), {"u"}),
        (apart(100, 300) + apart(100, 300, start=DAY), set()),  # busy on two days
        (apart(20, 1), set()),
        (apart(21, 1), {"u"}),
        (apart(21, 1, type="cart"), {"u"}),
        (apart(20, 1) + apart(20, 1, start=MINUTE), set()),
        (apart(21, 1, user=None), set()),
        (apart(21, 1, user="v") + apart(20, 1), {"v"}),
        (apart(50, 0, start=DAY), set()),  # a log that knows days only
    ],
)
def test_bots_choose_more_than_a_person_does(events: list[Event], bots: set[str]) -> None:
    assert find_bots(events, LIMITS) == bots


def test_a_bots_purchases_stay_and_the_order_too() -> None:
    bot, human = {"user": "bot"}, {"user": "u"}
    events = [
        event(1, **human), event(2, **bot), event(3, "purchase", **bot), event(4, "view", **bot), event(5, **human),
        event(6, "purchase", user=None, session="bot"), event(7, "cart", user=None, session="bot"), event(8, user=None),
    ]  # fmt: skip
    left, removed = drop_bots(events, {"bot"})
    assert (seqs(left), removed) == ([1, 3, 5, 6, 8], 3)
    assert drop_bots(events, set()) == (events, 0)


# ---- repetitions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "stays"),
    [
        ({}, False),
        ({"ts": DAY - 1}, False),
        ({"query": "MUG!"}, False),
        ({"session": "another"}, False),
        ({"search_id": "another"}, False),
        ({"ts": DAY}, True),
        ({"query": "red mug"}, True),
        ({"query": None}, True),
        ({"item": "b"}, True),
        ({"type": "cart"}, True),
        ({"user": "v"}, True),
    ],
)
def test_a_shopper_chooses_an_item_for_a_query_once_a_day(second: dict[str, Any], stays: bool) -> None:
    left, removed = drop_repeats([event(1), event(2, **second)])
    assert (seqs(left), removed) == (([1, 2], 0) if stays else ([1], 1))


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ({}, [1]),
        ({"type": "view", "query": None}, [1]),
        ({"type": "cart"}, [1]),
        ({"type": "dismiss", "query": None}, [1]),
        ({"user": None, "session": "s"}, [1]),
        ({"type": "purchase"}, [1, 2, 3]),
        ({"type": "purchase", "query": None}, [1, 2, 3]),
        ({"user": None}, [1, 2, 3]),  # nobody knows whether it was one shopper
    ],
)
def test_what_counts_as_often_as_it_was_made(what: dict[str, Any], left: list[int]) -> None:
    kept, removed = drop_repeats([event(seq, **what) for seq in (1, 2, 3)])
    assert (seqs(kept), removed) == (left, 3 - len(left))


def test_honest_events_names_the_bots_and_counts_by_rule() -> None:
    bot = [*apart(150, 300, user="bot"), event(500, "purchase", user="bot")]
    humans = [event(901), event(902), event(903, user="v")]
    left, removed, bots = drop_spam([*bot, *humans], LIMITS)
    assert seqs(left) == [500, 901, 903]
    assert removed == {"bots": 150, "repeated_events": 1}
    assert bots == ["bot"]


# ---- caps ---------------------------------------------------------------------------------------------------

Rule = Callable[[Sequence[QueryClick], SpamLimits], tuple[list[QueryClick], int]]


@pytest.mark.parametrize(
    ("rule", "limits", "searches", "left"),
    [
        (cap_shoppers, {"searches_a_day": 2}, "u1 u2 u1 u1 u2 u1", [0, 1, 2, 4]),
        (cap_items, {"item_share": 0.0, "min_cap": 2}, "u1/q/a u2/r/a u3/q/b u4/s/a u5/q/b", [0, 1, 2, 4]),
        (cap_items, {"item_share": 0.5, "min_cap": 1}, "u1/q/a u2/r/a u3/s/a u4/q/b", [0, 1, 3]),
        (cap_items, {"item_share": 0.5, "min_cap": 3}, "u1/q/a u2/r/a u3/s/a u4/q/b", [0, 1, 2, 3]),
        (cap_pairs, {"pair_share": 0.0, "min_cap": 1}, "u1/q/a u2/q/b u3/Q!/a u4/r/a u5/q/b", [0, 1, 3]),
        (cap_pairs, {"pair_share": 0.5, "min_cap": 1}, "u1/q/a u2/q/a u3/q/a u4/r/a u5/q/a", [0, 1, 3]),
    ],
)
def test_a_cap_keeps_the_first_in_their_order(
    rule: Rule, limits: dict[str, Any], searches: str, left: list[int]
) -> None:
    given = [search(seq, *text.split("/")) for seq, text in enumerate(searches.split())]
    kept, removed = rule(given, replace(LIMITS, **limits))
    assert (seqs(kept), removed) == (left, len(given) - len(left))


def test_searches_of_nobody_are_no_shoppers() -> None:
    nobody = [replace(search(seq), shopper="") for seq in range(50)]
    assert cap_shoppers(nobody, LIMITS) == (nobody, 0)


@pytest.mark.parametrize(
    ("count", "left", "removed"),
    [
        (20, 20, {}),
        (30, 20, {"over_pair_cap": 10}),  # few are capped at a number, not at a share
        (1000, 100, {"over_pair_cap": 800, "over_item_cap": 100}),  # an item's share is that of what is left
    ],
)
def test_many_shoppers_pair_share_are_capped(count: int, left: int, removed: dict[str, int]) -> None:
    kept, counts = cap_interactions([search(seq) for seq in range(count)], LIMITS)
    assert seqs(kept) == list(range(left))
    assert counts == {"over_user_cap": 0, "over_pair_cap": 0, "over_item_cap": 0} | removed


def test_an_item_that_is_pushed_for_every_query_is_capped() -> None:
    pushed = [search(seq, query=f"q{seq}") for seq in range(750)]
    honest = [search(seq, query=f"q{seq}", item=f"i{seq}") for seq in range(750, 1000)]
    kept, removed = cap_interactions([*pushed, *honest], LIMITS)
    assert seqs(kept) == [*range(500), *range(750, 1000)]
    assert removed == {"over_user_cap": 0, "over_pair_cap": 0, "over_item_cap": 250}


def test_cap_interactions_caps_a_shopper_before_the_shares() -> None:
    loud = [search(seq, "loud", query=f"q{seq}", item=f"i{seq}") for seq in range(400)]
    kept, removed = cap_interactions([*loud, *(search(seq) for seq in range(400, 430))], LIMITS)
    assert seqs(kept) == [*range(20), *range(400, 420)]
    assert removed == {"over_user_cap": 380, "over_pair_cap": 10, "over_item_cap": 0}


# ---- few shoppers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_pair", "of_query", "weight"),
    [(1, 1, 3.0), (1, 20, 3.0), (1, 40, 1.5), (2, 40, 3.0), (3, 100, 1.8), (5, 100, 3.0), (50, 100, 3.0)],
)
def test_weigh_by_shoppers_weighs_a_twentieth_fully(of_pair: int, of_query: int, weight: float) -> None:
    pair = [search(seq, f"u{seq}", query="Mug", weight=3.0) for seq in range(of_pair)]
    others = [search(seq, f"u{seq}", query="mug!", item="b") for seq in range(of_pair, of_query)]
    weighed, scaled = weigh_by_shoppers([*pair, *others], LIMITS)
    assert [part.weight for part in weighed[:of_pair]] == pytest.approx([weight] * of_pair)
    assert scaled == (of_pair if weight < 3 else 0)


def test_those_of_nobody_are_as_many_shoppers() -> None:
    nobody = [replace(search(seq), shopper="") for seq in (1, 2)]
    assert weigh_by_shoppers(nobody, LIMITS) == (nobody, 0)


def test_nobody_is_one_shopper_where_others_are_named() -> None:
    """Or a program had only to leave its name out."""

    def weight(given: list[QueryClick]) -> float:
        named = [search(seq, item="b") for seq in range(9)]
        return weigh_by_shoppers([*given, *named], replace(LIMITS, full_share=0.5))[0][0].weight

    many = [search(seq) for seq in range(20, 40)]
    assert weight(many) == 1.0
    assert weight([replace(one, shopper="the same") for one in many]) == pytest.approx(0.2), "one of ten"
    assert weight([replace(one, shopper="") for one in many]) == pytest.approx(0.2)


def test_weigh_by_shoppers_keeps_the_order() -> None:
    given = [search(1), search(2, item="b"), search(3), search(4, item="c"), search(5), search(6, item="b")]
    weighed, scaled = weigh_by_shoppers(given, replace(LIMITS, full_share=2 / 3))  # 4 of 6 shoppers
    assert seqs(weighed) == [1, 2, 3, 4, 5, 6]
    assert [part.weight for part in weighed] == [0.75, 0.5, 0.75, 0.25, 0.75, 0.5]
    assert scaled == 6


# ---- all together -------------------------------------------------------------------------------------------


def honest_day() -> list[Event]:
    """A day of 600 shoppers: most look for one thing or two, a few for a dozen; head queries, carts and purchases."""
    chance = random.Random(1)
    popular = [1 / (rank + 10) for rank in range(800)]
    events: list[Event] = []
    for shopper in range(600):
        now = chance.uniform(0, DAY - 3 * 3600)
        for number in chance.choices(range(800), popular, k=min(15, 1 + int(chance.expovariate(0.4)))):
            for item in range(min(5, int(chance.expovariate(0.9)))):
                now += chance.uniform(4, 90)
                for type in ["click", "cart", "purchase"][: chance.choices((1, 2, 3), (80, 15, 5))[0]]:
                    row = len(events), type, f"{number}/{item}", f"query {number}"
                    events.append(event(*row, user=f"u{shopper}", ts=now))
    return sorted({(one.user, one.item, one.type): one for one in events}.values(), key=lambda one: one.ts)


def test_an_honest_day_is_left_alone() -> None:
    day = honest_day()
    assert len(day) > 1000
    left, removed, bots = drop_spam(day, LIMITS)
    assert (left, removed, bots) == (day, {"bots": 0, "repeated_events": 0}, [])
    searches = query_clicks(day, {})
    kept, capped = cap_interactions(searches, LIMITS)
    assert kept == searches
    assert set(capped.values()) == {0}


def test_among_honest_shoppers_only_the_bots_clicks_go() -> None:
    day = honest_day()
    bot = apart(500, 10, user="bot", query="mug", start=1000.0)
    purchase = event(999_999, "purchase", user="bot", ts=9999.0)
    mixed = sorted([*day, *bot, purchase], key=lambda one: one.ts)
    left, removed, bots = drop_spam(mixed, LIMITS)
    assert left == [one for one in mixed if one.user != "bot" or one is purchase]
    assert (removed, bots) == ({"bots": 500, "repeated_events": 0}, ["bot"])


def test_off_means_off() -> None:
    limits = SpamLimits.off()
    events = apart(500, 0) * 2
    assert drop_spam(events, limits) == (events, {"bots": 0, "repeated_events": 0}, [])
    searches = [search(seq, "u") for seq in range(500)]
    assert cap_interactions(searches, limits)[0] == searches
    assert weigh_by_shoppers(searches, limits) == (searches, 0)
