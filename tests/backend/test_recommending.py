"""Shelves for a shopper and for an item, over a small index and small statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.index import VectorIndex, build
from shelfwise.recommending import for_you, similar, taste
from shelfwise.statistics import Statistics, save
from shelfwise.store import Event
from shelfwise.times import DAY

NOW = 1_320_000_000.0


@pytest.fixture
def index() -> VectorIndex:
    """a and b point nearly the same way, c elsewhere, d opposite to a."""
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], dtype=np.float32)  # (4, 2)
    return build(list("abcd"), vectors)


@pytest.fixture
def statistics(tmp_path: Path) -> Statistics:
    """a is bought with d; c is popular."""
    save(
        tmp_path / "s",
        list("abcd"),
        {"popularity": {"a": 0.1, "c": 1.0, "d": 0.2}},
        np.array([0, 1, 1, 1, 2]),
        np.array([3, 0]),
        np.array([0.5, 0.5]),
    )
    return Statistics.open(tmp_path / "s")


def event(item: str, type: str = "purchase", days_ago: float = 1.0) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, "u", None, None)


def best(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda id: -scores[id])


def test_what_is_bought_again_comes_first(index: VectorIndex, statistics: Statistics) -> None:
    scores = for_you([event("b"), event("a", "view")], NOW, statistics, index)
    assert best(scores)[0] == "b"
    assert {"a", "b", "c", "d"} == set(scores), "its company, its neighbours and the popular ones follow"


def test_what_is_bought_together_is_on_the_shelf_without_an_index(statistics: Statistics) -> None:
    assert best(for_you([event("a")], NOW, statistics, None)) == ["a", "d", "c"]
    assert best(for_you([event("a")], NOW, Statistics(), None)) == ["a"]


def test_newer_and_dearer_events_weigh_more(index: VectorIndex) -> None:
    scores = for_you([event("a", days_ago=1), event("b", days_ago=300), event("c", "view")], NOW, Statistics(), None)
    assert best(scores) == ["a", "b", "c"]


def test_what_was_dismissed_is_on_no_shelf(index: VectorIndex, statistics: Statistics) -> None:
    scores = for_you([event("c", "dismiss"), event("a"), event("c")], NOW, statistics, index)
    assert "c" not in scores
    assert "a" in scores


def test_similar_items_by_vector_and_by_company(index: VectorIndex, statistics: Statistics) -> None:
    assert best(similar(["a"], Statistics(), index))[0] == "b"
    assert similar(["a"], statistics, None) == {"d": pytest.approx(0.3)}
    assert best(similar(["a"], statistics, index))[:2] == ["b", "d"]


@pytest.mark.parametrize("items", [["a"], ["a", "b"], ["a", "unknown"]])
def test_an_item_is_not_similar_to_itself(index: VectorIndex, statistics: Statistics, items: list[str]) -> None:
    scores = similar(items, statistics, index)
    assert scores
    assert not set(items) & set(scores)


def test_an_item_of_which_nothing_is_known(index: VectorIndex, statistics: Statistics) -> None:
    assert similar(["unknown"], statistics, index) == {}


def test_several_items_share_one_shelf(index: VectorIndex) -> None:
    scores = similar(["a", "c"], Statistics(), index)
    assert best(scores)[0] == "b", "between the two"


# ---- a taste ------------------------------------------------------------------------------------------------


def vector(found: np.ndarray | None) -> list[float] | None:
    return None if found is None else found.tolist()


def test_taste_is_a_unit_vector_of_what_was_looked_at(index: VectorIndex) -> None:
    found = vector(taste(index, [event("a", days_ago=0), event("c", days_ago=7)], NOW))
    assert found == pytest.approx([2 / 5**0.5, 1 / 5**0.5], abs=1e-6), "a week ago counts half"


@pytest.mark.parametrize("events", [[], [event("nothing")], [event("a", "dismiss")], [event("a", days_ago=100_000)]])
def test_no_taste(index: VectorIndex, events: list[Event]) -> None:
    assert taste(index, events, NOW) is None


def test_dismissed_items_say_nothing_of_a_taste(index: VectorIndex) -> None:
    assert vector(taste(index, [event("a", "dismiss"), event("c")], NOW)) == [0.0, 1.0]


def test_only_the_newest_items_count(index: VectorIndex) -> None:
    found = taste(index, [*(event(f"unknown {number}") for number in range(19)), event("a"), event("c")], NOW)
    assert vector(found) == [1.0, 0.0]
