"""What was shown, read back: whole answers of a window of time, oldest first."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.store import Impression, ShownRecommendation, Store

SEARCH: dict[str, Any] = {"query": "red mug", "user": "u", "session": None, "generation": 3}


def log(store: Store, *times: float) -> None:
    for ts in times:
        store.answer_log.add("searches", SEARCH | {"id": f"s{ts}", "ts": ts}, ["b", "a"])
    store.answer_log.close()


def test_an_impression_is_the_answer_as_it_was_shown(store: Store) -> None:
    store.answer_log.add("searches", SEARCH | {"id": "s1", "ts": 5.5}, ["b", "a", "ä"])
    store.answer_log.add("searches", SEARCH | {"id": "s2", "ts": 6.0, "query": "nothing"}, [])
    shelf = {"id": "r1", "ts": 5.0, "kind": "similar", "item": "a", "user": None, "session": "s", "generation": None}
    store.answer_log.add("recommendations", shelf, ["c"])
    store.answer_log.close()
    assert list(store.impressions.searches(0.0, 100.0)) == [
        Impression("s1", "red mug", 5.5, ("b", "a", "ä")),
        Impression("s2", "nothing", 6.0, ()),
    ]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(0.0, 99.0, [1.0, 2.0, 3.0]), (1.0, 3.0, [1.0, 2.0]), (1.5, 3.5, [2.0, 3.0]), (2.0, 2.0, []), (4.0, 9.0, [])],
)
def test_a_window_has_its_start_and_not_its_end(
    store: Store, since: float, until: float, expected: list[float]
) -> None:
    log(store, 3.0, 1.0, 2.0)
    assert [impression.ts for impression in store.impressions.searches(since, until)] == expected


def test_nothing_shown_is_no_error(store: Store) -> None:
    assert list(store.impressions.searches(0.0, 1e12)) == []


def test_answers_are_streamed_and_may_be_logged_meanwhile(store: Store) -> None:
    log(store, 1.0, 2.0)
    reading = store.impressions.searches(0.0, 99.0)
    first = next(reading)
    log(store, 3.0)
    assert [first.ts, *(impression.ts for impression in reading)][:2] == [1.0, 2.0]


SHELF: dict[str, Any] = {"kind": "popular", "item": None, "user": None, "session": None, "generation": 3}


def shelves(store: Store) -> None:
    """r1 to r5, a second apart."""
    whose = [{"user": "u"}, {"session": "s"}, {}, {"user": "u", "session": "s"}, {"user": "v", "session": "t"}]
    for number, of in enumerate(whose, 1):
        store.answer_log.add("recommendations", SHELF | of | {"id": f"r{number}", "ts": float(number)}, [f"i{number}"])
    store.answer_log.close()


@pytest.mark.parametrize(
    ("user", "session", "since", "until", "most", "expected"),
    [
        ("u", None, 0.0, 9.0, 9, [4.0, 1.0]),
        ("u", "s", 0.0, 9.0, 9, [4.0, 1.0]),
        ("u", None, 0.0, 9.0, 1, [4.0]),
        ("u", None, 2.0, 9.0, 9, [4.0]),
        ("u", None, 1.0, 4.0, 9, [4.0, 1.0]),
        ("u", None, 0.0, 3.0, 9, [1.0]),
        (None, "s", 0.0, 9.0, 9, [2.0]),
        (None, "t", 0.0, 9.0, 9, []),
        (None, None, 0.0, 9.0, 9, []),
    ],
)
def test_shelves_shown_to_one(
    store: Store, user: str | None, session: str | None, since: float, until: float, most: int, expected: list[float]
) -> None:
    """A session's are its anonymous ones; those of who logged in are asked for by the user."""
    shelves(store)
    found = store.impressions.recommendations_of(user, session, since, until, most)
    assert found == [ShownRecommendation(ts, (f"i{ts:.0f}",)) for ts in expected]


@pytest.mark.parametrize(("user", "session", "index"), [("u", None, "user"), (None, "s", "session")])
def test_shelves_of_one_are_found_by_an_index(
    store: Store, monkeypatch: pytest.MonkeyPatch, user: str | None, session: str | None, index: str
) -> None:
    asked: list[tuple[str, tuple[Any, ...]]] = []
    connections = store._connections
    monkeypatch.setattr(connections, "rows", lambda sql, given: asked.append((sql, given)) or [])
    store.impressions.recommendations_of(user, session, 0.0, 9.0, 5)
    monkeypatch.undo()
    ((sql, given),) = asked
    (plan,) = [row[3] for row in connections.rows(f"EXPLAIN QUERY PLAN {sql}", given)]
    assert plan == f"SEARCH recommendations USING INDEX recommendations_{index} ({index}=? AND ts>? AND ts<?)"
