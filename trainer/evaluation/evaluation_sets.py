"""The exams: what child and parent are asked.

The newest searches ask whether the child learned, the anchor whether it forgot: neither side has learned those. The
past, which the parent learned, asks whether the night was poisonous. A shop with few searches is asked for
its newest baskets and for known items too.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shelfwise.generation.query_memory import query_key
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.encoder.pairs import is_judged_title, known_item_query

__all__ = ["ANCHOR", "NEWEST", "PAST", "EvaluationSet", "build_evaluation_sets", "split_basket", "strata"]

NEWEST, ANCHOR, PAST = "newest searches", "anchor", "past searches"
_MOST_ANCHORS = 500
_MOST_PAST, _RECENT_PAST = 500, 5_000
_MOST_KNOWN_ITEMS = 1000
_NEW_DAYS = 7.0
_HEAD_SHARE = 0.5  # of the searches


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Questions of one kind. `asked[i]` are the texts whose mean vector is the question, `right[i]` the ids wanted,
    `given[i]` the ids that the question was made of, which are no answer; `strata[i]`, where there are any, its kind.
    """

    name: str
    are_queries: bool
    queries: list[list[str]]
    relevant: list[frozenset[str]]
    given: list[frozenset[str]]
    strata: list[str] = field(default_factory=list)

    @property
    def is_of_searches(self) -> bool:
        """Whether the questions are shoppers' own searches, each with one item wanted."""
        return self.name in (NEWEST, ANCHOR)

    @property
    def clusters(self) -> list[str]:
        """What each question is about; those about the same thing don't count as independent."""
        joined = ["\n".join(texts) for texts in self.queries]
        return [query_key(text) or text for text in joined] if self.are_queries else joined


def build_evaluation_sets(
    data: TrainingData, texts: Mapping[str, str], titles: Mapping[str, str], seed: int, until: float
) -> list[EvaluationSet]:
    """The newest held-out searches, the anchor and the past; with few searches newest baskets and known items too.

    The past are searches that the parent learned. It has the better of it there, hence a tolerance of its own
    (`judge.py`); but there are many of them from the first weeks on, and a night of false clicks, which spoils the
    newest questions as well, shows in them.
    `until` (epoch seconds) is the end of the night's events. A search that was made twice is asked twice.
    """
    evaluation_sets = []
    if data.searches.holdout:
        evaluation_sets.append(_of_searches(NEWEST, data.searches.holdout, []))
    if data.searches.anchor:
        evaluation_sets.append(_anchor(data, seed, until))
    if recent := data.searches.replay[-_RECENT_PAST:]:
        chosen = random.Random(seed).sample(range(len(recent)), min(len(recent), _MOST_PAST))
        evaluation_sets.append(_of_searches(PAST, [recent[row] for row in sorted(chosen)], []))
    if not data.is_searched:
        evaluation_sets += _without_searches(data, texts, titles, seed)
    return evaluation_sets


def _of_searches(name: str, searches: Sequence[QueryClick], kinds: list[str]) -> EvaluationSet:
    asked, right = [[search.query] for search in searches], [frozenset({search.item}) for search in searches]
    return EvaluationSet(name, True, asked, right, [frozenset()] * len(searches), kinds)


def _anchor(data: TrainingData, seed: int, until: float) -> EvaluationSet:
    """At most 500 anchor searches; every stratum is kept whole, or with as many as the largest are cut to."""
    kinds = strata(data, until)
    by_kind = {kind: [row for row, other in enumerate(kinds) if other == kind] for kind in sorted(set(kinds))}
    rng = random.Random(seed)
    rows: list[int] = []
    for left, part in zip(range(len(by_kind), 0, -1), sorted(by_kind.values(), key=len), strict=True):
        share = (_MOST_ANCHORS - len(rows)) // left
        rows += part if len(part) <= share else rng.sample(part, share)
    rows.sort()
    return _of_searches(ANCHOR, [data.searches.anchor[row] for row in rows], [kinds[row] for row in rows])


def strata(data: TrainingData, until: float) -> list[str]:
    """Of each anchor search: "new" (its item was first chosen in the last 7 days before `until`), "head" or "tail".

    Head are the most frequent queries that together make half of the anchor's searches.
    """
    first: dict[str, float] = {}
    learned = (data.searches.replay, data.searches.new, data.searches.holdout, data.searches.anchor)
    for search in (search for part in learned for search in part):
        first[search.item] = min(first.get(search.item, search.ts), search.ts)
    asked = Counter(query_key(search.query) for search in data.searches.anchor)
    head, covered = set(), 0
    for query, count in sorted(asked.items(), key=lambda pair: (-pair[1], pair[0])):
        if covered >= _HEAD_SHARE * asked.total():
            break
        head.add(query)
        covered += count
    return [
        "new"
        if first[search.item] >= until - _NEW_DAYS * DAY
        else "head"
        if query_key(search.query) in head
        else "tail"
        for search in data.searches.anchor
    ]


def _without_searches(
    data: TrainingData, texts: Mapping[str, str], titles: Mapping[str, str], seed: int
) -> list[EvaluationSet]:
    evaluation_sets = []
    rng = random.Random(seed)
    kinds = ("newest baskets", data.baskets.holdout), ("anchor baskets", data.baskets.anchor[-_MOST_ANCHORS:])
    for name, baskets in ((name, baskets) for name, baskets in kinds if baskets):
        halves = [split_basket(basket, rng) for basket in baskets]
        asked = [[texts[id] for id in given] for given, _ in halves]
        right, given = ([frozenset(half[side]) for half in halves] for side in (1, 0))
        evaluation_sets.append(EvaluationSet(name, False, asked, right, given))
    judged = [id for id in titles if is_judged_title(id)][:_MOST_KNOWN_ITEMS]
    if judged:
        by_title: dict[str, set[str]] = {}
        for id, title in titles.items():
            by_title.setdefault(title.lower(), set()).add(id)
        right = [frozenset(by_title[titles[id].lower()]) for id in judged]
        asked = [[known_item_query(titles[id])] for id in judged]
        evaluation_sets.append(EvaluationSet("known items", True, asked, right, [frozenset()] * len(judged)))
    return evaluation_sets


def split_basket(basket: Basket, rng: random.Random) -> tuple[list[str], list[str]]:
    """The basket's items at random: those asked with, and those wanted."""
    items = list(basket.items)
    rng.shuffle(items)
    return items[: len(items) // 2], items[len(items) // 2 :]
