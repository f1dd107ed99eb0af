"""From FAISS's scores and row numbers to named hits, best first.
Equal scores are ordered by id, also where k cuts through them, so that an answer outlives a rebuild."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import faiss
import numpy as np

from shelfwise.index.validation import Floats, Mask, Rows

Hit = tuple[str, float]  # id, inner product
Scan = Callable[[Floats, int], tuple[Floats, Rows]]  # queries, k -> (q, k) scores, (q, k) rows, -1 = none

# FAISS's stubs do not know the arguments that its Python wrappers take
Bitmap: Any = faiss.IDSelectorBitmap
Parameters: Any = faiss.SearchParameters

TIES = 2048  # how far a run of equal scores is followed


def top_hits(
    scan: Scan, names: Sequence[str] | Mapping[int, str], queries: Floats, k: int, size: int
) -> list[list[Hit]]:
    """The hits of each query: at most k of the `size` that `scan` can find."""
    scores, rows = top_rows(scan, queries, k, size)
    return [
        sort_hits([(names[row], score) for row, score in zip(found, values, strict=True) if row >= 0], k)
        for found, values in zip(rows.tolist(), scores.tolist(), strict=True)
    ]


def top_rows(scan: Scan, queries: Floats, k: int, size: int) -> tuple[Floats, Rows]:
    """The k best of the `size` that `scan` can find and all that equal the last of them, (q, m) each, best first."""
    if not size or not len(queries):
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    want = min(k + 1, size)  # one more than asked shows whether k cuts through a tie
    scores, rows = scan(queries, want)
    while want < min(size, TIES) and (scores[:, k - 1] == scores[:, -1]).any():
        want = min(2 * want, size)
        scores, rows = scan(queries, want)
    return scores, rows


def sort_hits(hits: list[Hit], k: int) -> list[Hit]:
    """The best k, equal scores by id."""
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]


def selector(live: Mask | None) -> dict[str, Any]:
    """The FAISS search parameter that passes over the rows that are not live; none where all are."""
    return {} if live is None else {"sel": Bitmap(np.packbits(live, bitorder="little"))}
