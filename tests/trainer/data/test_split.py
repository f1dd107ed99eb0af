"""What a night may learn: nothing twice, nothing lost, nothing that the anchor asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from shelfwise.generation.card import LearnedEvents
from shelfwise.store import Event, Impression, Store
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick, is_anchor
from shelfwise.trainer.data.spam_filters import SpamLimits
from shelfwise.trainer.data.split import Split, TrainingData, split_events
from shelfwise.validation import parse_event

NOTHING = LearnedEvents()
BOUGHT: dict[str, Any] = {"query": None, "type": "purchase"}


def click(seq: int, ts: float, query: str | None = "mug", item: str = "a", **more: Any) -> Event:
    """Of a shopper of their own, in a session that is not in the anchor."""
    given: dict[str, Any] = {"type": "click", "user": f"u{seq}", "session": "learned"} | more
    return Event(seq=seq, ts=ts, item=item, query=query, **given)


def sessions(number: int, *, anchor: bool) -> list[str]:
    """Names of sessions in the anchor, or outside of it."""
    names = (f"s{number}" for number in count())
    return list(islice((name for name in names if is_anchor(click(0, 0.0, session=name)) == anchor), number))


def spread(start: int, end: int) -> list[Event]:
    """Clicks start..end-1, of so many shoppers, queries and items that no cap is met."""
    return [click(seq, float(seq), query=f"q{seq % 50}", item="abc"[seq % 3]) for seq in range(start, end)]


def gather(
    events: Sequence[Event],
    learned: LearnedEvents = NOTHING,
    impressions: Sequence[Impression] = (),
    limits: SpamLimits | None = None,
) -> TrainingData:
    return split_events(
        events,
        learned,
        {"a", "b", "c"}.__contains__,
        impressions,
        limits or replace(SpamLimits.off(), count_repeats=False),
    )


def held_out(data: TrainingData) -> list[int]:
    return list(data.held_out(data.awaited))


def seqs(*parts: Sequence[Any]) -> list[int]:
    return sorted(seq for part in parts for one in part for seq in one.seqs)


# ---- new, old and held --------------------------------------------------------------------------------------


def test_the_newest_tenth_is_held_out() -> None:
    data = gather(spread(1, 101))
    assert seqs(data.searches.holdout) == held_out(data) == list(range(91, 101))
    assert seqs(data.searches.new) == list(range(1, 91))


def test_only_the_new_is_new() -> None:
    data = gather(spread(1, 61), LearnedEvents(50, 50.5, (49, 50)))
    assert seqs(data.searches.new, data.searches.holdout) == [49, 50, *range(51, 61)]
    assert seqs(data.searches.replay) == list(range(1, 49))


def test_an_event_imported_late_is_new_though_its_time_is_past() -> None:
    data = gather([*spread(1, 51), click(51, 3.0)], LearnedEvents(50, 1000.0))
    assert seqs(data.searches.new) == [51]


def test_split_takes_events_after_until_as_new_the_next_night() -> None:
    data = gather(spread(1, 51), LearnedEvents(50, 40.0))
    assert seqs(data.searches.new, data.searches.holdout) == list(range(40, 51))


def test_split_after_a_session_merge_learns_nothing_twice(tmp_path: Path) -> None:
    """At a login in the afternoon: the morning was learned, one of its choices is made again, and something is new."""
    (session,) = sessions(1, anchor=False)
    rows = [{"type": "click", "query": f"q{number}", "item": "a", "session": session} for number in range(20)]
    rows += [{"type": "purchase", "item": item, "session": session} for item in "ab"]
    store = Store(tmp_path)
    store.events.add([parse_event(row | {"event_id": str(n)}, 1.0 + n) for n, row in enumerate(rows)])
    later = [{"type": "click", "query": query, "item": "a", "user": "u", "session": session} for query in ("q3", "x")]
    store.events.add([parse_event(row | {"event_id": row["query"]}, 500.0) for row in later])

    def parts(data: TrainingData) -> list[list[int]]:
        searches, bought = data.searches, data.baskets
        lists = searches.new, searches.holdout, bought.new, bought.replay, searches.anchor
        return [seqs(part) for part in lists]

    def collected() -> TrainingData:
        return gather(list(store.events.before(1000.0, 99)), LearnedEvents(22, 400.0, (20,)))

    before = collected()
    assert store.session_merge.merge(session, "u")["events"] == 22
    after = collected()
    assert parts(before) == [[20, 23, 24], [], [], [21, 22], []]
    assert parts(after) == [[20, 24], [], [], [21, 22], []], "q3 was chosen once"
    assert seqs(before.searches.replay) == seqs(after.searches.replay) == list(range(1, 20))
    assert after.counts["since_parent"] == before.counts["since_parent"] == 2
    store.close()


@pytest.mark.parametrize("ts", [1.2, 2.0])  # imported late, or made later
def test_split_takes_a_search_with_a_new_purchase_as_new(ts: float) -> None:
    events = [click(1, 1.0), click(2, ts, user="u1", type="purchase")]
    data = gather(events, LearnedEvents(1, 1.5))
    assert [(search.seqs, search.weight) for search in data.searches.new] == [((1, 2), 5.0)]
    assert data.searches.replay == []


def test_a_held_search_holds_all_its_events_back() -> None:
    last = [click(seq, 100.0 + seq, user="late", type=type) for seq, type in enumerate(("click", "cart"), 101)]
    assert held_out(gather([*spread(1, 10), *last])) == [101, 102]


def test_all_lists_are_in_the_order_of_time() -> None:
    names = sessions(40, anchor=False)
    baskets = [
        click(500 + 2 * row + place, 900.0 - row, item=item, session=name, **BOUGHT)
        for row, name in enumerate(names)
        for place, item in enumerate("ab")
    ]
    searches = [click(seq, 1000.0 - seq) for seq in range(1, 101)]
    for learned in (NOTHING, LearnedEvents(540, 1e9)):
        data = gather([*searches, *baskets], learned)
        searched = [*data.searches.new, *data.searches.holdout]
        bought = [*data.baskets.new, *data.baskets.holdout]
        for part in (searched, bought, data.searches.replay, data.baskets.replay):
            times = [one.ts for one in part]
            assert times == sorted(times)


def test_what_teaches_nothing_is_left_out_and_counted() -> None:
    events = [click(1, 1.0, item="gone"), click(2, 2.0, query=None), click(3, 3.0, type="view"), click(4, 4.0)]
    data = gather(events)
    assert data.removed["unknown_item"] == 1
    assert data.counts["events"] == data.counts["new_events"] == data.counts["since_parent"] == 4
    assert seqs(data.searches.new) == [4]
    assert [event.seq for event in data.clean_events] == [2, 3, 4]


def test_the_counts_are_those_of_the_lists() -> None:
    data = gather(spread(1, 61), LearnedEvents(50, 50.5, (49, 50)))
    assert data.counts == {
        "events": 60, "new_events": 12, "since_parent": 10,
        "new_searches": 11, "old_searches": 48, "held_searches": 1, "anchor_searches": 0, "weighed_less": 0,
        "new_baskets": 0, "old_baskets": 0, "held_baskets": 0, "anchor_baskets": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("searches", "baskets", "is_searched", "is_little"),
    [(199, 0, False, False), (200, 0, True, False), (7, 0, False, True), (8, 1, False, False), (0, 0, False, True)],
)
def test_how_much_there_is(searches: int, baskets: int, is_searched: bool, is_little: bool) -> None:
    (name,) = sessions(1, anchor=False)
    basket = [click(900 + row, 0.0, item=item, session=name, **BOUGHT) for row, item in enumerate("ab" * baskets)]
    data = gather([*spread(1, 1 + searches), *basket])
    assert (data.is_searched, data.is_little) == (is_searched, is_little)


def test_known_is_all_but_the_anchor_oldest_first() -> None:
    made = {
        name: [QueryClick(name, "a", ts, (1,))] for ts, name in enumerate(("holdout", "replay", "anchor", "dev", "new"))
    }
    split = Split(**made)
    assert [search.query for search in split.known] == ["holdout", "replay", "dev", "new"]
    assert [search.query for search in split.since_parent] == ["new", "holdout", "dev"]


# ---- baskets ------------------------------------------------------------------------------------------------


def test_baskets_are_sessions_or_a_users_day() -> None:
    nobody = {"user": "buyer", "session": None} | BOUGHT
    assert not is_anchor(click(0, DAY, **nobody))
    first, second = sessions(2, anchor=False)
    events = [
        click(1, 1.0, item="a", session=first, **BOUGHT),
        click(2, 2.0, item="b", session=first, **BOUGHT),
        click(3, 3.0, item="c", session=second, **BOUGHT),  # alone in its basket
        click(4, DAY, item="a", **nobody),
        click(5, DAY + 1, item="c", **nobody),
    ]
    data = gather(events)
    assert [basket.items for basket in (*data.baskets.new, *data.baskets.holdout)] == [("a", "b"), ("a", "c")]


def test_baskets_are_new_old_and_held_out_as_searches_are() -> None:
    events = [
        click(2 * row + place + 1, float(row), item=item, session=name, **BOUGHT)
        for row, name in enumerate(sessions(50, anchor=False))
        for place, item in enumerate("ab")
    ]
    data = gather(events, LearnedEvents(60, 1e9, (1, 2)))
    assert seqs(data.baskets.replay) == list(range(3, 61))
    assert seqs(data.baskets.new) == [1, 2, *range(61, 97)]
    assert seqs(data.baskets.holdout) == held_out(data) == list(range(97, 101))


# ---- what waits for the next night --------------------------------------------------------------------------


def test_split_awaits_items_for_thirty_days() -> None:
    early, late = click(1, 1.0, item="long gone"), click(2, 35 * DAY, item="to come")
    events = [early, *(replace(one, ts=40 * DAY + one.ts) for one in spread(3, 13)), late]
    first = gather(events)
    assert {1, 2}.isdisjoint(seqs(first.searches.new, first.searches.holdout))
    assert 2 in held_out(first) and 1 not in held_out(first), "it is waited for 30 days"
    learned = LearnedEvents(12, 41 * DAY, held_out(first))
    next_night = split_events(events, learned, {"a", "b", "c", "to come"}.__contains__, (), SpamLimits.off())
    assert 2 in seqs(next_night.searches.new, next_night.searches.holdout)


@pytest.mark.parametrize(("searches", "dev"), [(1490, 0), (1500, 50), (9000, 167)])
def test_split_of_many_searches_keeps_a_third_for_dev(searches: int, dev: int) -> None:
    data = gather(spread(1, searches + 1))
    held, looked_at = seqs(data.searches.holdout), seqs(data.searches.dev)
    assert len(looked_at) == dev and set(held).isdisjoint(looked_at), "what stops a training can't judge it"
    assert held_out(data) == sorted([*held, *looked_at])
    assert seqs(data.searches.new) == list(range(1, held_out(data)[0]))


def test_the_days_that_were_strange_are_never_searches_again() -> None:
    events = [*spread(1, 11), *(replace(one, ts=DAY + one.ts) for one in spread(11, 21))]
    for learned in (NOTHING, LearnedEvents(20, 2 * DAY, (20,))):
        data = gather(events, replace(learned, anomalous_days=(1,)))
        assert seqs(data.searches.new, data.searches.holdout, data.searches.replay) == list(range(1, 11))
        assert len(data.clean_events) == 20, "popularity is counted all the same"


# ---- the anchor ---------------------------------------------------------------------------------------------


def crowd(days: int) -> list[Event]:
    """500 sessions a day: each searches twice, and buys a basket."""
    events: list[Event] = []
    for day in range(days):
        for number in range(500):
            who = {"user": None, "session": f"day {day} session {number}"}
            for place, item in enumerate("ab"):
                ts = day * DAY + number * 100 + place
                events.append(click(len(events) + 1, ts, query=f"q{number % 90}", item=item, **who))
                events.append(click(len(events) + 1, ts, item=item, **(who | BOUGHT)))
    return events


def test_the_anchor_is_two_percent_of_sessions_and_never_learned() -> None:
    events = crowd(3)
    data = gather(events, LearnedEvents(2000, DAY))
    asked = {event.seq for event in events if is_anchor(event)}
    assert 0.01 < len(asked) / len(events) < 0.03
    assert set(seqs(data.searches.anchor, data.baskets.anchor)) == asked
    assert set(seqs(data.searches.known, data.baskets.known)) == {event.seq for event in events} - asked
    assert asked.isdisjoint(held_out(data))
    assert {event.seq for event in data.clean_events} == {event.seq for event in events}, "it is popular, though"
    assert {event.seq for event in data.learnable} == {event.seq for event in events} - asked


def test_the_anchor_only_grows_from_night_to_night() -> None:
    events = crowd(3)
    nights = []
    learned = NOTHING
    for night in (1, 2, 3):
        data = gather(events[: 2000 * night], learned)
        nights.append(data)
        learned = LearnedEvents(2000 * night, night * DAY, held_out(data))
    for before, after in pairwise(nights):
        assert after.searches.anchor[: len(before.searches.anchor)] == before.searches.anchor
        assert after.baskets.anchor[: len(before.baskets.anchor)] == before.baskets.anchor
        assert len(after.searches.anchor) > len(before.searches.anchor)
    everything = seqs(*(part for night in nights for part in (night.searches.new, night.searches.holdout)))
    assert set(everything).isdisjoint(seqs(nights[-1].searches.anchor))


# ---- the rules and the bias, wired --------------------------------------------------------------------------


def test_split_drops_spam_by_default_and_counts_it() -> None:
    bot = [click(seq, seq * 300.0, item="b", query=f"q{seq}", user="bot") for seq in range(1, 122)]
    twice = [click(seq, 50_000.0 + seq, user="one") for seq in (201, 202)]
    crowd = [click(seq, 60_000.0 + seq) for seq in range(301, 331)]
    events = [*bot, click(150, 40_000.0, user="bot", **BOUGHT), *twice, *crowd]
    data = split_events(events, NOTHING, {"a", "b", "c"}.__contains__)
    assert data.bots == ["bot"]
    assert data.removed == {
        "unknown_item": 0, "bots": 121, "repeated_events": 1,
        "over_user_cap": 0, "over_pair_cap": 11, "over_item_cap": 0,
    }  # fmt: skip
    assert [event.seq for event in data.clean_events] == [150, 201, *range(301, 331)]
    assert len(data.searches.new) + len(data.searches.holdout) == 20


def test_few_shoppers_are_counted_over_all_nights() -> None:
    events = [click(1, 1.0, item="a"), click(2, 2.0, item="a"), click(3, 3.0, item="b")]
    limits = replace(SpamLimits(), full_share=2 / 3)
    data = gather(events, LearnedEvents(1, 1.5), limits=limits)
    assert {search.item: search.weight for search in data.searches.new} == {"a": 1.0, "b": 0.5}
    assert [search.weight for search in data.searches.replay] == [1.0]
    assert data.counts["weighed_less"] == 1


def shown_at_two_places(number: int) -> tuple[list[Impression], list[Event]]:
    """The same two items for one query, in either order; who sees an item first always chooses it, else half do."""
    answers, events = [], []
    for row in range(number):
        shown = ("a", "b") if row % 2 else ("b", "a")
        answers.append(Impression(f"s{row}", "mug", float(row), shown))
        events.append(click(2 * row + 1, float(row), item=shown[0], search_id=f"s{row}"))
        if row % 4 < 2:
            events.append(click(2 * row + 2, float(row), item=shown[1], search_id=f"s{row}"))
    return answers, events


def test_choices_further_down_weigh_more_when_attention_falls() -> None:
    answers, events = shown_at_two_places(400)
    data = gather(events, impressions=answers)
    weights = {(search.position, search.weight) for search in (*data.searches.new, *data.searches.holdout)}
    assert weights == {(1, 1.0), (2, 2.0)}


def test_split_without_impressions_weighs_all_the_same() -> None:
    _, events = shown_at_two_places(400)
    data = gather(events)
    assert {(search.weight, search.position, search.passed_over) for search in data.searches.new} == {(1.0, None, ())}


def test_what_was_passed_over_comes_from_the_impressions() -> None:
    answers = [Impression("s", "mug", 0.0, ("c", "b", "a"))]
    data = gather([click(1, 1.0, item="a", search_id="s")], impressions=answers)
    assert [search.passed_over for search in data.searches.new] == [("b", "c")]
