"""Logged answers read back: whole answers of a window of time, oldest first."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.store import Impression, ShownRecommendation, Store

SEARCH: dict[str, Any] = {"query": "red mug", "user": "u", "session": None, "generation": 3}


def log(store: Store, *times: float) -> None:
    for ts in times:
        store.answer_log.add("searches", SEARCH | {"id": f"s{ts}", "ts": ts}, ["b", "a"])
    store.answer_log.close()


def test_searches_are_the_answers_as_shown(store: Store) -> None:
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
def test_searches_include_since_and_exclude_until(
    store: Store, since: float, until: float, expected: list[float]
) -> None:
    log(store, 3.0, 1.0, 2.0)
    assert [impression.ts for impression in store.impressions.searches(since, until)] == expected


def test_searches_of_an_empty_log_are_none(store: Store) -> None:
    assert list(store.impressions.searches(0.0, 1e12)) == []


def test_searches_are_streamed_while_others_are_logged(store: Store) -> None:
    log(store, 1.0, 2.0)
    reading = store.impressions.searches(0.0, 99.0)
    first = next(reading)
    log(store, 3.0)
    assert [first.ts, *(impression.ts for impression in reading)][:2] == [1.0, 2.0]


SHELF: dict[str, Any] = {"kind": "popular", "item": None, "user": None, "session": None, "generation": 3}


def shelves(store: Store) -> None:
    """r1 to r5, a second apart."""
    owners = [{"user": "u"}, {"session": "s"}, {}, {"user": "u", "session": "s"}, {"user": "v", "session": "t"}]
    for number, owner in enumerate(owners, 1):
        store.answer_log.add(
            "recommendations", SHELF | owner | {"id": f"r{number}", "ts": float(number)}, [f"i{number}"]
        )
    store.answer_log.close()


@pytest.mark.parametrize(
    ("user", "session", "since", "until", "limit", "expected"),
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
def test_recommendations_of_a_shopper(
    store: Store, user: str | None, session: str | None, since: float, until: float, limit: int, expected: list[float]
) -> None:
    """A session has only the shelves shown before a login; later ones are found by the user."""
    shelves(store)
    shelves_shown = store.impressions.recommendations_of(user, session, since, until, limit)
    assert shelves_shown == [ShownRecommendation(ts, (f"i{ts:.0f}",)) for ts in expected]


@pytest.mark.parametrize(("user", "session", "index"), [("u", None, "user"), (None, "s", "session")])
def test_recommendations_of_uses_an_index(
    store: Store, monkeypatch: pytest.MonkeyPatch, user: str | None, session: str | None, index: str
) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = []
    connections = store._connections
    monkeypatch.setattr(connections, "rows", lambda sql, parameters: calls.append((sql, parameters)) or [])
    store.impressions.recommendations_of(user, session, 0.0, 9.0, 5)
    monkeypatch.undo()
    ((sql, parameters),) = calls
    (plan,) = [row[3] for row in connections.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    assert plan == f"SEARCH recommendations USING INDEX recommendations_{index} ({index}=? AND ts>? AND ts<?)"
