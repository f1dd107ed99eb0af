"""Days whose searches contradict what the shop knows: items mixed up by a broken log, or clicks of no shopper.

Fashions move a shop's searches, but not against all that was learned within a day. A day on which the parent finds next
to nothing of what it usually finds is left out, for the judge's newest questions come from the same day and would agree
with it. If the next day is like it the world has changed, and both are learned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.timestamps import DAY, to_iso
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.evaluation.metrics import METRICS, evaluate_queries

__all__ = ["anomalous_days", "exclude_days", "make_scorer"]

_LEAST_OLD, _LEAST_NEW = 100, 30  # searches, before which nothing is usual or strange
_MOST = 500  # searches that are scored of the past, and of a day
_SHARE = 0.5  # of the usual nDCG@10, below which a day is strange
_ERRORS = 2.0

Score = Callable[[Sequence[QueryClick]], np.ndarray]  # searches → nDCG@10 of each, (n,)


def make_scorer(encoder: Encoder, vectors: np.ndarray, ids: Sequence[str]) -> Score:
    """How well the encoder with its item vectors, (n_items, dim) in the order of `ids`, finds what was chosen."""
    rows = {id: row for row, id in enumerate(ids)}

    def score(searches: Sequence[QueryClick]) -> np.ndarray:
        queries = list(dict.fromkeys(search.query for search in searches))
        position = {query: row for row, query in enumerate(queries)}
        questions = encoder.queries(queries)[[position[search.query] for search in searches]]  # (n, dim)
        wanted = [[rows[search.item]] for search in searches]
        found: np.ndarray = evaluate_queries(vectors, questions, wanted)[:, METRICS.index("ndcg")]
        return found

    return score


def anomalous_days(data: TrainingData, score: Score, before: Collection[int] = ()) -> tuple[dict[int, str], set[int]]:
    """The days (since 1970) of the new searches that contradict the past, each with a sentence that says so.

    And of the days `before`, which were left out as strange, those that the day after is like: the world has changed,
    and neither is strange any more.
    """
    past = _sampled(data.searches.replay[-10 * _MOST :])
    if len(past) < _LEAST_OLD:
        return {}, set()
    usual = float(score(past).mean())
    by_day: defaultdict[int, list[QueryClick]] = defaultdict(list)
    for search in data.searches.since_parent:
        by_day[int(search.ts // DAY)].append(search)
    found: dict[int, str] = {}
    for day, searches in sorted(by_day.items()):
        if len(searches) >= _LEAST_NEW:
            scores = score(_sampled(searches))
            if scores.mean() + _ERRORS * scores.std() / np.sqrt(len(scores)) < _SHARE * usual:
                found[day] = (
                    f"the searches of {to_iso(day * DAY)[:10]} contradict what the shop knows and are left out:"
                    f" nDCG@10 {scores.mean():.3f}, usually {usual:.3f}"
                )
    alone = {day: why for day, why in found.items() if not {day - 1, day + 1} & found.keys() and day - 1 not in before}
    return alone, {day for day in before if day + 1 in found}


def exclude_days(data: TrainingData, days: Collection[int]) -> TrainingData:
    """Return the data without the searches of these days (since 1970) that the parent has not learned."""

    def ordinary(searches: Sequence[QueryClick]) -> list[QueryClick]:
        return [search for search in searches if int(search.ts // DAY) not in days]

    old = data.searches
    kept = replace(
        old, new=ordinary(old.new), holdout=ordinary(old.holdout), dev=ordinary(old.dev), anchor=ordinary(old.anchor)
    )
    sizes = {
        "new_searches": len(kept.new), "held_searches": len(kept.holdout),
        "dev_searches": len(kept.dev), "anchor_searches": len(kept.anchor),
    }  # fmt: skip
    removed = len(old.since_parent) + len(old.anchor) - sum(sizes.values())
    return replace(
        data, searches=kept, counts={**data.counts, **sizes}, removed={**data.removed, "strange_days": removed}
    )


def _sampled(searches: Sequence[QueryClick]) -> list[QueryClick]:
    """At most so many of them, evenly over their time."""
    step = max(1, -(-len(searches) // _MOST))
    return list(searches[::step])
