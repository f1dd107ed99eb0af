"""Posting lists with BM25 in memory, kept until a searchable text changes.

Shoppers use the same words over and over, so that nearly every term is found here. No SQL here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.caching import CachedBy
from shelfwise.store import Store

__all__ = ["LexicalMatches", "Postings", "PostingsCache"]

_MAX_ENTRIES = 3_000_000  # postings kept, 12 bytes each

Posting = tuple[np.ndarray, np.ndarray]  # pk (n,) int64 ascending, BM25 (n,) float32


@dataclass(frozen=True, slots=True)
class LexicalMatches:
    """How well each row of the catalogue matches the terms of one query."""

    bm25: np.ndarray  # (n_rows,) float32, the sum over the terms, 0 without a match
    coverage: np.ndarray  # (n_rows,) float32, the share of the terms that match, 0..1
    terms: int

    @property
    def all_words(self) -> np.ndarray:
        """Return which rows match every term, (n_rows,) bool."""
        return self.coverage > 1 - 0.5 / max(1, self.terms)

    @property
    def any_word(self) -> np.ndarray:
        """Return which rows match a term, (n_rows,) bool."""
        return self.coverage > 0


class Postings:
    """The postings of terms as of one state of the texts, read at first use. Safe for several threads."""

    def __init__(self, store: Store, changes: int) -> None:
        self.changes = changes  # the number of the last change of a searchable text
        self._store = store
        self._guard = threading.Lock()
        self._by_term: OrderedDict[str, Posting] = OrderedDict()  # the term used last comes last
        self._entries = 0

    def posting(self, term: str) -> Posting:
        """Return the items that match one term."""
        with self._guard:
            posting = self._by_term.get(term)
            if posting is not None:
                self._by_term.move_to_end(term)
                return posting
        posting = self._store.fulltext.postings(term)
        with self._guard:
            if term not in self._by_term:
                self._by_term[term] = posting
                self._entries += len(posting[0]) + 1
                while self._entries > _MAX_ENTRIES:
                    self._entries -= len(self._by_term.popitem(last=False)[1][0]) + 1
        return posting

    def count(self, terms: Sequence[str]) -> int:
        """Return how many items match all of the terms; 0 without any term."""
        common: np.ndarray | None = None
        for term in terms:
            rows = self.posting(term)[0]
            common = rows if common is None else np.intersect1d(common, rows, assume_unique=True)
            if not len(common):
                return 0
        return 0 if common is None else len(common)

    def match(self, terms: Sequence[str], size: int) -> LexicalMatches:
        """Return how well each row below `size` matches the terms."""
        bm25, coverage = np.zeros(size, np.float32), np.zeros(size, np.float32)
        for term in terms:
            rows, scores = self._capped_posting(term)
            if len(rows) and rows[-1] >= size:  # arrived since the catalogue was read
                rows, scores = rows[rows < size], scores[: int(np.searchsorted(rows, size))]
            bm25[rows] += scores
            coverage[rows] += 1 / len(terms)
        return LexicalMatches(bm25, coverage, len(terms))

    def _capped_posting(self, term: str) -> Posting:
        """Return the items that match a term; variants of a word score at most the word's own mean.

        BM25 scores a rare variant high: `mousepad` would outweigh `mouse` and `pad` together.
        """
        rows, scores = self.posting(term)
        word, _, variants = term.partition(" OR ")
        if not variants or word.count("(") != word.count(")"):  # synonyms, of which none is the word itself
            return rows, scores
        word_rows, word_scores = self.posting(word)
        if not len(word_scores):
            return rows, scores
        scores = np.minimum(scores, word_scores.mean())
        scores[np.searchsorted(rows, word_rows)] = word_scores
        return rows, scores


class PostingsCache:
    """The newest postings of one process. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store, self._newest = store, CachedBy[Postings]()

    def current(self) -> Postings:
        """Return the postings of the texts as they are now: one look-up when nothing changed."""
        changes = self._store.fulltext.changes()
        return self._newest.get(lambda: Postings(self._store, changes), changes)
