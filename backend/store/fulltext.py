"""Full-text search over the items, a term at a time: the items that match it, and their BM25.

A term is an FTS5 expression that `shelfwise.query` made; no operator of a shopper's reaches it. BM25 of a query is the
sum over its terms, so that postings can be kept and combined in memory (`shelfwise.catalogue.postings`).
"""

from __future__ import annotations

import numpy as np

from shelfwise.store.connection import Repository

__all__ = ["FullText"]

# BM25 weights in the order of schema.FTS_COLUMNS: a title says what an item is, attributes mostly what it also has.
_WEIGHTS = "6.0, 6.0, 4.0, 4.0, 3.0, 0.5, 1.0"
_POSTING = np.dtype([("pk", np.int64), ("bm25", np.float32)])


class FullText(Repository):
    """The FTS5 index of the live items; triggers keep it."""

    def changes(self) -> int:
        """Return a number that grows with every change of a searchable text."""
        return int(self._db.value("SELECT seq FROM text_changes"))

    def postings(self, match: str) -> tuple[np.ndarray, np.ndarray]:
        """Return pk (n,) int64, ascending, and BM25 (n,) float32, higher is better, of the live items that match."""
        rows = self._db.tuples(
            f"SELECT rowid, -bm25(items_fts, {_WEIGHTS}) FROM items_fts WHERE items_fts MATCH ?", (match,)
        )
        # A row at a time: thousands of tuples at once would set off the garbage collector again and again.
        postings = np.fromiter(rows, _POSTING)
        return postings["pk"].copy(), postings["bm25"].copy()
