"""Hard negatives: what was passed over, else what is near, and never what anybody chose."""

from __future__ import annotations

import random

import numpy as np
import pytest

from shelfwise.trainer.negatives import Near, hard_negatives
from shelfwise.trainer.searches import Search

TEXTS = {"a": "red mug", "twin": "red mug", "b": "blue mug", "c": "cup", "d": "dish", "e": "egg cup"}


def search(item: str = "a", query: str = "mug", passed: str = "") -> Search:
    return Search(query, item, 0.0, (1,), passed=tuple(passed.split()))


def near(cosines: dict[str, float], query: str = "mug") -> Near:
    ids = list(cosines)
    columns = {id: column for column, id in enumerate(ids)}
    return Near({query: 0}, columns, ids, np.array([list(cosines.values())], np.float32))


def negatives(one: Search, past: list[Search], parent: Near | None = None, seed: int = 1) -> tuple[str, ...]:
    (made,) = hard_negatives([one], past, TEXTS, parent, random.Random(seed))
    return made


@pytest.mark.parametrize(
    ("passed", "past", "expected"),
    [
        ("", [], ()),
        ("b", [], ("b",)),
        ("c b", [], ("c",)),  # the nearest to what was chosen
        ("c b", [search("c")], ("b",)),
        ("c b", [search("c", "MUG!")], ("b",)),
        ("c b", [search("c", "cup")], ("c",)),  # chosen for another query
        ("c b", [search("c"), search("b")], ()),
        ("twin b", [], ("b",)),
        ("a b", [], ("b",)),
        ("gone b", [], ("b",)),
    ],
)
def test_what_was_passed_over(passed: str, past: list[Search], expected: tuple[str, ...]) -> None:
    assert negatives(search(passed=passed), past) == expected


@pytest.mark.parametrize(
    ("cosines", "past", "expected"),
    [
        ({"a": 0.9, "b": 0.8}, [], ("b",)),
        ({"a": 0.9, "b": 0.86}, [], ()),  # nearly as near as the chosen: likely as right
        ({"a": 0.5, "b": 0.8}, [], ()),
        ({"a": 0.9, "b": 0.8}, [search("b", "Mug")], ()),
        ({"a": 0.9, "twin": 0.8}, [], ()),
        ({"a": 0.9}, [], ()),
        ({"b": 0.9, "c": 0.8}, [], ()),  # the parent never saw the chosen item
    ],
)
def test_what_is_near(cosines: dict[str, float], past: list[Search], expected: tuple[str, ...]) -> None:
    assert negatives(search(), past, near(cosines)) == expected


def test_what_was_passed_over_goes_before_what_is_near_unless_somebody_chose_it() -> None:
    parent = near({"a": 0.9, "b": 0.8})
    assert negatives(search(passed="d"), [], parent) == ("d",)
    assert negatives(search(passed="d"), [search("d")], parent) == ("b",)


def test_a_query_that_the_parent_was_not_asked_has_no_neighbours() -> None:
    assert negatives(search(), [], near({"a": 0.9, "b": 0.8}, query="lamp")) == ()


def test_neighbours_are_drawn_from_the_thirty_nearest_that_are_less_near() -> None:
    texts = {f"i{number}": f"text {number}" for number in range(300)}
    order = random.Random(3).sample(sorted(texts), 300)
    cosines = {id: float(0.9 - 0.01 * order.index(id)) for id in texts}  # the chosen is nearest, then steps of 0.01
    one, parent = search(order[0]), near(cosines)
    drawn = {hard_negatives([one], [one], texts, parent, random.Random(seed))[0][0] for seed in range(400)}
    assert drawn <= set(order[5:30])
    assert len(drawn) > 20
    assert drawn & set(order[25:30])


def test_each_search_has_its_own_and_the_same_seed_gives_the_same() -> None:
    parent = near({"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6, "e": 0.5})
    given = [search(), search("b", passed="e"), search(query="lamp"), search("c")]
    runs = [hard_negatives(given, given, TEXTS, parent, random.Random(seed)) for seed in (1, 1, 2, 3, 4, 5)]
    assert runs[0] == runs[1]
    assert len({run[0] for run in runs}) > 1
    assert all(run[0][0] in {"d", "e"} and run[1] == ("e",) and run[2] == () for run in runs)
