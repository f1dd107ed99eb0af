"""The exact kind: every vector as it came, every query compared with all of them.
Right up to about 50,000 items on a CPU."""

from functools import cached_property
from typing import Any

import faiss

from shelfwise.index.base import VectorIndex
from shelfwise.index.int8_prefilter import Int8Prefilter
from shelfwise.index.validation import Floats, Mask, Rows

WIDTHS = 2, 6  # for one row wanted so many are looked at exactly; where the second does not do, all are
WORTH = 8  # rows for each one looked at exactly: from there on passing over bytes first saves time
MOST = 0.5  # of the rows live: where fewer are, FAISS's selector costs more than the rows it passes over


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
        if len(queries) == 1 and (live is None or live.mean() > MOST):
            for want in (k * width for width in WIDTHS if k * width * WORTH <= len(self._names)):
                rows, others = self._prefilter.search(queries, want, live)
                scores, places = faiss.knn(queries, self._main.reconstruct_batch(rows), k, faiss.METRIC_INNER_PRODUCT)
                if scores[0, -1] > others:
                    return scores, rows[places]
        return super()._scan(queries, k, live)

    @cached_property
    def _prefilter(self) -> Int8Prefilter:
        return Int8Prefilter(self._main)
