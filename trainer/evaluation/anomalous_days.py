"""Find days with searches that contradict what the shop knows: items mixed up by a broken log, or clicks of bots.

Fashions move a shop's searches, but not against all that was learned within a day. A day on which the parent finds next
to nothing of what it usually finds is left out, for the judge's newest searches come from the same day and would agree
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

_MIN_PAST, _MIN_OF_DAY = 100, 30  # searches; with fewer no day is judged
_MAX_SCORED = 500  # searches of the past, and of a day
_MIN_SHARE = 0.5  # of the usual nDCG@10, below which a day is anomalous
_ERRORS = 2.0  # standard errors

Score = Callable[[Sequence[QueryClick]], np.ndarray]  # searches → nDCG@10 of each, (n,)


def make_scorer(encoder: Encoder, vectors: np.ndarray, ids: Sequence[str]) -> Score:
    """Return a function searches → nDCG@10 of each, (n,), by the encoder and its vectors of the items `ids`."""
    rows = {id: row for row, id in enumerate(ids)}

    def score(searches: Sequence[QueryClick]) -> np.ndarray:
        queries = list(dict.fromkeys(search.query for search in searches))
        position = {query: row for row, query in enumerate(queries)}
        embeddings = encoder.queries(queries)[[position[search.query] for search in searches]]  # (n, dim)
        relevant = [[rows[search.item]] for search in searches]
        ndcg: np.ndarray = evaluate_queries(vectors, embeddings, relevant)[:, METRICS.index("ndcg")]
        return ndcg

    return score


def anomalous_days(data: TrainingData, score: Score, before: Collection[int] = ()) -> tuple[dict[int, str], set[int]]:
    """Return the days (since 1970) of new searches that contradict the past, each with a sentence that says so.

    Also returned are those of the days `before`, which were left out as anomalous, that the day after is like: the
    world has changed, and both are learned.
    """
    past = _sampled(data.searches.replay[-10 * _MAX_SCORED :])
    if len(past) < _MIN_PAST:
        return {}, set()
    usual = float(score(past).mean())
    by_day: defaultdict[int, list[QueryClick]] = defaultdict(list)
    for search in data.searches.since_parent:
        by_day[int(search.ts // DAY)].append(search)
    low: dict[int, str] = {}
    for day, searches in sorted(by_day.items()):
        if len(searches) >= _MIN_OF_DAY:
            scores = score(_sampled(searches))
            if scores.mean() + _ERRORS * scores.std() / np.sqrt(len(scores)) < _MIN_SHARE * usual:
                low[day] = (
                    f"the searches of {to_iso(day * DAY)[:10]} contradict what the shop knows and are left out:"
                    f" nDCG@10 {scores.mean():.3f}, usually {usual:.3f}"
                )
    alone = {day: why for day, why in low.items() if not {day - 1, day + 1} & low.keys() and day - 1 not in before}
    return alone, {day for day in before if day + 1 in low}


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
    """Return at most 500 of the searches, evenly over their time."""
    step = max(1, -(-len(searches) // _MAX_SCORED))
    return list(searches[::step])
