"""Popularity, and what is written of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shelfwise.events import EVENT_WEIGHTS
from shelfwise.generation.popularity import (
    RECENT_HALF_LIFE_DAYS,
    PopularityCounts,
    decayed_popularity,
    save_popularity,
)
from shelfwise.store import Event
from shelfwise.timestamps import DAY

NOW = 1_320_000_000.0


def event(item: str, type: str = "click", days_ago: float = 0.0) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, "u", None, None)


def test_the_most_popular_item_is_at_one() -> None:
    popularity = decayed_popularity([event("a"), event("b", "purchase"), event("b"), event("c", "view")], NOW)
    assert popularity["b"] == 1.0
    assert 0 < popularity["c"] < popularity["a"] < 1


def test_older_events_count_less() -> None:
    popularity = decayed_popularity(
        [event("new", days_ago=1), event("old", days_ago=30), event("ahead", days_ago=-1)], NOW
    )
    assert popularity["old"] < popularity["new"] < popularity["ahead"] == 1.0


def test_half_life_of_days_favours_the_recent() -> None:
    events = [event("old", days_ago=9)] * 9 + [event("new", days_ago=1)] * 3
    weeks, days = decayed_popularity(events, NOW), decayed_popularity(events, NOW, RECENT_HALF_LIFE_DAYS)
    assert (weeks["old"], days["new"]) == (1.0, 1.0)
    assert days["old"] < weeks["new"]


@pytest.mark.parametrize(
    "kinds", [[], ["dismiss"], ["dismiss", "dismiss"], ["dismiss"] * 5, ["view", "dismiss"], ["click", "dismiss"]]
)
def test_what_is_only_dismissed_has_no_popularity(kinds: list[str]) -> None:
    assert decayed_popularity([event("a", kind) for kind in kinds], NOW) == {}


def test_dismissals_weigh_against_an_item() -> None:
    popularity = decayed_popularity([event("a"), event("b"), event("b"), event("a"), event("b", "dismiss")], NOW)
    assert popularity["a"] == 1.0 > popularity["b"] > 0


def test_every_type_of_event_has_a_weight() -> None:
    assert sorted(EVENT_WEIGHTS, key=lambda kind: EVENT_WEIGHTS[kind]) == [
        "dismiss",
        "view",
        "click",
        "cart",
        "purchase",
    ]


def test_what_is_saved_is_opened(tmp_path: Path) -> None:
    counts = {
        "popularity": {"a": 0.5, "b": 1.0, "d": 0.5, "not of the catalogue": 0.3},
        "recent": {"b": 1.0},
        "first_seen": {"a": NOW, "d": 5.0},
    }
    save_popularity(tmp_path / "s", list("abcd"), counts)
    opened = PopularityCounts.load(tmp_path / "s")
    assert opened.popularity == {"a": 0.5, "b": 1.0, "d": 0.5}
    assert (opened.recent, opened.first_seen) == ({"b": 1.0}, {"a": NOW, "d": 5.0})


def test_those_of_an_older_shelfwise_are_opened_too(tmp_path: Path) -> None:
    """0.1 counted the popularity, for every item, and what is bought together, which is elsewhere now."""
    (tmp_path / "ids.json").write_text(json.dumps(list("abcd")))
    popular = np.array([0.5, 1.0, 0.0, 0.5])
    np.savez(tmp_path / "weights.npz", popularity=popular, indptr=np.array([0, 1, 1, 1, 1]))
    opened = PopularityCounts.load(tmp_path)
    assert opened.popularity == {"a": 0.5, "b": 1.0, "d": 0.5}
    assert (opened.recent, opened.first_seen) == ({}, {})


def test_nothing_at_all(tmp_path: Path) -> None:
    save_popularity(tmp_path / "s", [], {"popularity": {}})
    for empty in (PopularityCounts.load(tmp_path / "s"), PopularityCounts()):
        assert dict(empty.popularity) == {}
        assert (dict(empty.recent), dict(empty.first_seen)) == ({}, {})
