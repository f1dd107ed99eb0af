"""The one interface of the room: an immutable main segment, a small delta and tombstones, seen as one index.
A kind (flat, sq8, ivfsq8, gpu) only says how its main segment is made and scanned. Safe for many threads."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np
import numpy.typing as npt

from shelfwise.index.delta import Delta
from shelfwise.index.id_filter import NOBODY, IdFilter, RowLookup
from shelfwise.index.persistence import IndexFiles, write
from shelfwise.index.top_hits import Hit, Parameters, Scan, selector, sort_hits, top_hits, top_rows
from shelfwise.index.validation import Floats, Mask, Rows, matrix, pairs

FEW = 512  # as many vectors are gathered and compared in less time than a scan passes over the others


class VectorIndex(ABC):
    """Ids (any text, unique) and L2-normalised float32 vectors, searched by inner product.

    The caller normalises. Make one with `shelfwise.index.build` or `load`."""

    kind: ClassVar[str]
    segment_type: ClassVar[type[Any]]  # of the main segment, as FAISS reads it back

    def __init__(self, main: Any, ids: list[str], dead: Mask | None = None) -> None:
        self._main = main  # FAISS index of (n_main, dim), row i belongs to _names[i]; never changes
        self._names = ids
        self._numbered = RowLookup(ids)
        # replaced, never changed in place: a search may still read the old one
        self._dead: Mask = np.zeros(len(ids), dtype=np.bool_) if dead is None else dead  # (n_main,) bool
        self._n_dead = int(self._dead.sum())
        gone = self._dead.tolist()
        self._rows = {item: row for row, item in enumerate(ids) if not gone[row]}  # the live ones
        self._delta = Delta(main.d)
        self._lock = threading.Lock()  # over _dead, _n_dead, _rows and _delta

    @classmethod
    @abstractmethod
    def make_segment(cls, vectors: Floats) -> Any:
        """A FAISS index that holds `vectors`, (n, dim) float32, in order; n may be 0."""

    @property
    def dim(self) -> int:
        return int(self._main.d)

    @property
    def stored_kind(self) -> str:
        """The kind that `save` writes down."""
        return self.kind

    @property
    def settings(self) -> dict[str, int]:
        """What the kind chose when it was built."""
        return {}

    @property
    def delta_share(self) -> float:
        """The part of the live vectors that lies in the delta, 0 to 1."""
        with self._lock:
            return len(self._delta) / max(1, len(self._rows) + len(self._delta))

    @property
    def tombstone_share(self) -> float:
        """The part of the main segment that is dead, 0 to 1."""
        with self._lock:
            return self._n_dead / max(1, len(self._names))

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows) + len(self._delta)

    def __contains__(self, item: object) -> bool:
        with self._lock:
            return item in self._rows or item in self._delta

    def ids(self) -> Iterator[str]:
        """The live ids as they were at the call."""
        with self._lock:
            return iter([*self._rows, *self._delta])

    def search(self, queries: npt.ArrayLike, k: int, among: IdFilter | None = None) -> list[list[Hit]]:
        """For each of the (q, dim) queries at most k live (id, inner product), best first, equal scores by id.

        `among` says which ids may be found: k of them, however far from the query, and not what is left of the
        nearest k of all. Raises ValueError on a wrong shape, a number that is not finite, or k < 1."""
        find, checked, size, recent = self._checked_query(queries, k, among)
        older = top_hits(find, self._names, checked, k, size)
        return [sort_hits(a + b, k) for a, b in zip(older, recent, strict=True)]

    def nearest_rows(
        self, query: Floats, k: int, numbers: Mapping[str, int], mask: Mask | None = None
    ) -> tuple[Rows, Floats]:
        """`search` for one query (dim,), in the caller's numbers: those of the hits, and the inner products, (m,) each.

        Best first, equal scores by number; 0 for an id without one. `mask` and `numbers`: as of `Among`, None: all ids.
        Raises as `search` does."""
        among = None if mask is None else IdFilter(numbers, mask)
        find, checked, size, (recent,) = self._checked_query(query[None], k, among)
        (scores,), (rows,) = top_rows(find, checked, k, size)
        found = self._numbered.numbers(numbers)[rows[rows >= 0]]
        scores = scores[rows >= 0]
        if recent:
            found = np.append(found, [numbers.get(item, NOBODY) for item, _ in recent])
            scores = np.append(scores, np.array([score for _, score in recent], np.float32))
        order = np.lexsort((found, -scores))[:k]  # the last key is the first to sort by
        return found[order], scores[order]

    def upsert(self, ids: Sequence[str], vectors: npt.ArrayLike) -> None:
        """Adds or replaces; searchable when the call returns. Raises ValueError and changes nothing on bad input."""
        names, checked = pairs(ids, vectors, self.dim)
        with self._lock:
            self._forget(names)
            self._delta.add(names, checked)

    def delete(self, ids: Iterable[str]) -> int:
        """Removes, and returns how many of `ids` were live; unknown ids are passed over."""
        gone = list(ids)  # outside the lock: a generator may ask this index
        with self._lock:
            return self._forget(gone)

    def vectors(self, ids: Iterable[str]) -> tuple[list[str], Floats]:
        """Those of `ids` that are live, in order, and their (m, dim) float32 vectors; a quantised kind decodes them."""
        asked = list(ids)
        with self._lock:
            places = [(item, self._rows.get(item, -1)) for item in asked]  # -1: in the delta, if anywhere
            places = [(item, row) for item, row in places if row >= 0 or item in self._delta]
            rows = np.array([row for _, row in places], dtype=np.int64)
            found = np.empty((len(places), self.dim), dtype=np.float32)
            if (rows < 0).any():
                found[rows < 0] = self._delta.vectors(item for item, row in places if row < 0)
        if (rows >= 0).any():
            found[rows >= 0] = self._main.reconstruct_batch(rows[rows >= 0])
        return [item for item, _ in places], found

    def save(self, folder: Path) -> None:
        """Writes the index into `folder`, by plain writes. Raises OSError."""
        with self._lock:
            dead, names = self._dead, list(self._delta)
            delta = self._delta.vectors(names) if names else np.empty((0, self.dim), dtype=np.float32)
        write(folder, IndexFiles(self.stored_kind, self.settings, self._main, self._names, dead, names, delta))

    def _checked_query(
        self, queries: npt.ArrayLike, k: int, among: IdFilter | None
    ) -> tuple[Scan, Floats, int, list[list[Hit]]]:
        """How to scan the main segment, the queries checked, how many can be found there, and the hits of the delta."""
        checked = matrix(queries, self.dim, "queries")  # (q, dim) float32
        if k < 1:
            raise ValueError(f"k: {k} is less than 1")
        passing = None if among is None else self._numbered.passing(among)  # (n_main,) bool
        with self._lock:  # one moment of delta and tombstones: a change is seen whole or not at all
            live, size = (~self._dead if self._n_dead else None), len(self._rows)
            recent = self._delta.search(checked, k, among)
        if passing is not None:
            live = passing if live is None else passing & live
            size = int(np.count_nonzero(live))
        find = self._scan if passing is None or size > FEW else self._exact
        return lambda q, m: find(q, m, live), checked, size, recent

    def _forget(self, ids: list[str]) -> int:
        """Tombstones in the main segment, removal from the delta. The caller holds the lock."""
        rows = [self._rows.pop(item) for item in ids if item in self._rows]
        if rows:
            self._dead = self._dead.copy()
            self._dead[rows] = True
            self._n_dead += len(rows)
        return len(rows) + self._delta.remove(ids)

    def _scan(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        """The best k rows of the main segment that are live (None: all are); k is at most their number."""
        scores, rows = self._main.search(queries, k, params=Parameters(**selector(live)))
        return scores, rows  # (q, k) float32, (q, k) int64

    def _exact(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        """The same for few live rows, exactly: each of them is read and compared."""
        rows = np.flatnonzero(np.ones(len(self._names), dtype=np.bool_) if live is None else live)
        scores, places = faiss.knn(queries, self._main.reconstruct_batch(rows), k, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, rows[places]
