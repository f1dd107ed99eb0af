"""Events: idempotent, joined with the search they cite whenever that is logged, and none lost among processes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from shelfwise.store import Store
from shelfwise.validation import parse_event

NOW = 1_320_000_000.0


def event(number: int = 0, **fields: Any) -> dict[str, Any]:
    return parse_event({"event_id": f"e{number}", "type": "click", "item": "mug", "ts": NOW + number} | fields, NOW)


def log_search(store: Store, search_id: str, query: str) -> None:
    row = {"id": search_id, "ts": NOW, "query": query, "user": None, "session": None, "generation": None}
    store.answer_log.add("searches", row, ["mug"])
    store.answer_log.close()


def test_add_ignores_a_known_event_id(store: Store) -> None:
    assert store.events.add([event(1), event(2), event(1, item="other")]) == 2
    assert store.events.add([event(2), event(3)]) == 1
    assert store.events.add([]) == 0
    events = list(store.events.before(NOW + 9, store.events.last_seq()))
    assert (store.events.count(), len(events)) == (3, 3)
    assert {event.item for event in events} == {"mug"}, "the first one stays"


def test_add_keeps_every_field(store: Store) -> None:
    whole = event(
        1, user="u", session="s", search_id="q", recommendation_id="r", position=2, query="red", value=4.5, quantity=2
    )
    store.events.add([whole])
    assert store.events.between(NOW, NOW + 9) == [whole]


def test_add_with_an_invalid_row_adds_none(store: Store) -> None:
    with pytest.raises(KeyError):
        store.events.add([event(1), {"event_id": "x"}])
    assert store.events.count() == 0
    assert store.events.add([event(1)]) == 1, "and the next one works"


def test_before_joins_the_query_of_a_search_logged_later(store: Store) -> None:
    store.events.add([event(1, search_id="s1"), event(2, search_id="unknown"), event(3, search_id="s1", query="own")])
    assert [row.query for row in store.events.before(NOW + 9, 9)] == [None, None, "own"]
    log_search(store, "s1", "red mug")
    assert [row.query for row in store.events.before(NOW + 9, 9)] == ["red mug", None, "own"]


def test_before_is_exclusive_in_time_and_inclusive_in_seq(store: Store) -> None:
    store.events.add([event(3), event(1), event(2)])
    assert [row.ts - NOW for row in store.events.before(NOW + 3, 9)] == [1, 2]
    assert [row.ts - NOW for row in store.events.before(NOW + 9, 2)] == [1, 3]


def test_between_is_exclusive_at_its_end(store: Store) -> None:
    store.events.add([event(number) for number in range(4)])
    assert [row["event_id"] for row in store.events.between(NOW + 1, NOW + 3)] == ["e1", "e2"]


def test_of_user_and_of_session_are_newest_first(store: Store) -> None:
    store.events.add([event(number, user="u" if number % 2 else "v", session="s") for number in range(6)])
    assert [row.ts - NOW for row in store.events.of_user("u", NOW + 9, 10)] == [5, 3, 1]
    assert [row.ts - NOW for row in store.events.of_user("u", NOW + 3, 10)] == [3, 1], "up to that instant"
    assert [row.ts - NOW for row in store.events.of_session("s", NOW + 9, 2)] == [5, 4]
    assert store.events.of_user("nobody", NOW + 9, 10) == []
    assert [row.ts - NOW for row in store.events.newest(NOW + 4, 2)] == [4, 3]


def test_span_and_busiest_users(store: Store) -> None:
    assert store.events.span() is None
    store.events.add([event(number, user="v" if number > 3 else "u") for number in range(5)] + [event(9)])
    assert store.events.span() == (NOW, NOW + 9)
    assert store.events.busiest_users(10) == [("u", 4), ("v", 1)]


_WRITER = """
import sys
from pathlib import Path
from shelfwise.validation import parse_event
from shelfwise.store import Store
store, first = Store(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
accepted = 0
for start in range(0, 1000, 10):
    numbers = [(first + start + more) % 2000 for more in range(10)]
    rows = [parse_event({"event_id": n, "type": "view", "item": f"i{n}", "user": first}, 1.0) for n in numbers]
    accepted += store.events.add(rows)
store.close()
print(accepted)
"""


def test_add_from_several_processes_loses_none(store: Store) -> None:
    """Four writers bring each of 2,000 events twice, while this process reads."""
    command = [sys.executable, "-P", "-c", _WRITER, str(store.path.parent)]
    writers = [
        subprocess.Popen(
            [*command, str(first)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for first in (0, 500, 1000, 1500)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    counts = [0]
    while any(writer.poll() is None for writer in writers):
        counts.append(store.events.count())
    ended = [writer.communicate() for writer in writers]
    assert [(writer.returncode, errors) for writer, (_, errors) in zip(writers, ended, strict=True)] == [(0, "")] * 4
    assert sum(int(accepted) for accepted, _ in ended) == 2_000
    assert counts == sorted(counts), "a reader never sees fewer than before"
    assert sorted(int(row["event_id"]) for row in store.events.between(0, 9)) == list(range(2_000))
