"""The orders that can be asked for: out of stock last, what is absent last within, equal ones by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.catalogue.sorting import SORTS, sort_rows
from shelfwise.store import Store
from shelfwise.validation import parse_item

ITEMS = [  # rows 1 to 7
    {"price": 5, "created_at": "2020-01-01"},
    {"price": 1, "created_at": "2023-01-01", "in_stock": False},
    {},
    {"price": 5, "created_at": "2022-01-01"},
    {"price": 2, "created_at": "2022-01-01"},
    {"in_stock": False},
    {"price": 0, "created_at": "2019-01-01", "in_stock": False},
]
POPULARITY = np.array([0, 0.5, 0.9, 0, 0.5, 0.7, 0, 0.1])


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[CatalogueSnapshot]:
    store = Store(tmp_path / "shop")
    store.items.upsert([(0, parse_item({"id": n, "title": "Thing"} | item)) for n, item in enumerate(ITEMS)])
    yield CatalogueCache(store).current()
    store.close()


@pytest.mark.parametrize(
    ("sort", "rows"),
    [
        ("price", [5, 1, 4, 3, 7, 2, 6]),
        ("-price", [1, 4, 5, 3, 2, 7, 6]),
        ("newest", [4, 5, 1, 3, 2, 7, 6]),
        ("popular", [5, 1, 4, 3, 2, 7, 6]),
    ],
)
def test_the_order_does_not_depend_on_how_the_rows_came(columns: CatalogueSnapshot, sort: str, rows: list[int]) -> None:
    for seed in range(5):
        given = np.random.default_rng(seed).permutation(np.arange(1, 8))
        assert sort_rows(given, sort, columns, POPULARITY).tolist() == rows
    assert sort_rows(np.array([3, 2, 5]), sort, columns, POPULARITY).tolist() == [
        row for row in rows if row in (3, 2, 5)
    ]


def test_relevance_is_the_order_they_come_in(columns: CatalogueSnapshot) -> None:
    assert sort_rows(np.array([2, 7, 1]), "relevance", columns, POPULARITY).tolist() == [2, 7, 1]


def test_every_order_that_is_named_exists_and_no_other(columns: CatalogueSnapshot) -> None:
    for sort in SORTS:
        assert sorted(sort_rows(np.arange(1, 8), sort, columns, POPULARITY)) == list(range(1, 8))
    with pytest.raises(ValueError, match=r"expected one of relevance, price.*got 'cheap'"):
        sort_rows(np.arange(1, 8), "cheap", columns, POPULARITY)
