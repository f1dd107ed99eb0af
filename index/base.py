"""The one interface of the room: an immutable main segment, a small delta and tombstones, seen as one index.

A kind (flat, sq8, ivfsq8, gpu) only says how its main segment is made and scanned. Safe for many threads.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np
import numpy.typing as npt

from shelfwise.index.delta import Delta
from shelfwise.index.id_filter import NO_NUMBER, IdFilter, RowLookup
from shelfwise.index.persistence import IndexFiles, write
from shelfwise.index.top_hits import Hit, Parameters, Scan, selector, sort_hits, top_hits, top_rows
from shelfwise.index.validation import Floats, Mask, Rows, validate_pairs, validate_vectors

__all__ = ["MAX_EXACT_ROWS", "VectorIndex"]

MAX_EXACT_ROWS = 512  # as many vectors are gathered and compared in less time than a scan leaves out the others


class VectorIndex(ABC):
    """Ids (any text, unique) and L2-normalised float32 vectors, searched by inner product.

    The caller normalises. Make one with `shelfwise.index.build` or `load`.
    """

    kind: ClassVar[str]
    segment_type: ClassVar[type[Any]]  # of the main segment, as FAISS reads it back

    def __init__(self, main: Any, ids: list[str], dead: Mask | None = None) -> None:
        self._main = main  # FAISS index of (n_main, dim), row i belongs to _ids[i]; never changes
        self._ids = ids
        self._lookup = RowLookup(ids)
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
        """Build a FAISS index that holds `vectors`, (n, dim) float32, in order; n may be 0."""

    @property
    def dim(self) -> int:
        """Return the number of dimensions."""
        return int(self._main.d)

    @property
    def stored_kind(self) -> str:
        """Return the kind that `save` writes down."""
        return self.kind

    @property
    def settings(self) -> dict[str, int]:
        """Return what the kind chose when it was built."""
        return {}

    @property
    def delta_share(self) -> float:
        """Return the part of the live vectors that lies in the delta, 0 to 1."""
        with self._lock:
            return len(self._delta) / max(1, len(self._rows) + len(self._delta))

    @property
    def tombstone_share(self) -> float:
        """Return the part of the main segment that is dead, 0 to 1."""
        with self._lock:
            return self._n_dead / max(1, len(self._ids))

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows) + len(self._delta)

    def __contains__(self, item: object) -> bool:
        with self._lock:
            return item in self._rows or item in self._delta

    def ids(self) -> Iterator[str]:
        """Iterate over the live ids as they were at the call."""
        with self._lock:
            return iter([*self._rows, *self._delta])

    def search(self, queries: npt.ArrayLike, k: int, id_filter: IdFilter | None = None) -> list[list[Hit]]:
        """Return at most k live (id, inner product) for each of the (q, dim) queries, best first, equal scores by id.

        With `id_filter` the k nearest of the ids that pass, however far from the query, and not what is left of the
        nearest k of all. Raises ValueError on a wrong shape, a number that is not finite, or k < 1.
        """
        checked, scan, size, delta_hits = self._checked_query(queries, k, id_filter)
        main_hits = top_hits(scan, self._ids, checked, k, size)
        return [sort_hits(main + delta, k) for main, delta in zip(main_hits, delta_hits, strict=True)]

    def nearest_rows(
        self, query: Floats, k: int, numbers: Mapping[str, int], mask: Mask | None = None
    ) -> tuple[Rows, Floats]:
        """Return the caller's numbers of the at most k nearest ids, and their inner products, (m,) each.

        `search` for one query (dim,) without looking ids up: best first, equal scores by number, 0 for an id without
        one. `numbers` and `mask` are an IdFilter's; without a mask all ids pass. Raises as `search` does.
        """
        id_filter = None if mask is None else IdFilter(numbers, mask)
        checked, scan, size, (delta_hits,) = self._checked_query(query[None], k, id_filter)
        (scores,), (rows,) = top_rows(scan, checked, k, size)
        nearest = self._lookup.numbers(numbers)[rows[rows >= 0]]
        scores = scores[rows >= 0]
        if delta_hits:
            nearest = np.append(nearest, [numbers.get(item, NO_NUMBER) for item, _ in delta_hits])
            scores = np.append(scores, np.array([score for _, score in delta_hits], np.float32))
        order = np.lexsort((nearest, -scores))[:k]  # the last key is the first to sort by
        return nearest[order], scores[order]

    def upsert(self, ids: Sequence[str], vectors: npt.ArrayLike) -> None:
        """Add or replace vectors, (n, dim), searchable when the call returns.

        Raises ValueError and changes nothing on bad input.
        """
        checked_ids, checked_vectors = validate_pairs(ids, vectors, self.dim)
        with self._lock:
            self._remove(checked_ids)
            self._delta.add(checked_ids, checked_vectors)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove ids, and return how many of them were live; unknown ids are left out."""
        listed = list(ids)  # outside the lock: a generator may ask this index
        with self._lock:
            return self._remove(listed)

    def vectors(self, ids: Iterable[str]) -> tuple[list[str], Floats]:
        """Return the live ones of `ids`, in order, and their (m, dim) float32 vectors, decoded if quantised."""
        listed = list(ids)
        with self._lock:
            live = [item for item in listed if item in self._rows or item in self._delta]
            rows = np.array([self._rows.get(item, -1) for item in live], dtype=np.int64)  # -1: in the delta
            vectors = np.empty((len(live), self.dim), dtype=np.float32)
            if (rows < 0).any():
                vectors[rows < 0] = self._delta.vectors(
                    item for item, row in zip(live, rows.tolist(), strict=True) if row < 0
                )
        if (rows >= 0).any():
            vectors[rows >= 0] = self._main.reconstruct_batch(rows[rows >= 0])
        return live, vectors

    def save(self, folder: Path) -> None:
        """Write the index into `folder`, by plain writes. Raises OSError."""
        with self._lock:
            dead, delta_ids = self._dead, list(self._delta)
            delta = self._delta.vectors(delta_ids) if delta_ids else np.empty((0, self.dim), dtype=np.float32)
        write(folder, IndexFiles(self.stored_kind, self.settings, self._main, self._ids, dead, delta_ids, delta))

    def _checked_query(
        self, queries: npt.ArrayLike, k: int, id_filter: IdFilter | None
    ) -> tuple[Floats, Scan, int, list[list[Hit]]]:
        """Return the queries, (q, dim), how to scan the main segment, how many rows pass there, and delta hits."""
        checked = validate_vectors(queries, self.dim, "queries")
        if k < 1:
            raise ValueError(f"k: expected 1 or more, got {k}")
        passing = None if id_filter is None else self._lookup.passing(id_filter)  # (n_main,) bool
        with self._lock:  # one moment of delta and tombstones: a change is seen whole or not at all
            live, size = (~self._dead if self._n_dead else None), len(self._rows)
            delta_hits = self._delta.search(checked, k, id_filter)
        if passing is not None:
            live = passing if live is None else passing & live
            size = int(np.count_nonzero(live))
        scan = self._scan if passing is None or size > MAX_EXACT_ROWS else self._exact
        return checked, lambda queries, k: scan(queries, k, live), size, delta_hits

    def _remove(self, ids: list[str]) -> int:
        """Set tombstones in the main segment and remove from the delta. The caller holds the lock."""
        rows = [self._rows.pop(item) for item in ids if item in self._rows]
        if rows:
            self._dead = self._dead.copy()
            self._dead[rows] = True
            self._n_dead += len(rows)
        return len(rows) + self._delta.remove(ids)

    def _scan(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        """Return the best k live rows of the main segment (None: all are live); k is at most their number."""
        scores, rows = self._main.search(queries, k, params=Parameters(**selector(live)))
        return scores, rows  # (q, k) float32, (q, k) int64

    def _exact(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        """Return the best k of few live rows, exactly: each of them is read and compared."""
        rows = np.flatnonzero(np.ones(len(self._ids), dtype=np.bool_) if live is None else live)
        scores, order = faiss.knn(queries, self._main.reconstruct_batch(rows), k, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, rows[order]
