"""Spelling: what a shopper most likely meant by the words of a query that the shop doesn't know.

A correction is chosen by edits, by how common the word is and by whether items match all the words together. Which
words are right is decided before (`understanding`); no SQL here.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from shelfwise.query.vocabulary import NO_WORDS, Neighbour, Vocabulary
from shelfwise.text.stemming import stem

__all__ = ["UNKNOWN", "Correction", "QueryWord", "correct", "most_edits"]

_BEAM_WIDTH = 12  # of a whole query that are looked at
_MOST_OTHERS = 2  # words that may be meant as well as the likeliest one
# Costs; 1 is an edit in a word of six letters.
UNKNOWN = 2.4  # a word that stays as it is, although nothing matches it
_SPACE = 0.8  # a space too many or too few
_TOGETHER = 1.5  # what a reading gains, for each word in doubt, when an item matches all of its words
_NEARLY = 0.5  # a reading that costs so much more than the best is nearly as likely

CoOccurs = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query as `correct` takes it."""

    text: str
    cost: float = 0.0  # of leaving it as it is: nothing for a known word, UNKNOWN where no item matches it
    can_join: bool = True  # a plain word, which may be one half of a word torn in two


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """The words `start`..`end` of the query are better read as `words`; `others` are nearly as likely for them."""

    start: int
    end: int
    words: tuple[str, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shop:
    vocabulary: Vocabulary
    co_occurs: CoOccurs
    meaning: Vocabulary

    def near(self, word: str, edits: int) -> list[Neighbour]:
        return [*self.vocabulary.neighbours(word, edits), *self.meaning.neighbours(word, edits)]


_Hypothesis = tuple[float, tuple[Correction, ...]]  # what it costs, from left to right what it changes


def most_edits(word: str) -> int:
    """How many edits may lie between a word and what was meant: the longer it is, the more."""
    return 0 if len(word) < 3 else 1 if len(word) < 5 else 2 if len(word) < 9 else 3


def correct(
    words: Sequence[QueryWord], vocabulary: Vocabulary, co_occurs: CoOccurs, meaning: Vocabulary = NO_WORDS
) -> list[Correction]:
    """The changes that make the likeliest query of these words, from left to right; none where all are known.

    `together` returns how many items match all of the words given, which may be words next to each other, too.
    `meaning` holds further words that a shopper may mean.
    """
    doubtful = sum(word.cost > 0 for word in words)
    if not doubtful:
        return []
    judged: list[_Hypothesis] = []
    shop = _Shop(vocabulary, co_occurs, meaning)
    for cost, changes in _hypotheses(words, shop):
        if judged and cost - _TOGETHER * doubtful > min(judged)[0] + _NEARLY:
            break  # no later reading comes near the best: they are sorted by cost
        judged.append((cost - _gain(words, changes, co_occurs), changes))
    best, changes = min(judged)
    near = [change for cost, others in sorted(judged) if cost <= best + _NEARLY for change in others]
    return [replace(change, others=_others(change, near)) for change in changes]


def _others(change: Correction, near: Sequence[Correction]) -> tuple[str, ...]:
    same = (other.words for other in near if (other.start, other.end) == (change.start, change.end))
    return tuple(dict.fromkeys(words[0] for words in same if len(words) == 1 and words != change.words))[:_MOST_OTHERS]


def _gain(words: Sequence[QueryWord], changes: Sequence[Correction], co_occurs: CoOccurs) -> float:
    """What a reading gains by items that match all its words; one word alone tells nothing."""
    changed = {position: change for change in changes for position in range(change.start, change.end)}
    left = [word.cost for place, word in enumerate(words) if word.cost and place not in changed]
    # What is left as it is gains only by items with all the words, not by those with the few that are known.
    settled = sum(words[place].cost > 0 for place in changed) + (len(left) if UNKNOWN not in left else 0)
    read = list(_read(words, changed)) if settled else []
    return _TOGETHER * settled if len(read) > 1 and co_occurs(read) else 0.0


def _read(words: Sequence[QueryWord], changed: dict[int, Correction]) -> Iterator[str]:
    """The words that a reading would search for, without those that no item matches."""
    for position, word in enumerate(words):
        change = changed.get(position)
        if change is None:
            yield from [word.text] if word.cost < UNKNOWN else []
        elif position == change.start:
            yield from change.words


def _hypotheses(words: Sequence[QueryWord], shop: _Shop) -> list[_Hypothesis]:
    """The cheapest ways to read the query, cheapest first."""
    ways: list[list[_Hypothesis]] = [[(0.0, ())], *([] for _ in words)]
    for start in range(len(words)):
        for step, change in _steps(words, start, shop):
            end = change.end if change else start + 1
            ways[end] += [(cost + step, (*changes, change) if change else changes) for cost, changes in ways[start]]
        ways[start + 1] = heapq.nsmallest(_BEAM_WIDTH, ways[start + 1], key=lambda way: way[0])
    return ways[-1]


def _steps(words: Sequence[QueryWord], start: int, shop: _Shop) -> Iterator[tuple[float, Correction | None]]:
    """Each way to read the word at `start`, alone or with the next: what it costs, and the change or None."""
    word = words[start]
    yield word.cost, None
    if word.cost:
        for near in shop.near(word.text, most_edits(word.text)):
            # A form of a word doesn't stand for another where the index finds both, nor a long word for a short one.
            alike = word.cost < UNKNOWN and stem(near.word) == stem(word.text)
            if not alike and near.edits <= most_edits(near.word):
                yield near.cost, Correction(start, start + 1, (near.word,))
        for pair in shop.vocabulary.splits(word.text, 2):
            if shop.co_occurs([" ".join(pair)]):
                yield _SPACE + max(map(shop.vocabulary.cost, pair)), Correction(start, start + 1, pair)
    following = words[start + 1] if start + 1 < len(words) else None
    if following and word.can_join and following.can_join and (word.cost or following.cost):
        joined = word.text + following.text
        if joined in shop.vocabulary:
            yield _SPACE + shop.vocabulary.cost(joined), Correction(start, start + 2, (joined,))
        for near in shop.near(joined, 1) if len(joined) > 5 else ():
            yield _SPACE + near.cost, Correction(start, start + 2, (near.word,))
