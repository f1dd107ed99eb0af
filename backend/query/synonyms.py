"""Synonyms of a shop, ready to be looked up in a query: what else a word or words may be called.

Words are compared folded, without accents and in the singular. The longest entry that fits counts; synonyms of
synonyms are not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shelfwise.query.tokenizer import all_of, normalize_query, phrase, tokens
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.text.normalize import strip_accents

__all__ = ["NO_SYNONYMS", "Synonyms"]


class Synonyms:
    """Made from rows (word, means, two_way); either side may be several words. Immutable.

    `vocabulary` holds the words that have a meaning, whether an item has them or not.
    """

    def __init__(self, rows: Iterable[tuple[str, str, bool]] = ()) -> None:
        self._matches: dict[tuple[str, ...], dict[str, None]] = {}
        self._words: set[str] = set()
        for word, means, two_way in rows:
            self._add(word, means)
            if two_way:
                self._add(means, word)
        self._longest = max(map(len, self._matches), default=0)
        self.vocabulary = Vocabulary(dict.fromkeys(self._words, 1.0))

    def knows(self, word: str) -> bool:
        """Whether the word is part of an entry, as written there or in the singular."""
        return word in self._words

    def find(self, words: Sequence[str]) -> tuple[int, Sequence[str]]:
        """How many of the first words the longest entry covers, and the expressions of what they also mean."""
        keys = [_singular(strip_accents(word)) for word in words[: self._longest]]
        for length in range(len(keys), 0, -1):
            matches = self._matches.get(tuple(keys[:length]))
            if matches:
                return length, list(matches)
        return 0, ()

    def _add(self, word: str, means: str) -> None:
        spelt, meant = _words(word), _words(means)
        key = tuple(map(_singular, spelt))
        if key and meant and key != tuple(map(_singular, meant)):
            self._words.update(spelt, key)
            self._matches.setdefault(key, {}).update(dict.fromkeys(_expressions(means)))


def _words(text: str) -> list[str]:
    return [strip_accents(word) for token in tokens(normalize_query(text)) for word in token.variants[0].split()]


def _expressions(text: str) -> list[str]:
    """The words next to each other; one compound in all its ways; every pair of a run without spaces."""
    found = tokens(normalize_query(text))
    if any(token.bigrams for token in found):
        return [all_of([phrase(pair) for token in found for pair in token.bigrams or token.variants])]
    return [
        phrase(way)
        for way in (found[0].variants if len(found) == 1 else [" ".join(token.variants[0] for token in found)])
    ]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


NO_SYNONYMS = Synonyms()
