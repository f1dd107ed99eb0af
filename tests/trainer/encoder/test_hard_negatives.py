"""Hard negatives: items passed over, and never an item that a shopper chose."""

from __future__ import annotations

import pytest

from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.encoder.hard_negatives import hard_negatives

TEXTS = {"a": "red mug", "twin": "red mug", "b": "blue mug", "c": "cup", "d": "dish", "e": "egg cup"}


def search(item: str = "a", query: str = "mug", passed: str = "") -> QueryClick:
    return QueryClick(query, item, 0.0, (1,), passed_over=tuple(passed.split()))


def negatives(click: QueryClick, past: list[QueryClick]) -> tuple[str, ...]:
    (ids,) = hard_negatives([click], past, TEXTS)
    return ids


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
def test_hard_negatives_are_passed_over_and_never_chosen(
    passed: str, past: list[QueryClick], expected: tuple[str, ...]
) -> None:
    assert negatives(search(passed=passed), past) == expected


def test_hard_negatives_of_each_search_are_its_own() -> None:
    searches = [search(), search("b", passed="e"), search(query="lamp", passed="b"), search("c", passed="b")]
    assert hard_negatives(searches, searches, TEXTS) == [(), ("e",), ("b",), ()]
