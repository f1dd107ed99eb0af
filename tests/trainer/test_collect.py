"""What a night may learn: nothing twice, nothing lost."""

from __future__ import annotations

from typing import Any

from shelfwise.store import Event
from shelfwise.trainer.collect import collect

NOTHING: dict[str, Any] = {"events_seq": 0, "until": 0.0, "held_out": []}


def click(seq: int, ts: float, query: str | None = "mug", item: str = "a", **more: Any) -> Event:
    return Event(
        **{"seq": seq, "ts": ts, "type": "click", "item": item, "user": "u", "session": None, "query": query} | more
    )


def gather(events: list[Event], learned: dict[str, Any] = NOTHING) -> Any:
    return collect(events, learned, {"a", "b", "c"}.__contains__)


def test_the_newest_tenth_is_held_out() -> None:
    material = gather([click(seq, float(seq)) for seq in range(1, 101)])
    assert [search.ts for search in material.held_searches] == [float(ts) for ts in range(91, 101)]
    assert len(material.new_searches) == 90
    assert material.held_out == list(range(91, 101))


def test_only_the_new_is_new() -> None:
    learned = {"events_seq": 50, "until": 50.5, "held_out": [49, 50]}
    material = gather([click(seq, float(seq)) for seq in range(1, 61)], learned)
    new = {search.seqs[0] for search in (*material.new_searches, *material.held_searches)}
    assert new == {49, 50, *range(51, 61)}
    assert {search.seqs[0] for search in material.old_searches} == set(range(1, 49))


def test_an_event_imported_late_is_new_though_its_time_is_past() -> None:
    learned = {"events_seq": 50, "until": 1000.0, "held_out": []}
    material = gather([click(seq, float(seq)) for seq in range(1, 51)] + [click(51, 3.0)], learned)
    assert [search.seqs for search in material.new_searches] == [(51,)]


def test_an_event_known_early_but_after_until_is_new_the_next_night() -> None:
    learned = {"events_seq": 50, "until": 40.0, "held_out": []}
    material = gather([click(seq, float(seq)) for seq in range(1, 51)], learned)
    assert len(material.new_searches) + len(material.held_searches) == 11


def test_what_teaches_nothing_is_left_out_and_counted() -> None:
    events = [click(1, 1.0, item="gone"), click(2, 2.0, query=None), click(3, 3.0, type="view"), click(4, 4.0)]
    material = gather(events)
    assert material.counts["unknown_item"] == 1
    assert material.counts["events"] == material.counts["new_events"] == 4
    assert len(material.new_searches) == 1


def test_baskets_are_sessions_or_a_users_day() -> None:
    bought: dict[str, Any] = {"query": None, "type": "purchase"}
    events = [
        click(1, 1.0, item="a", session="s1", **bought),
        click(2, 2.0, item="b", session="s1", **bought),
        click(3, 3.0, item="c", session="s2", **bought),  # alone in its basket
        click(4, 90_000.0, item="a", **bought),
        click(5, 90_001.0, item="c", **bought),
    ]
    material = gather(events)
    assert [basket.items for basket in (*material.new_baskets, *material.held_baskets)] == [("a", "b"), ("a", "c")]


def test_baskets_are_held_out_only_where_there_are_few_searches() -> None:
    bought: dict[str, Any] = {"query": None, "type": "purchase"}
    baskets = [
        click(2 * number + place, float(number), item=item, session=f"s{number}", **bought)
        for number in range(1, 41)
        for place, item in enumerate("ab")
    ]
    assert len(gather(baskets).held_baskets) == 4
    assert len(gather([*baskets, click(999, 99.0)]).held_baskets) == 4
    assert gather([*baskets, *(click(seq, 99.0) for seq in range(1000, 1300))]).held_baskets == []
