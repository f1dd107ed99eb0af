"""The blend of the sources and the taste of a shopper, over a real index of four unit vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.index import VectorIndex, build
from shelfwise.ranking import DEFAULT, Blend, Scored, blend, cosines, taste
from shelfwise.statistics import Statistics
from shelfwise.store import Event
from shelfwise.times import DAY

NOW = 1_320_000_000.0
AXES = np.eye(4, dtype=np.float32)  # (4, 4), the vectors of a, b, c, d
STOCK = dict.fromkeys("abcdxyz", True)


@pytest.fixture
def index() -> VectorIndex:
    return build(list("abcd"), AXES)


def run(weights: Blend = DEFAULT, **given: Any) -> Scored:
    usual: dict[str, Any] = {
        "lexical": [], "semantic": [], "query_vector": None, "taste_vector": None, "index": None,
        "popularity": Statistics(), "in_stock": STOCK,
    }  # fmt: skip
    return blend(weights, **(usual | given))


def test_no_candidates() -> None:
    assert (run().ids, len(run().scores)) == ([], 0)


def test_the_candidates_of_both_sources_are_scored_once(index: VectorIndex) -> None:
    found = run(
        Blend(1.0, 0.2, 0.0, 0.0), lexical=[("a", 8.0), ("x", 2.0)], semantic=[("b", 0.6), ("a", 0.5)],
        query_vector=0.5 * AXES[0] + 0.6 * AXES[1], index=index,
    )  # fmt: skip
    assert dict(zip(found.ids, found.scores.tolist(), strict=True)) == pytest.approx(
        {"a": 0.7, "b": 0.6, "x": 0.05 + 0.6 / 4}
    ), "x has no vector yet: as near as its words match"
    assert found.ids == ["a", "b", "x"]


def test_a_lexical_hit_gets_its_cosine_too(index: VectorIndex) -> None:
    found = run(Blend(1.0, 0.0, 0.0, 0.0), lexical=[("b", 9.0), ("a", 1.0)], query_vector=AXES[0], index=index)
    assert (found.ids, found.scores.tolist()) == (["a", "b"], [1.0, 0.0])


@pytest.mark.parametrize("weights", [Blend(lexical=0.0), Blend(popularity=0.0), Blend(semantic=0.0), Blend(taste=0.0)])
def test_a_source_without_weight_has_no_say(index: VectorIndex, weights: Blend) -> None:
    everything = {
        "lexical": [("a", 5.0), ("b", 1.0)], "semantic": [], "query_vector": AXES[1], "taste_vector": AXES[1],
        "index": index, "popularity": Statistics({"a": 1.0}),
    }  # fmt: skip
    found = run(weights, **everything)
    scores = dict(zip(found.ids, found.scores.tolist(), strict=True))
    expected = weights.lexical + weights.popularity, weights.lexical / 5 + weights.semantic + weights.taste
    assert (scores["a"], scores["b"]) == pytest.approx(expected)


def test_items_that_are_gone_are_left_out() -> None:
    assert run(lexical=[("a", 2.0), ("gone", 9.0)], semantic=[("gone too", 1.0)]).ids == ["a"]


def test_out_of_stock_comes_last_whatever_its_score() -> None:
    found = run(lexical=[("a", 9.0), ("b", 5.0), ("c", 1.0)], in_stock={"a": False, "b": True, "c": True})
    assert found.ids == ["b", "c", "a"]
    assert found.scores[2] == max(found.scores)


def test_equal_scores_keep_the_order_of_the_candidates() -> None:
    assert run(lexical=[("z", 1.0), ("x", 1.0), ("y", 1.0)]).ids == ["z", "x", "y"]


def test_popular_items_first_among_equals() -> None:
    assert run(lexical=[("x", 1.0), ("y", 1.0)], popularity=Statistics({"y": 0.5})).ids == ["y", "x"]


def test_an_item_without_a_vector_has_no_cosine(index: VectorIndex) -> None:
    assert cosines(index, ["b", "nothing", "a"], 0.5 * AXES[0]).tolist() == [0.0, 0.0, 0.5]


def event(item: str, type: str = "click", days_ago: float = 0.0) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, "u", None, None)


def test_taste_is_a_unit_vector_of_what_was_looked_at(index: VectorIndex) -> None:
    found = taste(index, [event("a"), event("b", days_ago=7)], NOW)
    assert found is not None
    assert found.tolist() == pytest.approx([2 / 5**0.5, 1 / 5**0.5, 0, 0], abs=1e-6)


@pytest.mark.parametrize("events", [[], [event("nothing")], [event("a", "dismiss")], [event("a", days_ago=100_000)]])
def test_no_taste(index: VectorIndex, events: list[Event]) -> None:
    assert taste(index, events, NOW) is None


def test_dismissed_items_say_nothing_of_a_taste(index: VectorIndex) -> None:
    found = taste(index, [event("a", "dismiss"), event("b")], NOW)
    assert found is not None
    assert found.tolist() == AXES[1].tolist()


def test_only_the_newest_items_count(index: VectorIndex) -> None:
    found = taste(index, [*(event(f"unknown {number}") for number in range(19)), event("a"), event("b")], NOW)
    assert found is not None
    assert found.tolist() == AXES[0].tolist()
