"""Complete what is being typed from its first letters, mistyped words forgiven.

Texts are found by their beginning and by the beginning of any of their words, in sorted lists and arrays of numbers:
immutable, safe for several threads. Which texts are suggested, and their weights, is decided in `suggestions`.
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

_START_WEIGHT = 1.0  # added where the text itself, and not only one of its words, begins with what was typed
_MAX_WORDS = 12  # of a text, and of what is typed
_MAX_WORD_CHARS = 20  # the rest of a word is ignored
_MAX_EDITS = 2
_MAX_NEIGHBOURS = 8  # words or beginnings that a mistyped one is taken for
_LAST_CHAR = "\U0010ffff"
_PIECE = re.compile(r"[\w']+")

_Span = tuple[int, int]  # from..to, in a sorted list


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`kind` is query, category, brand or title."""

    text: str
    kind: str


def bare_words(text: str) -> list[str]:
    """Return the words by which a text is found: folded, without accents, apostrophes and punctuation; 12 at most."""
    pieces = (piece for piece in _PIECE.findall(normalize_punctuation(text)) if piece.strip("'"))
    return [strip_accents(join_compound(piece)) for piece in islice(pieces, _MAX_WORDS)]


class Autocompleter:
    """An index over suggestions. `entries` come best first, with their weights; no two have the same bare words."""

    def __init__(self, entries: Sequence[tuple[Suggestion, float]] = ()) -> None:
        # Two lists of texts rather than one of objects, all of which a garbage collection would visit.
        self._shown = [suggestion.text for suggestion, _ in entries]
        self._kinds = [suggestion.kind for suggestion, _ in entries]
        self._weights = np.array([weight for _, weight in entries], np.float32)  # (n_entries,)
        texts = [" ".join(bare_words(text)) for text in self._shown]
        order = sorted(range(len(texts)), key=texts.__getitem__)
        self._texts = [texts[number] for number in order]
        self._entry_of_text = np.array(order, np.int32)  # (n_entries,) by position in `_texts`
        postings: dict[str, list[int]] = {}
        for number, text in enumerate(texts):
            for key in _keys(self._shown[number], text):
                postings.setdefault(key, []).append(number)
        self._words = sorted(postings)
        self._starts = np.cumsum([0, *(len(postings[word]) for word in self._words)])  # (n_words + 1,) in `_postings`
        self._postings = np.array([number for word in self._words for number in postings[word]], np.int32)

    def __len__(self) -> int:
        return len(self._shown)

    def suggest(self, typed: str, limit: int = 8) -> list[Suggestion]:
        """Return at most `limit` completions, best first: texts that begin so before texts with a word that does.

        Where there are fewer, mistyped words are corrected. Empty where nothing is typed yet.
        """
        words = bare_words(typed)
        if not words or limit < 1:
            return []
        is_word_complete = typed[-1:].isspace()
        numbers = dict.fromkeys(self._complete(words, is_word_complete, limit))
        if len(numbers) < limit:
            for corrected in self._corrections(words, is_word_complete):
                numbers |= dict.fromkeys(self._complete(corrected, is_word_complete, limit))
        return [Suggestion(self._shown[number], self._kinds[number]) for number in islice(numbers, limit)]

    def _complete(self, words: Sequence[str], is_word_complete: bool, limit: int) -> list[int]:
        """Return the entries that hold the words, the last perhaps as a prefix, best first."""
        last = self._word_span(words[-1]) if is_word_complete else self._prefix_span(words[-1])
        holding = self._entries_with([*map(self._word_span, words[:-1]), last])
        weights = {number: self._weights[number] for number in _smallest(holding, limit)}
        starting = _span(self._texts, " ".join(words) + " " * is_word_complete)
        for number in _smallest(self._entry_of_text[slice(*starting)], limit):
            weights[number] = self._weights[number] + _START_WEIGHT
        return sorted(weights, key=lambda number: (-weights[number], number))

    def _entries_with(self, spans: Sequence[_Span]) -> np.ndarray:
        """Return the entries that hold a word of each span, some several times, (n,) int32."""
        numbers = self._entries(spans[-1])
        for span in spans[:-1]:
            mask = np.zeros(len(self), bool)
            mask[self._entries(span)] = True
            numbers = numbers[mask[numbers]]
        return numbers

    def _entries(self, span: _Span) -> np.ndarray:
        return self._postings[self._starts[span[0]] : self._starts[span[1]]]

    def _prefix_span(self, prefix: str) -> _Span:
        return _span(self._words, prefix[:_MAX_WORD_CHARS])

    def _word_span(self, word: str) -> _Span:
        first = bisect.bisect_left(self._words, word[:_MAX_WORD_CHARS])
        return first, first + (self._words[first : first + 1] == [word[:_MAX_WORD_CHARS]])

    def _corrections(self, words: Sequence[str], is_word_complete: bool) -> Iterator[list[str]]:
        """Yield the words with mistyped ones replaced: the earlier by their nearest, the last by several in turn."""
        earlier = [
            word if self._size(self._word_span(word)) else next(iter(self._near_words(word)), word)
            for word in words[:-1]
        ]
        yield [*earlier, words[-1]]
        for near in self._near_words(words[-1]) if is_word_complete else self._near_prefixes(words[-1]):
            yield [*earlier, near]

    def _near_words(self, word: str) -> list[str]:
        """Return the words an edit or two away, nearest first."""
        return self._nearest(word, (near for near in self._alike(word) if abs(len(near) - len(word)) <= _MAX_EDITS))

    def _near_prefixes(self, prefix: str) -> list[str]:
        """Return the prefixes of words that are an edit or two away, nearest first."""
        lengths = range(len(prefix) - 1, len(prefix) + 2)
        return self._nearest(prefix, {word[:length] for word in self._alike(prefix) for length in lengths})

    def _alike(self, word: str) -> list[str]:
        """Return the words that begin with its first or second letter: the first is rarely wrong, or one too many."""
        spans = [_span(self._words, letter) for letter in dict.fromkeys(word[:2])]
        return [alike for span in spans for alike in self._words[slice(*span)]]

    def _nearest(self, word: str, choices: Iterable[str]) -> list[str]:
        max_edits = 0 if len(word) < 3 else 1 if len(word) < 7 else _MAX_EDITS
        matches = process.extract(word, list(choices), scorer=OSA.distance, score_cutoff=max_edits, limit=None)
        ranked = ((edits, -self._size(self._prefix_span(near)), near) for near, edits, _ in matches if edits)
        return [near for *_, near in heapq.nsmallest(_MAX_NEIGHBOURS, ranked)]

    def _size(self, span: _Span) -> int:
        return int(self._starts[span[1]] - self._starts[span[0]])


def _keys(text: str, words: str) -> set[str]:
    """Return the words by which an entry is found, with compounds as one word and each suffix of an unspaced run."""
    compounds = COMPOUND.findall(normalize_punctuation(text))
    keys = {*words.split(), *(strip_accents(join_compound(compound)) for compound in compounds)}
    runs = [word for word in keys if UNSPACED.search(word)]
    keys |= {run[start:] for run in runs for start in range(min(len(run), 3 * _MAX_WORD_CHARS))}
    return {key[:_MAX_WORD_CHARS] for key in keys}


def _span(texts: Sequence[str], prefix: str) -> _Span:
    """Return where the texts with this prefix are in a sorted list."""
    first = bisect.bisect_left(texts, prefix)
    return first, bisect.bisect_left(texts, prefix + _LAST_CHAR, first)


def _smallest(numbers: np.ndarray, limit: int) -> list[int]:
    """Return the smallest numbers, each once, ascending."""
    n_kept = limit * _MAX_WORDS  # an entry may be found by each of its words
    kept = np.partition(numbers, n_kept)[:n_kept] if len(numbers) > n_kept else numbers
    return np.unique(kept)[:limit].tolist()  # type: ignore[no-any-return]
