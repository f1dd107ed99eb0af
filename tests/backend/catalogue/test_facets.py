"""What a facet shows: order, spelling, levels, price ranges. That its counts are right is test_filters' matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.facets import MAX_FACETS, count_facets, validate_facets
from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.errors import InvalidInput
from shelfwise.store import Store
from shelfwise.validation import parse_item
from support.stores import store_fixture

store = store_fixture()


def count(store: Store, name: str, items: list[dict[str, Any]], limit: int = 20) -> list[dict[str, Any]]:
    store.items.upsert([(0, parse_item({"id": n, "title": "Thing"} | item)) for n, item in enumerate(items)])
    columns = CatalogueCache(store).current()
    return count_facets(columns.live, [name], columns, limit)[name]


def pairs(entries: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(entry["value"], entry["count"]) for entry in entries]


@pytest.mark.parametrize(
    ("name", "values", "counted"),
    [
        ("brand", ["B", "A", "C", "A", None, " "], [("A", 2), ("B", 1), ("C", 1)]),
        ("brand", ["sony", "SONY", "Sony", "Sony"], [("Sony", 4)]),
        ("brand", ["sony", "SONY"], [("SONY", 2)]),
        ("category", ["A > B", "a > C", "A", "D"], [("A", 3), ("A > B", 1), ("a > C", 1), ("D", 1)]),
        ("tags", [["x", "y"], ["X"], []], [("x", 2), ("y", 1)]),
        ("colour", ["Red", "Blue", "red", None], [("Red", 2), ("Blue", 1)]),
        ("colour", ["b", "a", "c", "d", "e", "c"], [("c", 2), ("a", 1), ("b", 1)]),
        ("size", [2, 10, 2.0, "2", 1.5], [("2", 3), ("1.5", 1), ("10", 1)]),
        ("nothing", [1], [("1", 1)]),
    ],
)
def test_most_first_equal_ones_by_value(store: Store, name: str, values: list[Any], counted: list[Any]) -> None:
    assert pairs(count(store, name, [{name: value} for value in values], limit=4))[: len(counted)] == counted


def test_no_more_than_asked_for(store: Store) -> None:
    items = [{"brand": f"b{n % 30:02}", "colour": f"c{n % 30:02}", "category": f"k{n % 30:02}"} for n in range(90)]
    for name, letter in (("brand", "b"), ("colour", "c"), ("category", "k")):
        assert pairs(count(store, name, items, limit=3)) == [(f"{letter}{n:02}", 3) for n in range(3)]


def test_count_facets_is_of_the_mask_only(store: Store) -> None:
    items = [{"Colour": "red", "in_stock": False}, {"Colour": "blue"}, {"Colour": "blue"}]
    count(store, "stock", items)
    columns = CatalogueCache(store).current()
    mask = columns.live & columns.in_stock
    assert count_facets(mask, ["COLOUR", "stock"], columns) == {
        "COLOUR": [{"value": "blue", "count": 2}], "stock": [{"value": "in", "count": 2}],
    }  # fmt: skip
    assert count_facets(columns.live, ["stock"], columns)["stock"] == [
        {"value": "in", "count": 2}, {"value": "out", "count": 1},
    ]  # fmt: skip
    nothing = count_facets(
        np.zeros(columns.size, dtype=np.bool_), ["brand", "price", "stock", "colour", "none"], columns
    )
    assert list(nothing.values()) == [[]] * 5


@pytest.mark.parametrize(
    ("prices", "ranges"),
    [
        ([None], []),
        ([5, None], [(None, None, 1)]),
        ([5] * 9, [(None, None, 9)]),
        ([0, 0, 1], [(None, 1.0, 2), (1.0, None, 1)]),
        (range(1, 101),
         [(None, 20.0, 19), (20.0, 40.0, 20), (40.0, 50.0, 10), (50.0, 75.0, 25), (75.0, None, 26)]),
        ([1, 10, 100, 900], [(None, 10.0, 1), (10.0, 100.0, 1), (100.0, None, 2)]),
        ([0.01, 0.02, 0.03], [(None, 0.02, 1), (0.02, 0.03, 1), (0.03, None, 1)]),
        ([9.99] * 5 + [199] * 5, [(None, 10.0, 5), (10.0, None, 5)]),
    ],
)  # fmt: skip
def test_price_ranges_have_round_bounds(store: Store, prices: Any, ranges: list[tuple[Any, Any, int]]) -> None:
    ranges_counted = count(store, "price", [{"price": price} for price in prices])
    assert [(entry["from"], entry["to"], entry["count"]) for entry in ranges_counted] == ranges


def test_names_that_can_be_counted() -> None:
    assert validate_facets(["brand", "colour", "brand", "Product Line"]) == ["brand", "colour", "Product Line"]
    for name, reason in (
        ("title", "ask for its words"), ("in_stock", "stock:in"), ("id", "got 'id'"),
        ("created_at", "got 'created_at'"), (" ", "got ' '"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=f"^facets: .*{reason}") as refused:
            validate_facets(["brand", name])
        assert refused.value.field == "facets"
    with pytest.raises(InvalidInput, match=f"expected at most {MAX_FACETS}, got {MAX_FACETS + 1}"):
        validate_facets([f"a{n}" for n in range(MAX_FACETS + 1)])
