"""Answers shown and clicked, by UTC day."""

from __future__ import annotations

import pytest

from shelfwise.cleaning import clean_event
from shelfwise.store import Store
from shelfwise.times import DAY

MIDNIGHT = 15_278 * DAY  # 2011-10-31
KINDS = {"searches": ("query", "search_id"), "recommendations": ("kind", "recommendation_id")}


def show(store: Store, kind: str, id: str, ts: float) -> None:
    row = {"id": id, "ts": ts, KINDS[kind][0]: "x", "item": None, "user": None, "session": None, "generation": 0}
    store.shown.add(kind, row, ["mug"])


def follow(store: Store, number: int, ts: float, type: str = "click", **cited: str) -> None:
    store.events.add([clean_event({"event_id": f"e{number}", "type": type, "item": "mug", "ts": ts} | cited, ts)])


@pytest.mark.parametrize("kind", KINDS)
def test_answers_by_day(store: Store, kind: str) -> None:
    cited = KINDS[kind][1]
    for number, days in enumerate((0.1, 0.2, 1.5, 1.6, 1.7, 30.0, -0.1)):  # before midnight
        show(store, kind, f"a{number}", MIDNIGHT - days * DAY)
    store.shown.close()
    follow(store, 0, MIDNIGHT - 0.1 * DAY, **{cited: "a0"})
    follow(store, 1, MIDNIGHT - 0.1 * DAY, "purchase", **{cited: "a0"})
    follow(store, 2, MIDNIGHT - 0.1 * DAY, "view", **{cited: "a1"})
    follow(store, 3, MIDNIGHT + 60, "cart", **{cited: "a2"})
    follow(store, 4, MIDNIGHT + 7200, **{cited: "a3"})  # after the night's time
    follow(store, 5, MIDNIGHT - DAY)
    days = store.online.days(kind, MIDNIGHT + 3600)
    assert len(days) == 29
    assert [day.day for day in days[-2:]] == [MIDNIGHT - 2 * DAY, MIDNIGHT - DAY]
    assert [(day.shown, day.clicked) for day in days[-2:]] == [(3, 1), (2, 1)]
    assert sum(day.shown for day in days) == 5


def test_a_shop_that_showed_nothing(store: Store) -> None:
    assert {(day.shown, day.clicked) for day in store.online.days("searches", MIDNIGHT)} == {(0, 0)}
