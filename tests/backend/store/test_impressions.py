"""What was shown, read back: whole answers of a window of time, oldest first."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.store import Impression, Store

SEARCH: dict[str, Any] = {"query": "red mug", "user": "u", "session": None, "generation": 3}


def log(store: Store, *times: float) -> None:
    for ts in times:
        store.shown.add("searches", SEARCH | {"id": f"s{ts}", "ts": ts}, ["b", "a"])
    store.shown.close()


def test_an_impression_is_the_answer_as_it_was_shown(store: Store) -> None:
    store.shown.add("searches", SEARCH | {"id": "s1", "ts": 5.5}, ["b", "a", "ä"])
    store.shown.add("searches", SEARCH | {"id": "s2", "ts": 6.0, "query": "nothing"}, [])
    shelf = {"id": "r1", "ts": 5.0, "kind": "similar", "item": "a", "user": None, "session": "s", "generation": None}
    store.shown.add("recommendations", shelf, ["c"])
    store.shown.close()
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
