"""Which popularity counts apply: the generation's, or the newest events' until a night has counted any."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.store import Store
from shelfwise.validation import parse_event
from support.fake_generation import WordEncoder, fake_generation
from support.stores import store_fixture

NOW = 1_320_000_000.0
COUNTED = PopularityCounts({"mug": 1.0})


store = store_fixture([{"id": "mug", "title": "mug"}, {"id": "pot", "title": "pot"}])


def generation(statistics: PopularityCounts) -> Any:
    return fake_generation(WordEncoder("mug pot"), {}, statistics=statistics)


def buy(store: Store, item: str, ts: float = NOW) -> None:
    store.events.add([parse_event({"type": "purchase", "item": item, "event_id": f"{item} {ts}"}, ts)])


@pytest.mark.parametrize(
    ("statistics", "bought", "popular"),
    [(COUNTED, ["pot"], "mug"), (PopularityCounts(), ["pot"], "pot"), (COUNTED, [], "mug")],
)
def test_statistics_are_the_newest_events_only_where_no_night_counted_any(
    store: Store, statistics: PopularityCounts, bought: list[str], popular: str
) -> None:
    for item in bought:
        buy(store, item)
    counts, columns = CurrentCounts(store, lambda: NOW), CatalogueCache(store).current()
    assert set(counts.statistics(generation(statistics)).popularity) == {popular}
    by_row = counts.by_row(generation(statistics), columns, NOW)
    assert int(by_row.popularity.argmax()) == columns.row_of[popular]


def test_statistics_without_events_are_the_generation_s(store: Store) -> None:
    """An early generation may know when items were first chosen, though it counted no popularity."""
    nothing = PopularityCounts(first_seen={"mug": NOW})
    assert CurrentCounts(store, lambda: NOW).statistics(generation(nothing)) is nothing


def test_newest_events_are_counted_once_a_minute(store: Store) -> None:
    times = iter([NOW, NOW + 59, NOW + 60])
    counts = CurrentCounts(store, lambda: next(times))
    buy(store, "mug")
    assert set(counts.statistics(generation(PopularityCounts())).popularity) == {"mug"}
    buy(store, "pot", NOW + 1)
    assert set(counts.statistics(generation(PopularityCounts())).popularity) == {"mug"}
    assert set(counts.statistics(generation(PopularityCounts())).popularity) == {"mug", "pot"}


def test_counts_by_row_are_kept_while_nothing_changes(store: Store) -> None:
    buy(store, "mug")
    counts, empty, catalogue = CurrentCounts(store, lambda: NOW), generation(PopularityCounts()), CatalogueCache(store)
    first = counts.by_row(empty, catalogue.current(), NOW)
    assert counts.by_row(empty, catalogue.current(), NOW + 9) is first
    store.items.delete(["pot"])
    assert counts.by_row(empty, catalogue.current(), NOW) is not first
