"""The ledger: one row a night, whatever its end."""

from __future__ import annotations

import pytest

from shelfwise.errors import NotFound
from shelfwise.store import Store

NOW = 1_320_000_000.0


def test_a_night_from_begin_to_end(store: Store) -> None:
    number = store.nights.begin(NOW, 3)
    assert store.nights.get(number) == {
        "night": 1, "verdict": "running", "reason": None, "parent": 3, "generation": None,
        "started": "2011-10-30T18:40:00.000Z", "finished": None, "report": {},
    }  # fmt: skip
    store.nights.end(number, NOW + 60, "published", "better", 4, {"seconds": {"train": 1.5}})
    night = store.nights.get(number)
    assert (night["verdict"], night["reason"], night["generation"]) == ("published", "better", 4)
    assert (night["finished"], night["report"]) == ("2011-10-30T18:41:00.000Z", {"seconds": {"train": 1.5}})


def test_a_night_that_a_crash_left_running_becomes_killed(store: Store) -> None:
    ended, killed = store.nights.begin(NOW, None), store.nights.begin(NOW, None)
    assert store.nights.get(ended)["verdict"] == "killed"
    store.nights.end(killed, NOW, "refused", "worse", 0, {})
    running = store.nights.begin(NOW, 0)
    assert [(row["night"], row["verdict"]) for row in store.nights.latest(10)] == [
        (running, "running"), (killed, "refused"), (ended, "killed"),
    ]  # fmt: skip
    assert "ended before" in store.nights.latest(10)[2]["reason"]


def test_the_latest_come_first_and_without_reports(store: Store) -> None:
    for _ in range(5):
        store.nights.end(store.nights.begin(NOW, None), NOW, "published", "", 0, {"large": 1})
    assert [row["night"] for row in store.nights.latest(3)] == [5, 4, 3]
    assert all("report" not in row for row in store.nights.latest(3))


def test_there_is_no_such_night(store: Store) -> None:
    with pytest.raises(NotFound, match="no night 7"):
        store.nights.get(7)
