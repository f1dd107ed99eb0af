"""Popularity and co-purchase against plain Python."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from shelfwise.statistics import HALF_LIFE_DAYS, Statistics
from shelfwise.store import Event
from shelfwise.times import DAY
from shelfwise.trainer.counting import count

IDS = ["a", "b", "c", "d"]


def bought(user: str, *items: str, ts: float = 0.0) -> list[Event]:
    return [Event(0, ts, "purchase", item, user, None, None) for item in items]


def counted(events: list[Event], folder: Path, now: float = 0.0) -> Statistics:
    count(events, IDS, now, folder / "statistics")
    return Statistics.open(folder / "statistics")


def test_together_is_the_shrunk_cosine_of_buyers(tmp_path: Path) -> None:
    events = [event for user in range(8) for event in bought(f"u{user}", "a", "b")]
    events += [event for user in range(8, 11) for event in bought(f"u{user}", "a", "c")]
    events += bought("once", "a", "d")
    together = dict(counted(events, tmp_path).together("a"))
    assert together["b"] == pytest.approx(8 / math.sqrt(12 * 8) * 8 / 18, rel=1e-5)
    assert together["c"] == pytest.approx(3 / math.sqrt(12 * 3) * 3 / 13, rel=1e-5)
    assert "d" not in together, "one buyer is chance"
    assert "a" not in together
    assert list(together) == ["b", "c"], "best first"


def test_a_purchase_repeated_by_one_person_counts_once(tmp_path: Path) -> None:
    once = [event for user in "xyz" for event in bought(user, "a", "b")]
    often = once + bought("x", "a", "b") * 20
    assert counted(once, tmp_path / "1").together("a") == counted(often, tmp_path / "2").together("a")


def test_popularity_decays_and_the_top_is_one(tmp_path: Path) -> None:
    now = 10 * HALF_LIFE_DAYS * DAY
    events = bought("u", "a", ts=now) + bought("u", "b", ts=now - HALF_LIFE_DAYS * DAY)
    statistics = counted(events, tmp_path, now)
    assert statistics.popularity["a"] == pytest.approx(1.0)
    assert statistics.popularity["b"] == pytest.approx(math.log1p(2.5) / math.log1p(5))
    assert "c" not in statistics.popularity
    assert statistics.ranked == ["a", "b"]


def test_no_events_and_unknown_items_are_fine(tmp_path: Path) -> None:
    assert counted([], tmp_path / "1").popularity == {}
    statistics = counted(bought("u", "gone", "lost"), tmp_path / "2")
    assert statistics.popularity == {}
    assert statistics.together("gone") == []
