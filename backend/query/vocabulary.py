"""Keep the words of a shop and their use: look up words near another one, and words run together.

Built from the catalogue's texts and from queries that led to clicks; immutable, so that it can be replaced while it is
read.
"""

from __future__ import annotations

import bisect
import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from shelfwise.text.normalize import COMPOUND, UNSPACED, join_compound, normalize_punctuation, strip_accents

__all__ = ["MAX_WORD_CHARS", "NO_WORDS", "Neighbour", "Vocabulary", "build_vocabulary"]

MAX_WORD_CHARS = 40  # of a word that is corrected, completed or taken apart
_MAX_NEIGHBOURS = 8
_NAME_WEIGHT = 3.0  # of a word in a title, brand, category or tag, beside 1 in a description
_MIN_DOMINANCE = 100.0  # how much more often a word is used than the one mistyped for it
# Costs; 1 is an edit in a word of six letters.
_EDIT_COST = 6.0  # over the letters of the word
_RARE_COST = 1.2  # of the rarest word; the most common one costs nothing
_FIRST_LETTER_COST = 0.2  # it is mistyped less often
_WORD = re.compile(r"\w+")
_SPELT_WORD = re.compile(r"[^\W\d]{3,}")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word near another: the edits between them, and the cost of taking one for the other."""

    word: str
    edits: int
    cost: float


class Vocabulary:
    """The words of a shop, lower-cased and without accents. Immutable, safe for several threads.

    `weights`: the use of each word; words with digits are known, but never offered as a correction. `language_words`
    are not taken for typing mistakes even where the shop lacks them.
    """

    def __init__(self, weights: Mapping[str, float] | None = None, language_words: Iterable[str] = ()) -> None:
        self._weights = dict(weights or {})
        self._language_words = frozenset(language_words)
        spelt = [word for word in self._weights if 2 < len(word) <= MAX_WORD_CHARS and word.isalpha()]
        self._words_by_length = sorted(spelt, key=len)
        self._sorted_words = sorted(spelt)
        lengths = np.array([len(word) for word in self._words_by_length], np.int64)
        self._starts = np.searchsorted(lengths, np.arange(MAX_WORD_CHARS + 2))  # where the words of each length begin
        self._letters = np.array(
            [_letters(word) for word in self._words_by_length], np.uint64
        )  # (n_words,) sets of letters as bits
        self._top = math.log1p(max(self._weights.values(), default=0.0)) or 1.0

    def __len__(self) -> int:
        return len(self._weights)

    def __contains__(self, word: str) -> bool:
        return word in self._weights

    def weight(self, word: str) -> float:
        """Return how much the word is used; 0 for an unknown word."""
        return self._weights.get(word, 0.0)

    def is_language_word(self, word: str) -> bool:
        """Return whether it is a word of the language."""
        return word in self._language_words

    def cost(self, word: str) -> float:
        """Return the cost of reading a word as this one: 0 for the word used most, more for a rarer one."""
        return _RARE_COST * (1 - math.log1p(self.weight(word)) / self._top)

    def completion(self, prefix: str) -> str | None:
        """Return the most used of the longer words that begin with `prefix`, or None."""
        first = bisect.bisect_right(self._sorted_words, prefix)
        last = bisect.bisect_left(self._sorted_words, prefix + "\U0010ffff", first)
        return max(self._sorted_words[first:last], key=self._weights.__getitem__, default=None)

    def neighbours(self, word: str, edits: int) -> list[Neighbour]:
        """Return the likeliest words within so many edits (a transposition is one), cheapest first, 8 at most."""
        if edits < 1 or len(word) > MAX_WORD_CHARS:
            return []
        first, last = self._starts[max(0, len(word) - edits)], self._starts[min(MAX_WORD_CHARS, len(word) + edits) + 1]
        # An edit puts at most one letter into the set of a word and takes one out.
        differing = np.bitwise_count(self._letters[first:last] ^ np.uint64(_letters(word)))
        choices = [self._words_by_length[first + position] for position in np.flatnonzero(differing <= 2 * edits)]
        matches = process.extract(word, choices, scorer=OSA.distance, score_cutoff=edits, limit=None)
        return heapq.nsmallest(
            _MAX_NEIGHBOURS,
            (self._near(word, other, edits) for other, edits, _ in matches if edits),
            key=lambda near: (near.cost, near.word),
        )

    def dominant_neighbour(self, word: str) -> str | None:
        """Return the word that a rare one may be mistyped for: one edit away and used a hundred times as often."""
        if not 2 < len(word) <= MAX_WORD_CHARS:
            return None
        neighbour = max(self.neighbours(word, 1), key=lambda near: self.weight(near.word), default=None)
        min_weight = _MIN_DOMINANCE * max(1.0, self.weight(word))
        return neighbour.word if neighbour and self.weight(neighbour.word) >= min_weight else None

    def splits(self, word: str, min_chars: int) -> list[tuple[str, str]]:
        """Return the pairs of known words, each of at least `min_chars`, that make this word when run together."""
        if len(word) > MAX_WORD_CHARS:
            return []
        cuts = range(min_chars, len(word) - min_chars + 1)
        halves = ((word[:cut], word[cut:]) for cut in cuts)
        return [pair for pair in halves if pair[0] in self._weights and pair[1] in self._weights]

    def _near(self, word: str, other: str, edits: float) -> Neighbour:
        cost = _EDIT_COST * edits / len(word) + self.cost(other) + (_FIRST_LETTER_COST if word[0] != other[0] else 0.0)
        return Neighbour(other, int(edits), cost)


def build_vocabulary(
    texts: Iterable[tuple[str, str]],
    queries: Iterable[tuple[str, float]] = (),
    language_words: Iterable[str] = (),
) -> Vocabulary:
    """Return the vocabulary of item texts, (names, description) each, and of queries with their weights.

    A word weighs by the number of items that hold it. A word of queries alone is known unless it is near a word of the
    items that is used as often: then it was mistyped.
    """
    weights = _item_weights(texts)
    query_weights: dict[str, float] = {}
    for query, weight in queries:
        for word in _name_words(query):
            query_weights[word] = query_weights.get(word, 0.0) + weight
    items = Vocabulary(weights) if query_weights.keys() - weights.keys() else None
    for word, weight in query_weights.items():
        if word in weights or items is None or not _is_mistyped(word, weight, items):
            weights[word] = weights.get(word, 0.0) + weight
    spaced = {word: weight for word, weight in weights.items() if not UNSPACED.search(word)}
    return Vocabulary(spaced, language_words)


def _item_weights(texts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Return the number of items with each word; one with the word in its names counts three times."""
    named, described = Counter[str](), Counter[str]()
    for names, description in texts:
        named.update(_name_words(names))
        described.update(set(_SPELT_WORD.findall(strip_accents(normalize_punctuation(description)))))
    return {word: _NAME_WEIGHT * named[word] + described[word] for word in named.keys() | described.keys()}


def _is_mistyped(word: str, weight: float, items: Vocabulary) -> bool:
    return word.isalpha() and any(items.weight(near.word) >= weight for near in items.neighbours(word, 1))


def _name_words(text: str) -> set[str]:
    """Return the words of a name, and its compounds as one word."""
    folded = strip_accents(normalize_punctuation(text))
    return {*_WORD.findall(folded), *map(join_compound, COMPOUND.findall(folded))}


def _letters(word: str) -> int:
    """Return the set of a word's letters as bits; some letters share a bit."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


NO_WORDS = Vocabulary()
