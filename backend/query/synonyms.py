"""Look up the shop's synonyms in a query: what else a word or several may be called.

Words are compared folded, without accents and by their stems, as the index compares them. The longest entry that fits
counts; synonyms of synonyms are not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shelfwise.query.tokenizer import all_of, normalize_query, phrase, tokens
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.text.normalize import strip_accents
from shelfwise.text.stemming import stem

__all__ = ["NO_SYNONYMS", "Synonyms"]


class Synonyms:
    """Made from rows (word, means, two_way); either side may be several words. Immutable.

    `vocabulary` holds the words of the entries, whether an item has them or not.
    """

    def __init__(self, rows: Iterable[tuple[str, str, bool]] = ()) -> None:
        self._matches: dict[tuple[str, ...], dict[str, None]] = {}
        words: set[str] = set()
        for word, means, two_way in rows:
            words.update(self._add(word, means))
            if two_way:
                words.update(self._add(means, word))
        self._max_words = max(map(len, self._matches), default=0)
        self._stems = frozenset(map(stem, words))
        self.vocabulary = Vocabulary(dict.fromkeys(words, 1.0))

    def knows(self, word: str) -> bool:
        """Return whether the word, or another form of it, is part of an entry."""
        return stem(word) in self._stems

    def find(self, words: Sequence[str]) -> tuple[int, Sequence[str]]:
        """Return how many of the first words the longest entry covers, and the expressions of what they also mean."""
        stems = [stem(strip_accents(word)) for word in words[: self._max_words]]
        for length in range(len(stems), 0, -1):
            matches = self._matches.get(tuple(stems[:length]))
            if matches:
                return length, list(matches)
        return 0, ()

    def _add(self, word: str, means: str) -> list[str]:
        """Add an entry and return its words; none where both sides are the same to the index."""
        words, meanings = _words(word), _words(means)
        key = tuple(map(stem, words))
        if not key or not meanings or key == tuple(map(stem, meanings)):
            return []
        self._matches.setdefault(key, {}).update(dict.fromkeys(_expressions(means)))
        return words


def _words(text: str) -> list[str]:
    return [strip_accents(word) for token in tokens(normalize_query(text)) for word in token.variants[0].split()]


def _expressions(text: str) -> list[str]:
    """Return phrases of the words; all ways to write one compound; every bigram of a run without spaces."""
    parsed = tokens(normalize_query(text))
    if any(token.bigrams for token in parsed):
        return [all_of([phrase(part) for token in parsed for part in token.bigrams or token.variants])]
    variants = parsed[0].variants if len(parsed) == 1 else [" ".join(token.variants[0] for token in parsed)]
    return [phrase(variant) for variant in variants]


NO_SYNONYMS = Synonyms()
