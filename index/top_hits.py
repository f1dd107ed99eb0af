"""Hits by id, best first, from FAISS's scores and row numbers.

Equal scores are ordered by id, also where k cuts through them, so that an answer outlives a rebuild.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import faiss
import numpy as np

from shelfwise.index.validation import Floats, Mask, Rows

__all__ = ["Hit", "Parameters", "Scan", "selector", "sort_hits", "top_hits", "top_rows"]

Hit = tuple[str, float]  # id, inner product
Scan = Callable[[Floats, int], tuple[Floats, Rows]]  # queries, k -> (q, k) scores, (q, k) rows, -1 = none

# FAISS's stubs do not know the arguments that its Python wrappers take
Bitmap: Any = faiss.IDSelectorBitmap
Parameters: Any = faiss.SearchParameters

_MAX_TIE_ROWS = 2_048  # how far a run of equal scores is followed


def top_hits(scan: Scan, ids: Sequence[str] | Mapping[int, str], queries: Floats, k: int, size: int) -> list[list[Hit]]:
    """Return the best k hits of each query, equal scores by id.

    Args:
        scan: Searches for (q, dim) queries and a k of at most `size`.
        ids: The id of each row.
        queries: (q, dim) float32.
        k: Hits wanted a query, at least 1.
        size: Rows that `scan` can find.
    """
    scores, rows = top_rows(scan, queries, k, size)
    return [
        sort_hits([(ids[row], score) for row, score in zip(query_rows, query_scores, strict=True) if row >= 0], k)
        for query_rows, query_scores in zip(rows.tolist(), scores.tolist(), strict=True)
    ]


def top_rows(scan: Scan, queries: Floats, k: int, size: int) -> tuple[Floats, Rows]:
    """Return scores and rows of the k best of `size` rows and of all that equal the last, (q, m) each, best first."""
    if not size or not len(queries):
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    limit = min(k + 1, size)  # one more than k shows whether k cuts through a tie
    scores, rows = scan(queries, limit)
    while limit < min(size, _MAX_TIE_ROWS) and (scores[:, k - 1] == scores[:, -1]).any():
        limit = min(2 * limit, size)
        scores, rows = scan(queries, limit)
    return scores, rows


def sort_hits(hits: list[Hit], k: int) -> list[Hit]:
    """Return the best k hits, equal scores by id."""
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]


def selector(live: Mask | None) -> dict[str, Any]:
    """Return FAISS's search parameter that leaves out the rows that are not live; none where all are (None)."""
    return {} if live is None else {"sel": Bitmap(np.packbits(live, bitorder="little"))}
