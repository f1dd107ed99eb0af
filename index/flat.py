"""The exact kind: every vector as it came, every query compared with all of them.

Right up to about 50,000 items on a CPU.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import faiss

from shelfwise.index.base import VectorIndex
from shelfwise.index.int8_prefilter import Int8Prefilter
from shelfwise.index.validation import Floats, Mask, Rows

__all__ = ["FlatIndex"]

_CANDIDATES_PER_HIT = 2, 6  # so many rows are compared exactly; where the second does not do, all are
_MIN_ROWS_PER_CANDIDATE = 8  # from there on scanning bytes first saves time
_MIN_LIVE_SHARE = 0.5  # where fewer rows are live, FAISS's selector costs more than the rows it leaves out


class FlatIndex(VectorIndex):
    """Exact float32 vectors, 4 * dim bytes each, and dim more in memory from the first single query on."""

    kind = "flat"
    segment_type = faiss.IndexFlatIP

    @classmethod
    def make_segment(cls, vectors: Floats) -> Any:
        main = faiss.IndexFlatIP(vectors.shape[1])
        main.add(vectors)
        return main

    def _scan(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        if len(queries) == 1 and (live is None or live.mean() > _MIN_LIVE_SHARE):
            for n_candidates in (k * factor for factor in _CANDIDATES_PER_HIT):
                if n_candidates * _MIN_ROWS_PER_CANDIDATE > len(self._ids):
                    break
                rows, bound = self._prefilter.search(queries, n_candidates, live)
                scores, order = faiss.knn(queries, self._main.reconstruct_batch(rows), k, faiss.METRIC_INNER_PRODUCT)
                if scores[0, -1] > bound:
                    return scores, rows[order]
        return super()._scan(queries, k, live)

    @cached_property
    def _prefilter(self) -> Int8Prefilter:
        return Int8Prefilter(self._main)
