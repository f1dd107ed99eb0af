"""Popularity counts and ages by row of the catalogue, as ranking takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.timestamps import DAY

__all__ = ["MAX_COUNTS_AGE_SECONDS", "ItemCounts"]

MAX_COUNTS_AGE_SECONDS = 3600.0  # how long counts are kept: an item's age is counted in days


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """Popularity and age by row of the catalogue, (n_rows,) float32."""

    popularity: np.ndarray  # 0..1, over weeks
    recent: np.ndarray  # 0..1, over days
    age: np.ndarray  # days since the item was created, else first chosen; nan where neither is known

    @classmethod
    def of(cls, statistics: PopularityCounts, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """Lay the counts out by row of the catalogue, with ages as of `now` (epoch seconds)."""
        popularity, recent = _by_row(statistics.popularity, columns), _by_row(statistics.recent, columns)
        first_seen = _by_row(statistics.first_seen, columns)
        since = np.where(np.isnan(columns.created), np.where(first_seen > 0, first_seen, np.nan), columns.created)
        return cls(popularity.astype(np.float32), recent.astype(np.float32), (now - since) / DAY)


def _by_row(values: Mapping[str, float], columns: CatalogueSnapshot) -> np.ndarray:
    """Return the values by row, (columns.size,) float64, 0 where there is none."""
    by_row = np.zeros(columns.size)
    by_row[columns.rows(values)] = list(values.values())
    by_row[0] = 0.0  # the row of ids that the catalogue lacks
    return by_row
