"""Popularity counts and ages by row of the catalogue, as ranking takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.timestamps import DAY

__all__ = ["ItemCounts"]


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """By row of the catalogue, (n_rows,) float32."""

    popularity: np.ndarray  # 0..1, over weeks
    recent: np.ndarray  # 0..1, over days
    age: np.ndarray  # days since the item was created, else first chosen; nan where neither is known

    @classmethod
    def of(cls, statistics: PopularityCounts, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """What was counted, by row of the catalogue, as of `now` (epoch seconds)."""
        popularity, recent, seen = (
            _by_row(values, columns) for values in (statistics.popularity, statistics.recent, statistics.first_seen)
        )
        born = np.where(np.isnan(columns.created), np.where(seen > 0, seen, np.nan), columns.created)
        return cls(popularity.astype(np.float32), recent.astype(np.float32), (now - born) / DAY)


def _by_row(values: Mapping[str, float], columns: CatalogueSnapshot) -> np.ndarray:
    """(size,) float64, 0 where there is no value."""
    table = np.zeros(columns.size)
    table[columns.rows(values)] = list(values.values())
    table[0] = 0.0  # nobody's, which an unknown id gives
    return table
