"""The popularity that answers go by: the generation's, or the newest events' until a night has counted any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from shelfwise.caching import CachedBy
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.popularity import PopularityCounts, decayed_popularity
from shelfwise.store import Store

__all__ = ["CountedGeneration", "CurrentCounts"]

_MAX_EVENTS = 20_000  # the newest ones, that popularity is counted from before the first night
_MAX_AGE_SECONDS = 60.0


class CountedGeneration(Protocol):
    """A generation as far as it counted items."""

    @property
    def statistics(self) -> PopularityCounts: ...

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts: ...


class CurrentCounts:
    """Decides which popularity counts apply. Safe for several threads; `now` returns epoch seconds."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store, self._now = store, now
        self._newest = CachedBy[PopularityCounts](_MAX_AGE_SECONDS)
        self._newest_by_row = CachedBy[ItemCounts]()

    def statistics(self, generation: CountedGeneration) -> PopularityCounts:
        """Return the counts by item id: the generation's where it has any, or where there are no events either."""
        if generation.statistics.popularity:
            return generation.statistics
        now = self._now()
        newest = self._newest.get(lambda: self._count_newest(now), now=now)
        return newest if newest.popularity else generation.statistics

    def by_row(self, generation: CountedGeneration, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """Return the same counts by row of the catalogue, with ages as of `now` (epoch seconds)."""
        statistics = self.statistics(generation)
        if statistics is generation.statistics:
            return generation.counts(columns, now)
        return self._newest_by_row.get(lambda: ItemCounts.of(statistics, columns, now), statistics, columns)

    def _count_newest(self, now: float) -> PopularityCounts:
        return PopularityCounts(decayed_popularity(self._store.events.newest(now, _MAX_EVENTS), now))
