"""The small segment that takes what changed since the main one was built: exact, in memory, on the CPU.

It does no locking; its owner does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import faiss
import numpy as np

from shelfwise.index.id_filter import IdFilter, RowLookup
from shelfwise.index.top_hits import Hit, Parameters, selector, top_hits
from shelfwise.index.validation import Floats, Mask, Rows

__all__ = ["Delta"]


class Delta:
    """Ids and vectors that can be added, removed and searched."""

    def __init__(self, dim: int) -> None:
        self._flat = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
        self._slots: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._next = 0  # slots are never used twice
        self._lookup: tuple[RowLookup, Rows] | None = None  # the ids and their slots, until one changes

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, item: object) -> bool:
        return item in self._slots

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def add(self, ids: list[str], vectors: Floats) -> None:
        """Add ids that it does not hold yet; FAISS would keep a stale vector searchable beside a new one."""
        slots = range(self._next, self._next + len(ids))
        self._flat.add_with_ids(vectors, np.array(slots, dtype=np.int64))
        self._slots.update(zip(ids, slots, strict=True))
        self._ids.update(zip(slots, ids, strict=True))
        self._next += len(ids)
        self._lookup = None

    def remove(self, ids: Iterable[str]) -> int:
        """Remove those of `ids` that it holds, and return how many they were."""
        slots = [self._slots.pop(item) for item in ids if item in self._slots]
        for slot in slots:
            del self._ids[slot]
        if slots:
            self._flat.remove_ids(faiss.IDSelectorBatch(np.array(slots, dtype=np.int64)))
            self._lookup = None
        return len(slots)

    def search(self, queries: Floats, k: int, id_filter: IdFilter | None = None) -> list[list[Hit]]:
        """Return the best k hits of each of the (q, dim) queries, among the ids that pass the filter."""
        if id_filter is None:
            return top_hits(self._flat.search, self._ids, queries, k, len(self))
        allowed, size = self._passing(id_filter)

        def scan(queries: Floats, k: int) -> tuple[Floats, Rows]:
            scores, rows = self._flat.search(queries, k, params=Parameters(**selector(allowed)))
            return scores, rows

        return top_hits(scan, self._ids, queries, k, size)

    def vectors(self, ids: Iterable[str]) -> Floats:
        """Return the vectors of ids that it holds, (n_ids, dim) float32. Raises KeyError for any other."""
        slots = np.array([self._slots[item] for item in ids], dtype=np.int64)
        vectors: Floats = self._flat.reconstruct_batch(slots)
        return vectors

    def _passing(self, id_filter: IdFilter) -> tuple[Mask, int]:
        """Return which slots pass the filter, (next slot,) bool, and how many they are."""
        if self._lookup is None:
            slots = np.fromiter(self._slots.values(), dtype=np.int64, count=len(self._slots))
            self._lookup = RowLookup(list(self._slots)), slots
        lookup, slots = self._lookup
        passing = slots[lookup.passing(id_filter)]
        allowed = np.zeros(self._next, dtype=np.bool_)
        allowed[passing] = True
        return allowed, len(passing)
