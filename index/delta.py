"""The small segment that takes what changed since the main one was built: exact, in memory, on the CPU.
It does no locking; its owner does."""

from collections.abc import Iterable, Iterator

import faiss
import numpy as np

from shelfwise.index.checks import Floats
from shelfwise.index.hits import Hit, best


class Delta:
    """Ids and vectors that can be added, removed and searched."""

    def __init__(self, dim: int) -> None:
        self._flat = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
        self._slots: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 0  # slots are never used twice

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

    def remove(self, ids: Iterable[str]) -> int:
        """Forgets those of `ids` that it holds, and returns how many they were."""
        slots = [self._slots.pop(item) for item in ids if item in self._slots]
        for slot in slots:
            del self._names[slot]
        if slots:
            self._flat.remove_ids(faiss.IDSelectorBatch(np.array(slots, dtype=np.int64)))
        return len(slots)

    def search(self, queries: Floats, k: int) -> list[list[Hit]]:
        return best(self._flat.search, self._names, queries, k, len(self))

    def vectors(self, ids: Iterable[str]) -> Floats:
        """The vectors of ids that it holds."""
        slots = np.array([self._slots[item] for item in ids], dtype=np.int64)
        found: Floats = self._flat.reconstruct_batch(slots)  # (len(ids), dim) float32
        return found
