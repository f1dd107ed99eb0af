"""A second form of exact vectors, one byte a dimension: a quarter of the memory to scan for one query.

It names the rows that can be the nearest and by how much its scores may be wrong; exact vectors decide among them.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from shelfwise.index.top_hits import Parameters, selector
from shelfwise.index.validation import Floats, Mask, Rows

__all__ = ["CHUNK_ROWS", "Int8Prefilter"]

CHUNK_ROWS = 4_096  # rounded at a time
_MAX_CODE = 127  # of a signed byte
_FLOAT32_ERROR = 1e-5  # what float32 sums of a unit vector may be wrong by


class Int8Prefilter:
    """The rows of a flat FAISS index (n, dim), n > 0, rounded."""

    def __init__(self, main: Any) -> None:
        starts = range(0, main.ntotal, CHUNK_ROWS)
        largest = max(float(np.abs(_rows(main, start)).max()) for start in starts)
        self._scale = _MAX_CODE / (largest or 1.0)
        self._codes: Any = faiss.IndexScalarQuantizer(
            main.d, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        self._error = 0.0  # the longest difference between a row and what its bytes stand for
        self._longest = 0.0
        for start in starts:
            exact = _rows(main, start)
            rounded = np.rint(exact * self._scale)
            self._codes.add(rounded)
            self._error = max(self._error, _longest(exact - rounded / self._scale))
            self._longest = max(self._longest, _longest(exact))

    def search(self, query: Floats, k: int, live: Mask | None) -> tuple[Rows, float]:
        """Return the k best rows for a query (1, dim), and a score that no other live row reaches.

        By the inequality of Cauchy and Schwarz: with q, x and their rounded forms q', x',
        |q·x - q'·x'| <= |q - q'| |x| + |q'| |x - x'|.
        """
        scale = _MAX_CODE / (float(np.abs(query).max()) or 1.0)
        rounded = np.rint(query * scale)  # FAISS would cut the decimals off
        scores, rows = self._codes.search(rounded, k, params=Parameters(**selector(live)))
        error = _longest(query - rounded / scale) * self._longest + _longest(rounded) / scale * self._error
        return rows[0], float(scores[0, -1]) / (scale * self._scale) + error + _FLOAT32_ERROR


def _rows(main: Any, start: int) -> Floats:
    rows: Floats = main.reconstruct_n(start, min(CHUNK_ROWS, main.ntotal - start))
    return rows


def _longest(vectors: Floats) -> float:
    return float(np.linalg.norm(vectors, axis=1).max())
