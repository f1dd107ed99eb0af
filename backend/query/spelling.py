"""Correct the spelling of a query: a noisy channel searched with a beam (Kernighan, Church and Gale, COLING 1990).

The error model counts edits, spaces lost and spaces too many; the language model knows how common a word is and
whether items match all words together. Which words are in doubt is decided before, in `understanding`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from shelfwise.query.vocabulary import NO_WORDS, Neighbour, Vocabulary
from shelfwise.text.stemming import stem

__all__ = ["UNKNOWN_COST", "Correction", "QueryWord", "correct", "max_edits"]

_BEAM_WIDTH = 12  # hypotheses of a whole query that are looked at
_MAX_OTHERS = 2  # words that may be meant as well as the likeliest one
# Costs; 1 is an edit in a word of six letters.
UNKNOWN_COST = 2.4  # to leave a word that no item matches
_SPACE_COST = 0.8  # a space too many or too few
_TOGETHER_GAIN = 1.5  # of a hypothesis, for each word in doubt, where an item matches all of its words
_NEARLY = 0.5  # a hypothesis that costs so much more than the best is nearly as likely

CoOccurs = Callable[[Sequence[str]], int]  # words, or words next to each other → how many items match all


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query as `correct` takes it."""

    text: str
    cost: float = 0.0  # to leave it as it is: 0 for a known word, UNKNOWN_COST where no item matches it
    can_join: bool = True  # a plain word, which may be one half of a word torn in two


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """The words `start`..`end` of the query are better read as `words`; `others` are nearly as likely for them."""

    start: int
    end: int
    words: tuple[str, ...]
    others: tuple[str, ...] = ()


_Hypothesis = tuple[float, tuple[Correction, ...]]  # its cost, and its changes from left to right


@dataclass(frozen=True, slots=True)
class _Channel:
    """What a shopper may have meant by one or two words, each reading with its cost."""

    vocabulary: Vocabulary
    co_occurs: CoOccurs
    synonym_words: Vocabulary

    def steps(self, words: Sequence[QueryWord], start: int) -> Iterator[tuple[float, Correction | None]]:
        """Yield each reading of the word at `start`, alone or with the next: its cost, and the change or None."""
        word = words[start]
        yield word.cost, None
        if word.cost:
            for cost, read in (*self._respellings(word), *self._splits(word.text)):
                yield cost, Correction(start, start + 1, read)
        if start + 1 < len(words):
            for cost, joined in self._joins(word, words[start + 1]):
                yield cost, Correction(start, start + 2, (joined,))

    def _near(self, word: str, edits: int) -> list[Neighbour]:
        return [*self.vocabulary.neighbours(word, edits), *self.synonym_words.neighbours(word, edits)]

    def _respellings(self, word: QueryWord) -> Iterator[tuple[float, tuple[str, ...]]]:
        for near in self._near(word.text, max_edits(word.text)):
            # A form of a word doesn't stand for another where the index finds both, nor a long word for a short one.
            alike = word.cost < UNKNOWN_COST and stem(near.word) == stem(word.text)
            if not alike and near.edits <= max_edits(near.word):
                yield near.cost, (near.word,)

    def _splits(self, word: str) -> Iterator[tuple[float, tuple[str, ...]]]:
        for pair in self.vocabulary.splits(word, 2):
            if self.co_occurs([" ".join(pair)]):
                yield _SPACE_COST + max(map(self.vocabulary.cost, pair)), pair

    def _joins(self, word: QueryWord, following: QueryWord) -> Iterator[tuple[float, str]]:
        if not (word.can_join and following.can_join and (word.cost or following.cost)):
            return
        joined = word.text + following.text
        if joined in self.vocabulary:
            yield _SPACE_COST + self.vocabulary.cost(joined), joined
        for near in self._near(joined, 1) if len(joined) > 5 else ():
            yield _SPACE_COST + near.cost, near.word


def max_edits(word: str) -> int:
    """Return how many edits may lie between a word and what was meant: the longer it is, the more."""
    return 0 if len(word) < 3 else 1 if len(word) < 5 else 2 if len(word) < 9 else 3


def correct(
    words: Sequence[QueryWord], vocabulary: Vocabulary, co_occurs: CoOccurs, synonym_words: Vocabulary = NO_WORDS
) -> list[Correction]:
    """Return the changes that make the likeliest query of these words, from left to right.

    `co_occurs` returns how many items match all of the words, each of which may be several next to each other.
    """
    n_doubtful = sum(word.cost > 0 for word in words)
    if not n_doubtful:
        return []
    judged: list[_Hypothesis] = []
    for cost, changes in _hypotheses(words, _Channel(vocabulary, co_occurs, synonym_words)):
        if judged and cost - _TOGETHER_GAIN * n_doubtful > min(judged)[0] + _NEARLY:
            break  # no later hypothesis comes near the best: they are sorted by cost
        judged.append((cost - _gain(words, changes, co_occurs), changes))
    best_cost, best = min(judged)
    near = [change for cost, changes in sorted(judged) if cost <= best_cost + _NEARLY for change in changes]
    return [replace(change, others=_others(change, near)) for change in best]


def _others(change: Correction, near: Sequence[Correction]) -> tuple[str, ...]:
    same = (other.words for other in near if (other.start, other.end) == (change.start, change.end))
    return tuple(dict.fromkeys(words[0] for words in same if len(words) == 1 and words != change.words))[:_MAX_OTHERS]


def _gain(words: Sequence[QueryWord], changes: Sequence[Correction], co_occurs: CoOccurs) -> float:
    """Return what a hypothesis gains by items that match all its words; one word alone gains nothing."""
    changed = {position: change for change in changes for position in range(change.start, change.end)}
    kept_costs = [word.cost for position, word in enumerate(words) if word.cost and position not in changed]
    # Words left as they are gain only by items with all of them, not by those with the few that are known.
    n_settled = sum(words[position].cost > 0 for position in changed)
    n_settled += len(kept_costs) if UNKNOWN_COST not in kept_costs else 0
    read = list(_read(words, changed)) if n_settled else []
    return _TOGETHER_GAIN * n_settled if len(read) > 1 and co_occurs(read) else 0.0


def _read(words: Sequence[QueryWord], changed: dict[int, Correction]) -> Iterator[str]:
    """Yield the words that a hypothesis would search for, without those that no item matches."""
    for position, word in enumerate(words):
        change = changed.get(position)
        if change is None:
            yield from [word.text] if word.cost < UNKNOWN_COST else []
        elif position == change.start:
            yield from change.words


def _hypotheses(words: Sequence[QueryWord], channel: _Channel) -> list[_Hypothesis]:
    """Return the cheapest readings of the query, cheapest first, by a beam search from left to right."""
    beams: list[list[_Hypothesis]] = [[(0.0, ())], *([] for _ in words)]  # by the number of words read
    for start in range(len(words)):
        for step_cost, change in channel.steps(words, start):
            end = change.end if change else start + 1
            beams[end] += [
                (cost + step_cost, (*changes, change) if change else changes) for cost, changes in beams[start]
            ]
        beams[start + 1] = heapq.nsmallest(_BEAM_WIDTH, beams[start + 1], key=lambda hypothesis: hypothesis[0])
    return beams[-1]
