"""Hold what shoppers chose, basket by basket, as arrays, for item links, signals and ranking examples.

A shopper is the user, else the session; a basket what they chose in one session, or on one day where none is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from shelfwise.events import decay_all
from shelfwise.store import Event
from shelfwise.timestamps import DAY

__all__ = ["MAX_BASKET_ITEMS", "BasketMatrix"]

MAX_BASKET_ITEMS = 200  # a wholesaler's thousand would tie everything to everything


@dataclass(frozen=True, eq=False)
class BasketMatrix:
    """The baskets in the order of shopper, then of time; `items` (n_baskets, n_items) is 1 where a basket has one."""

    shopper: np.ndarray  # (n_baskets,) int64, ascending
    ts: np.ndarray  # (n_baskets,) float64 in epoch seconds, of the basket's first event
    items: sparse.csr_matrix  # (n_baskets, n_items) float32
    names: Sequence[str]  # of the shoppers

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def from_events(cls, events: Iterable[Event], rows: Mapping[str, int], types: Sequence[str]) -> BasketMatrix:
        """Make the baskets of the shoppers with a name, of events of these types; `rows` maps item ids to columns."""
        shoppers: dict[str, int] = {}
        baskets: dict[tuple[int, object], int] = {}
        starts: list[float] = []
        cells: list[tuple[int, int]] = []
        for event in events:
            name, row = event.shopper, rows.get(event.item)
            if row is None or not name or event.type not in types:
                continue
            shopper = shoppers.setdefault(name, len(shoppers))
            basket = baskets.setdefault((shopper, event.visit), len(baskets))
            if basket == len(starts):
                starts.append(event.ts)
            cells.append((basket, row))
        table = np.array(cells, np.int64).reshape(len(cells), 2)
        owner = np.array([shopper for shopper, _ in baskets], np.int64)
        ts = np.array(starts, np.float64)
        order = np.lexsort((ts, owner))
        position = np.empty(len(order), np.int64)
        position[order] = np.arange(len(order))
        items = _ones(position[table[:, 0]], table[:, 1], (len(order), len(rows)))
        return cls(owner[order], ts[order], items, list(shoppers))

    def part(self, kept: np.ndarray) -> BasketMatrix:
        """Return the baskets where `kept` (n_baskets,) is True."""
        return BasketMatrix(self.shopper[kept], self.ts[kept], self.items[kept], self.names)

    def limited(self) -> BasketMatrix:
        """Return the baskets of at most 200 items; larger ones mean nothing."""
        return self.part(self.sizes <= MAX_BASKET_ITEMS)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Return the number of items in each basket, (n_baskets,)."""
        return np.diff(self.items.indptr)

    def histories(self, now: float, half_life_days: float | None = None) -> sparse.csr_matrix:
        """Sum each shopper's baskets, decayed by age at `now` where a half-life is given, (n_shoppers, n_items)."""
        weights = self.weights(now, half_life_days)
        summing = sparse.csr_matrix(
            (weights, (self.shopper, np.arange(len(self)))), shape=(len(self.names), len(self)), dtype=np.float32
        )
        return (summing @ self.items).tocsr()

    def weights(self, now: float, half_life_days: float | None = None) -> np.ndarray:
        """Return the weight of each basket at `now` (epoch seconds), (n_baskets,) float32; 1 without a half-life."""
        if half_life_days is None:
            return np.ones(len(self), np.float32)
        return decay_all((now - self.ts) / DAY, half_life_days).astype(np.float32)

    def shoppers_within(self, start: float, end: float) -> np.ndarray:
        """Count the shoppers who chose each item with start ≤ ts < end, (n_items,)."""
        part = self.part((self.ts >= start) & (self.ts < end))
        return np.bincount(part.histories(0.0).indices, minlength=self.items.shape[1])


def _ones(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
