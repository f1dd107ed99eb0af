"""Full-text search over the items, a term at a time: which items match it, and how well by BM25.

A term is an expression of FTS5 that `understanding` made; no operator of a shopper's reaches it. BM25 over a query is
the sum over its terms, so that postings can be kept and combined in memory (`backend/lexical.py`).
"""

from __future__ import annotations

import numpy as np

from shelfwise.store.connection import Connections

__all__ = ["FullText"]

# Titles say what a thing is; attributes mostly what it also has. In the order of schema.FTS_COLUMNS.
_WEIGHTS = "6.0, 6.0, 4.0, 4.0, 3.0, 0.5, 1.0"
_POSTING = np.dtype([("pk", np.int64), ("bm25", np.float32)])


class FullText:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def changes(self) -> int:
        """A number that moves with every change of a searchable text."""
        return int(self._db.value("SELECT seq FROM text_changes"))

    def postings(self, match: str) -> tuple[np.ndarray, np.ndarray]:
        """pk (n,) int64, ascending, and BM25 (n,) float32, higher is better, of the live items that match."""
        cursor = self._db.connection().cursor()
        cursor.row_factory = None  # plain tuples: there may be thousands
        found = cursor.execute(
            f"SELECT rowid, -bm25(items_fts, {_WEIGHTS}) FROM items_fts WHERE items_fts MATCH ?", (match,)
        )
        # A row at a time: thousands of tuples at once would set off the garbage collector again and again.
        postings = np.fromiter(found, _POSTING)
        return postings["pk"].copy(), postings["bm25"].copy()
