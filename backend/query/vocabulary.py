"""The words of a shop and how much it uses them: what is known, what is near a word, what a word may be made of.

Built from the catalogue's texts and from queries that led to clicks; immutable, so that it can be replaced while it is
read. No SQL here.
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

__all__ = ["NO_WORDS", "Neighbour", "Vocabulary", "build_vocabulary"]

_LONGEST = 40  # characters; what is longer is no word
_NEAREST = 8
_NAMED = 3.0  # what a word in a title, brand, category or tag weighs beside one in a description
_USUAL = 100.0  # how much more often than its slip a word is used
# Costs; 1 is an edit in a word of six letters.
_EDIT = 6.0  # over the letters of the word
_RARE = 1.2  # what the rarest word costs beside the most common one
_FIRST_LETTER = 0.2  # people mistype it less often
_WORD = re.compile(r"\w+")
_SPELT = re.compile(r"[^\W\d]{3,}")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word near another: how many edits lie between them, and what it costs to take one for the other."""

    word: str
    edits: int
    cost: float


class Vocabulary:
    """The words of a shop, lower-cased and without accents. Immutable, safe for several threads.

    `weights`: how much each word is used; words with digits are known, but never offered as a correction. `real`:
    words of the language, which are no slips even where the shop lacks them.
    """

    def __init__(self, weights: Mapping[str, float] | None = None, real: Iterable[str] = ()) -> None:
        self._weights = dict(weights or {})
        self._real = frozenset(real)
        spelt = [word for word in self._weights if 2 < len(word) <= _LONGEST and word.isalpha()]
        self._words = sorted(spelt, key=len)
        self._in_order = sorted(spelt)
        lengths = np.array([len(word) for word in self._words], np.int64)
        self._starts = np.searchsorted(lengths, np.arange(_LONGEST + 2))  # of the words of each length
        self._letters = np.array([_letters(word) for word in self._words], np.uint64)  # (n_words,) sets of letters
        self._top = math.log1p(max(self._weights.values(), default=0.0)) or 1.0

    def __len__(self) -> int:
        return len(self._weights)

    def __contains__(self, word: str) -> bool:
        return word in self._weights

    def weight(self, word: str) -> float:
        """How much the word is used, 0 where it isn't."""
        return self._weights.get(word, 0.0)

    def is_language_word(self, word: str) -> bool:
        """Whether it is a word of the language."""
        return word in self._real

    def cost(self, word: str) -> float:
        """What it costs to take a word for one as rare as this: nothing for the one used most."""
        return _RARE * (1 - math.log1p(self.weight(word)) / self._top)

    def completion(self, start: str) -> str | None:
        """The word used most of those that go on after `start`; None where none does."""
        first = bisect.bisect_right(self._in_order, start)
        last = bisect.bisect_left(self._in_order, start + "\U0010ffff", first)
        return max(self._in_order[first:last], key=self._weights.__getitem__, default=None)

    def neighbours(self, word: str, edits: int) -> list[Neighbour]:
        """The likeliest words within so many edits (a transposition is one), best first."""
        if edits < 1 or len(word) > _LONGEST:
            return []
        first, last = self._starts[max(0, len(word) - edits)], self._starts[min(_LONGEST, len(word) + edits) + 1]
        # An edit puts at most one letter into the set of a word and takes one out.
        differing = np.bitwise_count(self._letters[first:last] ^ np.uint64(_letters(word)))
        choices = [self._words[first + position] for position in np.flatnonzero(differing <= 2 * edits)]
        found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=edits, limit=None)
        return heapq.nsmallest(
            _NEAREST,
            (self._near(word, other, edits) for other, edits, _ in found if edits),
            key=lambda near: (near.cost, near.word),
        )

    def dominant_neighbour(self, word: str) -> str | None:
        """The word that a rare one looks like a slip of: one edit away, and used a hundred times as often."""
        if not 2 < len(word) <= _LONGEST:
            return None
        found = max(self.neighbours(word, 1), key=lambda near: self.weight(near.word), default=None)
        least = _USUAL * max(1.0, self.weight(word))
        return found.word if found and self.weight(found.word) >= least else None

    def splits(self, word: str, shortest: int) -> list[tuple[str, str]]:
        """The two known words that a word may be run together from, each of at least so many letters."""
        if len(word) > _LONGEST:
            return []
        places = range(shortest, len(word) - shortest + 1)
        halves = ((word[:position], word[position:]) for position in places)
        return [pair for pair in halves if pair[0] in self._weights and pair[1] in self._weights]

    def _near(self, word: str, other: str, edits: float) -> Neighbour:
        cost = _EDIT * edits / len(word) + self.cost(other) + (_FIRST_LETTER if word[0] != other[0] else 0.0)
        return Neighbour(other, int(edits), cost)


def build_vocabulary(
    texts: Iterable[tuple[str, str]],
    queries: Iterable[tuple[str, float]] = (),
    words: Iterable[str] = (),
    real: Iterable[str] = (),
) -> Vocabulary:
    """The vocabulary of items, each (what names it, what describes it), of queries with their weights, and of `words`.

    A word weighs by the number of items that hold it; `words` (those of synonyms, say) are known and weigh little. A
    word of queries alone is known unless it is near a word of the items that is used as often: then it was mistyped.
    """
    weights = dict.fromkeys(words, 1.0) | _held(texts)
    asked: dict[str, float] = {}
    for query, weight in queries:
        for word in _named(query):
            asked[word] = asked.get(word, 0.0) + weight
    items = Vocabulary(weights) if asked.keys() - weights.keys() else None
    for word, weight in asked.items():
        if word in weights or items is None or not _mistyped(word, weight, items):
            weights[word] = weights.get(word, 0.0) + weight
    return Vocabulary({word: weight for word, weight in weights.items() if not UNSPACED.search(word)}, real)


def _held(texts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """How many texts hold each word, those that it names several times over."""
    named, described = Counter[str](), Counter[str]()
    for names, description in texts:
        named.update(_named(names))
        described.update(set(_SPELT.findall(strip_accents(normalize_punctuation(description)))))
    return {word: _NAMED * named[word] + described[word] for word in named.keys() | described.keys()}


def _mistyped(word: str, weight: float, items: Vocabulary) -> bool:
    return word.isalpha() and any(items.weight(near.word) >= weight for near in items.neighbours(word, 1))


def _named(text: str) -> set[str]:
    """The words of a name, and its compounds as one word."""
    folded = strip_accents(normalize_punctuation(text))
    return {*_WORD.findall(folded), *map(join_compound, COMPOUND.findall(folded))}


def _letters(word: str) -> int:
    """The set of a word's letters as bits, different letters sharing a bit at times."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


NO_WORDS = Vocabulary()
