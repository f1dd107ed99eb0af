"""The lexical side of a search in memory: the postings of terms, kept until a searchable text changes.

Shoppers use the same words over and over, so nearly every term is found here. No SQL here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.store import Store

__all__ = ["LexicalMatches", "PostingsCache"]

_MOST_ENTRIES = 3_000_000  # postings kept, 12 bytes each

Posting = tuple[np.ndarray, np.ndarray]  # pk (n,) int64 ascending, BM25 (n,) float32


@dataclass(frozen=True, slots=True)
class LexicalMatches:
    """What matches the terms of one query, by row = pk."""

    bm25: np.ndarray  # (n_rows,) float32, the sum over the terms, 0 where none matches
    coverage: np.ndarray  # (n_rows,) float32, the share of the terms that match, 0..1
    terms: int

    @property
    def all_words(self) -> np.ndarray:
        """Rows that match every term, (n_rows,) bool."""
        return self.coverage > 1 - 0.5 / max(1, self.terms)

    @property
    def any_word(self) -> np.ndarray:
        return self.coverage > 0


class PostingsCache:
    """The postings of one process. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._kept: OrderedDict[str, Posting] = OrderedDict()
        self._entries = 0
        self._changes = -1

    @property
    def changes(self) -> int:
        """The number of the last change that is known here."""
        return self._changes

    def refresh(self) -> None:
        """Forget what a change of the texts made wrong; one look-up when nothing changed."""
        changes = self._store.fulltext.changes()
        if changes != self._changes:
            with self._guard:
                self._kept.clear()
                self._entries, self._changes = 0, changes

    def posting(self, match: str) -> Posting:
        """The items that match one term."""
        with self._guard:
            found = self._kept.get(match)
            if found is not None:
                self._kept.move_to_end(match)
                return found
            changes = self._changes
        found = self._store.fulltext.postings(match)
        with self._guard:
            if self._changes == changes and match not in self._kept:
                self._kept[match] = found
                self._entries += len(found[0]) + 1
                while self._entries > _MOST_ENTRIES:
                    self._entries -= len(self._kept.popitem(last=False)[1][0]) + 1
        return found

    def count(self, matches: Sequence[str]) -> int:
        """How many items match all of the terms."""
        rows: np.ndarray | None = None
        for match in matches:
            found = self.posting(match)[0]
            rows = found if rows is None else np.intersect1d(rows, found, assume_unique=True)
            if not len(rows):
                return 0
        return 0 if rows is None else len(rows)

    def match(self, terms: Sequence[str], rows: int) -> LexicalMatches:
        """How well each row below `rows` matches the terms."""
        bm25, coverage = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
        for term in terms:
            found, scores = self._weighed(term)
            if len(found) and found[-1] >= rows:  # arrived since the columns were read
                found, scores = found[found < rows], scores[: int(np.searchsorted(found, rows))]
            bm25[found] += scores
            coverage[found] += 1 / len(terms)
        return LexicalMatches(bm25, coverage, len(terms))

    def _weighed(self, term: str) -> Posting:
        """The items that match a term; another writing of a word says no more than the word itself usually does.

        BM25 takes a rare writing for telling: `mousepad` would outweigh `mouse` and `pad` together.
        """
        found, scores = self.posting(term)
        main, _, others = term.partition(" OR ")
        if not others or main.count("(") != main.count(")"):  # several words that stand for one another
            return found, scores
        as_asked, usual = self.posting(main)
        if not len(usual):
            return found, scores
        scores = np.minimum(scores, usual.mean())
        scores[np.searchsorted(found, as_asked)] = usual
        return found, scores
