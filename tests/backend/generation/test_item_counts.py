"""Popularity and ages by row of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.timestamps import DAY
from support.stores import store_with

NOW = 1_320_000_000.0
NAN = float("nan")


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[CatalogueSnapshot]:
    """Rows 1 to 4: dated, undated, undated and never chosen, dated and chosen before."""
    store = store_with(tmp_path, [
        {"id": "a", "title": "A", "created_at": NOW - 5 * DAY}, {"id": "b", "title": "B"}, {"id": "c", "title": "C"},
        {"id": "d", "title": "D", "created_at": NOW - 9 * DAY},
    ])  # fmt: skip
    yield CatalogueCache(store).current()
    store.close()


def test_item_counts_lie_in_the_rows_of_their_items(columns: CatalogueSnapshot) -> None:
    statistics = PopularityCounts(
        {"a": 1.0, "gone": 0.9, "b": 0.5}, {"b": 1.0}, {"b": NOW - 2 * DAY, "d": NOW - 30 * DAY, "gone": NOW}
    )
    counts = ItemCounts.of(statistics, columns, NOW)
    assert counts.popularity.tolist() == pytest.approx([0, 1, 0.5, 0, 0], abs=1e-6)
    assert counts.recent.tolist() == pytest.approx([0, 0, 1, 0, 0], abs=1e-6)
    assert counts.age[1:].tolist() == pytest.approx([5, 2, NAN, 9], nan_ok=True), "created, else first chosen"


def test_item_counts_without_any_are_zero(columns: CatalogueSnapshot) -> None:
    counts = ItemCounts.of(PopularityCounts(), columns, NOW)
    assert (counts.popularity.any(), counts.recent.any()) == (False, False)
    assert counts.age[1:].tolist() == pytest.approx([5, NAN, NAN, 9], nan_ok=True)
