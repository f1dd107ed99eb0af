"""The small segment that takes what changed since the main one was built: exact, in memory, on the CPU.
It does no locking; its owner does."""

from collections.abc import Iterable, Iterator

import faiss
import numpy as np

from shelfwise.index.id_filter import IdFilter, RowLookup
from shelfwise.index.top_hits import Hit, Parameters, selector, top_hits
from shelfwise.index.validation import Floats, Mask, Rows


class Delta:
    """Ids and vectors that can be added, removed and searched."""

    def __init__(self, dim: int) -> None:
        self._flat = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
        self._slots: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 0  # slots are never used twice
        self._numbered: tuple[RowLookup, Rows] | None = None  # the names and their slots, until one changes

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, item: object) -> bool:
        return item in self._slots

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def add(self, ids: list[str], vectors: Floats) -> None:
        """Takes ids that it does not hold; FAISS would keep a stale vector searchable beside a new one."""
        slots = range(self._next, self._next + len(ids))
        self._flat.add_with_ids(vectors, np.array(slots, dtype=np.int64))
        self._slots.update(zip(ids, slots, strict=True))
        self._names.update(zip(slots, ids, strict=True))
        self._next += len(ids)
        self._numbered = None

    def remove(self, ids: Iterable[str]) -> int:
        """Forgets those of `ids` that it holds, and returns how many they were."""
        slots = [self._slots.pop(item) for item in ids if item in self._slots]
        for slot in slots:
            del self._names[slot]
        if slots:
            self._flat.remove_ids(faiss.IDSelectorBatch(np.array(slots, dtype=np.int64)))
            self._numbered = None
        return len(slots)

    def search(self, queries: Floats, k: int, among: IdFilter | None = None) -> list[list[Hit]]:
        if among is None:
            return top_hits(self._flat.search, self._names, queries, k, len(self))
        allowed, size = self._passing(among)

        def scan(q: Floats, m: int) -> tuple[Floats, Rows]:
            scores, rows = self._flat.search(q, m, params=Parameters(**selector(allowed)))
            return scores, rows

        return top_hits(scan, self._names, queries, k, size)

    def vectors(self, ids: Iterable[str]) -> Floats:
        """The vectors of ids that it holds."""
        slots = np.array([self._slots[item] for item in ids], dtype=np.int64)
        found: Floats = self._flat.reconstruct_batch(slots)  # (len(ids), dim) float32
        return found

    def _passing(self, among: IdFilter) -> tuple[Mask, int]:
        """Which slots may be found, (next slot,) bool, and how many they are."""
        if self._numbered is None:
            slots = np.fromiter(self._slots.values(), dtype=np.int64, count=len(self._slots))
            self._numbered = RowLookup(list(self._slots)), slots
        names, slots = self._numbered
        passing = slots[names.passing(among)]
        allowed = np.zeros(self._next, dtype=np.bool_)
        allowed[passing] = True
        return allowed, len(passing)
