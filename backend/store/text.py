"""Full-text search over the items. A shopper's query is ordinary text: no operator of FTS5 reaches it."""

from __future__ import annotations

from shelfwise.store.connection import Connections
from shelfwise.words import words

__all__ = ["FullText"]

# Titles say what a thing is; attributes mostly what it also has. In the order of schema.FTS_COLUMNS.
_WEIGHTS = "3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0"
_MAX_WORDS = 32


class FullText:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def search(self, query: str, limit: int) -> tuple[list[tuple[str, float]], int]:
        """(id, BM25 score, higher is better) of items with any word of the query, and how many match in all.

        The last word also matches as a beginning (`lant` finds lantern) when no item holds it as a whole word.
        """
        terms = [f'"{word}"' for word in words(query)[:_MAX_WORDS]]
        if not terms:
            return [], 0
        if len(terms[-1]) >= 4 and not self._any(terms[-1]):  # two letters and the quotes
            terms[-1] += "*"
        match = " OR ".join(dict.fromkeys(terms))
        rows = self._db.rows(
            f"""SELECT items.id, -found.score FROM
                (SELECT rowid, bm25(items_fts, {_WEIGHTS}) AS score FROM items_fts WHERE items_fts MATCH ?
                 ORDER BY score, rowid LIMIT ?) AS found JOIN items ON items.pk = found.rowid""",
            (match, limit),
        )
        total = len(rows)
        if total == limit:
            total = int(self._db.value("SELECT count(*) FROM items_fts WHERE items_fts MATCH ?", (match,)))
        return [(row[0], row[1]) for row in rows], total

    def _any(self, term: str) -> bool:
        return self._db.value("SELECT 1 FROM items_fts WHERE items_fts MATCH ? LIMIT 1", (term,)) is not None
