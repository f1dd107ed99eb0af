"""Completing what is being typed: from its first letters to the texts that go on so, mistyped words forgiven.

Texts are found by their beginning and by the beginning of any of their words, through sorted lists and arrays of
numbers; immutable, safe for several threads. What is worth suggesting is decided in `suggesting`.
"""

from __future__ import annotations

import bisect
import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from shelfwise.text.normalize import COMPOUND, UNSPACED, join_compound, normalize_punctuation, strip_accents

__all__ = ["Autocompleter", "Suggestion", "bare_words"]

_START = 1.0  # what it is worth that a text begins with what was typed, rather than one of its words
_MOST_WORDS = 12  # of a text, and of what is typed
_LONGEST = 20  # letters of a word that tell
_MOST_EDITS = 2
_NEAREST = 8  # words or beginnings that a mistyped one is taken for
_END = "\U0010ffff"
_PIECE = re.compile(r"[\w']+")

_Span = tuple[int, int]  # from..to, in the sorted words


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`kind` is query, category, brand or title."""

    text: str
    kind: str


def bare_words(text: str) -> list[str]:
    """The words by which a text is found: folded, without accents, apostrophes and punctuation."""
    return [
        strip_accents(join_compound(piece)) for piece in _PIECE.findall(normalize_punctuation(text)) if piece.strip("'")
    ][:_MOST_WORDS]


class Autocompleter:
    """Completes what is typed. `entries` come best first, with their worth; no two are of the same words."""

    def __init__(self, entries: Sequence[tuple[Suggestion, float]] = ()) -> None:
        # Two lists of texts rather than one of objects, all of which a garbage collection would visit.
        self._shown = [suggestion.text for suggestion, _ in entries]
        self._kinds = [suggestion.kind for suggestion, _ in entries]
        self._worth = np.array([worth for _, worth in entries], np.float32)  # (n_entries,)
        texts = [" ".join(bare_words(text)) for text in self._shown]
        order = sorted(range(len(texts)), key=texts.__getitem__)
        self._texts = [texts[number] for number in order]
        self._of_text = np.array(order, np.int32)  # (n_entries,) the entry of each text
        held: dict[str, list[int]] = {}
        for number, text in enumerate(texts):
            for key in _keys(self._shown[number], text):
                held.setdefault(key, []).append(number)
        self._words = sorted(held)
        self._starts = np.cumsum([0, *(len(held[word]) for word in self._words)])  # (n_words + 1,) in
        self._of_word = np.array([number for word in self._words for number in held[word]], np.int32)

    def __len__(self) -> int:
        return len(self._shown)

    def suggest(self, typed: str, limit: int = 8) -> list[Suggestion]:
        """What a shopper may go on to type, best first: texts that begin so before those with a word that does.

        Mistyped words are forgiven where fewer than `limit` texts are found. Empty where nothing is typed yet.
        """
        words = bare_words(typed)
        if not words or limit < 1:
            return []
        ended = typed[-1:].isspace()  # the last word is whole
        found = dict.fromkeys(self._completed(words, ended, limit))
        if len(found) < limit:
            for read in self._readings(words, ended):
                found |= dict.fromkeys(self._completed(read, ended, limit))
        return [Suggestion(self._shown[number], self._kinds[number]) for number in islice(found, limit)]

    # ---- as typed ------------------------------------------------------------------------------------------

    def _completed(self, words: Sequence[str], ended: bool, limit: int) -> list[int]:
        """The entries that hold the words, the last as a beginning, best first."""
        beginning = _span(self._texts, " ".join(words) + " " * ended)
        held = [*map(self._whole, words[:-1]), self._whole(words[-1]) if ended else self._begun(words[-1])]
        worth = {number: self._worth[number] for number in _first(self._holding(held), limit)}
        for number in _first(self._of_text[slice(*beginning)], limit):
            worth[number] = self._worth[number] + _START
        return sorted(worth, key=lambda number: (-worth[number], number))

    def _holding(self, spans: Sequence[_Span]) -> np.ndarray:
        """The entries that hold a word of each span, some of them several times, (n,) int32."""
        numbers = self._numbers(spans[-1])
        for span in spans[:-1]:
            there = np.zeros(len(self), bool)
            there[self._numbers(span)] = True
            numbers = numbers[there[numbers]]
        return numbers

    def _numbers(self, span: _Span) -> np.ndarray:
        return self._of_word[self._starts[span[0]] : self._starts[span[1]]]

    def _begun(self, word: str) -> _Span:
        return _span(self._words, word[:_LONGEST])

    def _whole(self, word: str) -> _Span:
        first = bisect.bisect_left(self._words, word[:_LONGEST])
        return first, first + (self._words[first : first + 1] == [word[:_LONGEST]])

    # ---- forgiven ------------------------------------------------------------------------------------------

    def _readings(self, words: Sequence[str], ended: bool) -> Iterator[list[str]]:
        """What was typed with its mistyped words put right: the earlier ones by their nearest, the last by several."""
        earlier = [word if self._size(self._whole(word)) else next(iter(self._near(word)), word) for word in words[:-1]]
        yield [*earlier, words[-1]]
        for near in self._near(words[-1]) if ended else self._near_beginnings(words[-1]):
            yield [*earlier, near]

    def _near(self, word: str) -> list[str]:
        """The words an edit or two away from this one, nearest first."""
        return self._nearest(word, (held for held in self._akin(word) if abs(len(held) - len(word)) <= _MOST_EDITS))

    def _near_beginnings(self, word: str) -> list[str]:
        """The same for what words begin with."""
        lengths = range(len(word) - 1, len(word) + 2)
        return self._nearest(word, {held[:length] for held in self._akin(word) for length in lengths})

    def _akin(self, word: str) -> list[str]:
        """The words that begin with its first or second letter: the first is rarely wrong, but for one too many."""
        spans = [_span(self._words, letter) for letter in dict.fromkeys(word[:2])]
        return [held for span in spans for held in self._words[slice(*span)]]

    def _nearest(self, word: str, choices: Iterable[str]) -> list[str]:
        edits = 0 if len(word) < 3 else 1 if len(word) < 7 else _MOST_EDITS
        found = process.extract(word, list(choices), scorer=OSA.distance, score_cutoff=edits, limit=None)
        ranked = ((edit, -self._size(self._begun(held)), held) for held, edit, _ in found if edit)
        return [held for *_, held in heapq.nsmallest(_NEAREST, ranked)]

    def _size(self, span: _Span) -> int:
        return int(self._starts[span[1]] - self._starts[span[0]])


def _keys(text: str, words: str) -> set[str]:
    """The words by which an entry is found, its compounds as one word, and what follows each sign of a run."""
    keys = {
        *words.split(),
        *(strip_accents(join_compound(found)) for found in COMPOUND.findall(normalize_punctuation(text))),
    }
    runs = [word for word in keys if UNSPACED.search(word)]
    keys |= {run[position : position + _LONGEST] for run in runs for position in range(min(len(run), 3 * _LONGEST))}
    return {key[:_LONGEST] for key in keys}


def _span(held: Sequence[str], beginning: str) -> _Span:
    """Where those that begin so are in a sorted list."""
    first = bisect.bisect_left(held, beginning)
    return first, bisect.bisect_left(held, beginning + _END, first)


def _first(numbers: np.ndarray, limit: int) -> list[int]:
    """The smallest numbers, each once, ascending."""
    most = limit * _MOST_WORDS  # a text may be found by each of its words
    cut = np.partition(numbers, most)[:most] if len(numbers) > most else numbers
    return np.unique(cut)[:limit].tolist()  # type: ignore[no-any-return]
