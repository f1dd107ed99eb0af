"""The evaluation sets: the queries that candidate and parent are compared on.

The newest searches show whether the candidate learned, the anchor whether it forgot: neither side has learned those.
The past, which the parent learned, shows whether the night was poisonous. A shop with few searches is asked for its
newest baskets and for known items too.
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
_MAX_ANCHOR = 500
_MAX_PAST, _RECENT_PAST = 500, 5_000
_MAX_KNOWN_ITEMS = 1000
_NEW_DAYS = 7.0
_HEAD_SHARE = 0.5  # of the searches


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Queries of one kind: the mean vector of the texts `queries[i]` is to find the ids `relevant[i]`.

    `excluded[i]` are the ids that the query was made of, which are left out of its ranking; `strata[i]`, where there
    are any, is its kind. The texts are search queries, or items' texts where not `are_queries`.
    """

    name: str
    are_queries: bool
    queries: list[list[str]]
    relevant: list[frozenset[str]]
    excluded: list[frozenset[str]]
    strata: list[str] = field(default_factory=list)

    @property
    def is_of_searches(self) -> bool:
        """Return whether the queries are shoppers' own searches that the parent has not learned."""
        return self.name in (NEWEST, ANCHOR)

    @property
    def clusters(self) -> list[str]:
        """Return a key of each query; those with equal keys don't count as independent."""
        joined = ["\n".join(texts) for texts in self.queries]
        return [query_key(text) or text for text in joined] if self.are_queries else joined


def build_evaluation_sets(
    data: TrainingData, texts: Mapping[str, str], titles: Mapping[str, str], seed: int, until: float
) -> list[EvaluationSet]:
    """Return the newest held-out searches, the anchor and the past; with few searches baskets and known items too.

    The past are searches that the parent learned, which is an advantage for it, hence a tolerance of its own
    (`judge.py`); but there are many of them from the first weeks on, and a night of false clicks, which spoils the
    newest searches as well, shows in them. A search that was made twice counts twice.

    Args:
        data: The night's searches and baskets.
        texts: Item id → the text that the encoder reads.
        titles: Item id → title.
        seed: Of every random choice.
        until: The end of the night's events (epoch seconds).
    """
    evaluation_sets = []
    if data.searches.holdout:
        evaluation_sets.append(_of_searches(NEWEST, data.searches.holdout, []))
    if data.searches.anchor:
        evaluation_sets.append(_anchor(data, seed, until))
    if recent := data.searches.replay[-_RECENT_PAST:]:
        chosen = random.Random(seed).sample(range(len(recent)), min(len(recent), _MAX_PAST))
        evaluation_sets.append(_of_searches(PAST, [recent[row] for row in sorted(chosen)], []))
    if not data.is_searched:
        rng = random.Random(seed)
        kinds = ("newest baskets", data.baskets.holdout), ("anchor baskets", data.baskets.anchor[-_MAX_ANCHOR:])
        evaluation_sets += [_of_baskets(name, baskets, texts, rng) for name, baskets in kinds if baskets]
        evaluation_sets += _of_known_items(titles)
    return evaluation_sets


def _of_searches(name: str, searches: Sequence[QueryClick], kinds: list[str]) -> EvaluationSet:
    queries, relevant = [[search.query] for search in searches], [frozenset({search.item}) for search in searches]
    return EvaluationSet(name, True, queries, relevant, [frozenset()] * len(searches), kinds)


def _anchor(data: TrainingData, seed: int, until: float) -> EvaluationSet:
    """Return at most 500 anchor searches: each stratum whole, or with as many as the largest are cut to."""
    kinds = strata(data, until)
    by_kind = {kind: [row for row, other in enumerate(kinds) if other == kind] for kind in sorted(set(kinds))}
    rng = random.Random(seed)
    rows: list[int] = []
    for left, part in zip(range(len(by_kind), 0, -1), sorted(by_kind.values(), key=len), strict=True):
        share = (_MAX_ANCHOR - len(rows)) // left
        rows += part if len(part) <= share else rng.sample(part, share)
    rows.sort()
    return _of_searches(ANCHOR, [data.searches.anchor[row] for row in rows], [kinds[row] for row in rows])


def strata(data: TrainingData, until: float) -> list[str]:
    """Return the stratum of each anchor search.

    It is "new" where the item was first chosen in the last 7 days before `until` (epoch seconds), else "head" for the
    most frequent queries that together make half of the anchor's searches, else "tail".
    """
    first: dict[str, float] = {}
    searches = data.searches
    for search in (*searches.replay, *searches.new, *searches.holdout, *searches.anchor):
        first[search.item] = min(first.get(search.item, search.ts), search.ts)
    head = _head_queries(Counter(query_key(search.query) for search in searches.anchor))
    new_since = until - _NEW_DAYS * DAY
    return [
        "new" if first[search.item] >= new_since else "head" if query_key(search.query) in head else "tail"
        for search in searches.anchor
    ]


def _head_queries(counts: Counter[str]) -> set[str]:
    head, covered = set(), 0
    for query, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if covered >= _HEAD_SHARE * counts.total():
            break
        head.add(query)
        covered += count
    return head


def _of_baskets(name: str, baskets: Sequence[Basket], texts: Mapping[str, str], rng: random.Random) -> EvaluationSet:
    halves = [split_basket(basket, rng) for basket in baskets]
    queries = [[texts[id] for id in half] for half, _ in halves]
    excluded, relevant = ([frozenset(half[side]) for half in halves] for side in (0, 1))
    return EvaluationSet(name, False, queries, relevant, excluded)


def _of_known_items(titles: Mapping[str, str]) -> list[EvaluationSet]:
    """Return one set of known-item queries, or none without titles to judge by; items of equal titles are all right."""
    judged = [id for id in titles if is_judged_title(id)][:_MAX_KNOWN_ITEMS]
    by_title: dict[str, set[str]] = {}
    for id, title in titles.items():
        by_title.setdefault(title.lower(), set()).add(id)
    relevant = [frozenset(by_title[titles[id].lower()]) for id in judged]
    queries = [[known_item_query(titles[id])] for id in judged]
    return [EvaluationSet("known items", True, queries, relevant, [frozenset()] * len(judged))] if judged else []


def split_basket(basket: Basket, rng: random.Random) -> tuple[list[str], list[str]]:
    """Return the basket's items in two random halves: the items to ask with, and the items to find."""
    items = list(basket.items)
    rng.shuffle(items)
    return items[: len(items) // 2], items[len(items) // 2 :]
