"""The judge: candidate against parent, paired query by query.

Both encoders answer every query over the whole catalogue through their serving forms, as shoppers will meet them. Item
links are counted, not encoded, and judged apart.

The rule. A candidate is refused when it is shown to be worse than TOLERANCE: when the whole 95 % interval of the
difference in nDCG@10, candidate - parent, lies below -TOLERANCE, on the newest searches, on the anchor, or on both
taken together. On simulated nights (40 newest + 100 anchor queries to 500 + 340; clicks on one query correlated;
standard deviation of a difference 0.10 to 0.17) it stops at most 1.5 % of the A/A candidates, with a true difference
drawn normally with standard deviation 0.01, and 0.1 % of those better by 0.01 to 0.02. It stops 88 % (few queries) to
100 % (many) of those worse by 0.1, and 38 to 97 % of those worse by 0.05: a fall so small takes some hundred queries to
be shown. Hence a third set with a wider tolerance: up to 500 past searches, which a night of false clicks forgets.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.night_report_parts import GateResult, MovedQuery
from shelfwise.trainer.data.interactions import Basket
from shelfwise.trainer.data.seed import SEED
from shelfwise.trainer.evaluation.evaluation_sets import PAST, EvaluationSet, split_basket
from shelfwise.trainer.evaluation.metrics import METRICS, evaluate_queries, paired_interval, rank_metrics

__all__ = ["TOLERANCE", "GateReport", "judge", "judge_links", "moved"]

TOLERANCE = 0.0125  # nDCG@10
PAST_TOLERANCE = 0.03  # on what the parent learned and the candidate may have seen less of
_NDCG, _MAP = METRICS.index("ndcg"), METRICS.index("map")
_MIN_SPREAD = 0.1  # a handful of queries that all fall alike is not a proof
_MAX_MOVED = 10

Side = tuple[Encoder, np.ndarray]  # an encoder and its item vectors, (n_items, dim) float32
Moved = dict[str, list[MovedQuery]]


class GateReport(NamedTuple):
    """The result on every evaluation set, and the queries that gained and lost most (`moved`)."""

    results: list[GateResult]
    moved: Moved

    @property
    def passed(self) -> bool:
        """Return whether every set was passed."""
        return all(result.passed for result in self.results)

    @property
    def reason(self) -> str:
        """Return the results that were not passed, or where all were, all of them; empty without any."""
        failed = [result for result in self.results if not result.passed]
        return "; ".join(map(str, failed or self.results))


@dataclass(frozen=True, slots=True)
class _Metrics:
    """METRICS of both sides on the queries of one set, (n_queries, 5) each."""

    before: np.ndarray
    after: np.ndarray
    clusters: list[str]
    strata: list[str] = field(default_factory=list)


def judge(evaluation_sets: Sequence[EvaluationSet], parent: Side, candidate: Side, ids: Sequence[str]) -> GateReport:
    """Compare parent and candidate on every set; the item vectors are in the order of `ids`.

    A candidate with vectors that are not all finite fails; nothing is raised.
    """
    if not np.isfinite(candidate[1]).all():
        return GateReport([_broken("vectors", "the trained encoder's item vectors are not finite")], moved([], [], []))
    rows = {id: row for row, id in enumerate(ids)}
    results = []
    searched: dict[str, tuple[EvaluationSet, _Metrics]] = {}
    for evaluation_set in evaluation_sets:
        metrics = _measure(evaluation_set, parent, candidate, rows)
        if metrics is None:
            results.append(_broken(evaluation_set.name, "the trained encoder's query vectors are not finite"))
            continue
        results.append(_compare(evaluation_set.name, metrics))
        if evaluation_set.is_of_searches:
            searched[evaluation_set.name] = evaluation_set, metrics
    both = [metrics for _, metrics in searched.values()]
    if len(both) > 1:
        results.append(_compare(" and ".join(searched), _pooled(both)))
    before, after = [part.before[:, _MAP] for part in both], [part.after[:, _MAP] for part in both]
    return GateReport(results, moved([part for part, _ in searched.values()], before, after))


def judge_links(parent: ItemSignals, candidate: ItemSignals, baskets: Sequence[Basket], seed: int = SEED) -> GateResult:
    """Ask with half of each basket for the other half, by the sum of the links, as recommendations `together` do.

    The candidate must not have counted the baskets. An item without a positive sum is not found.
    """
    rng = random.Random(seed)
    halves = [split_basket(basket, rng) for basket in baskets]
    before, after = (
        np.array([_companions(side, half, relevant) for half, relevant in halves]).reshape(-1, len(METRICS))
        for side in (parent, candidate)
    )
    return _compare("bought together", _Metrics(before, after, [str(number) for number in range(len(halves))]))


def moved(evaluation_sets: Sequence[EvaluationSet], before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> Moved:
    """Return the ten searches that gained and the ten that lost most, by their reciprocal rank (0 beyond rank 10).

    `before` and `after` hold the reciprocal ranks of each set's queries, (n_queries,).
    """
    ranks: dict[tuple[str, str], tuple[float, float]] = {}
    for evaluation_set, old, new in zip(evaluation_sets, before, after, strict=True):
        for texts, relevant, *pair in zip(evaluation_set.queries, evaluation_set.relevant, old, new, strict=True):
            ranks[" ".join(texts), min(relevant)] = float(pair[0]), float(pair[1])
    changes = sorted((new - old, query, item) for (query, item), (old, new) in ranks.items())
    gained = [(query, item) for change, query, item in reversed(changes) if change > 0][:_MAX_MOVED]
    lost = [(query, item) for change, query, item in changes if change < 0][:_MAX_MOVED]
    return {
        name: [
            MovedQuery(query, item, round(old, 4), round(new, 4))
            for query, item in part
            for old, new in [ranks[query, item]]
        ]
        for name, part in (("gained", gained), ("lost", lost))
    }


def _measure(evaluation_set: EvaluationSet, parent: Side, candidate: Side, rows: Mapping[str, int]) -> _Metrics | None:
    """Return the metrics of both sides, or None when the candidate's queries are not finite; `rows` are by item id."""
    relevant, excluded = (
        [[rows[id] for id in ids if id in rows] for ids in part]
        for part in (evaluation_set.relevant, evaluation_set.excluded)
    )
    after = _embed(evaluation_set, candidate[0])
    if not np.isfinite(after).all():
        return None
    before = _embed(evaluation_set, parent[0])
    return _Metrics(
        evaluate_queries(parent[1], before, relevant, excluded),
        evaluate_queries(candidate[1], after, relevant, excluded),
        evaluation_set.clusters,
        evaluation_set.strata,
    )


def _embed(evaluation_set: EvaluationSet, encoder: Encoder) -> np.ndarray:
    """Return the mean vector of each query's texts, (n_queries, dim) float32."""
    encode: Callable[[Sequence[str]], np.ndarray] = encoder.queries if evaluation_set.are_queries else encoder.items
    distinct = sorted({text for texts in evaluation_set.queries for text in texts})
    position = {text: row for row, text in enumerate(distinct)}
    vectors = encode(distinct)  # (n_distinct, dim)
    return np.array([vectors[[position[text] for text in texts]].mean(axis=0) for texts in evaluation_set.queries])


def _companions(signals: ItemSignals, half: Sequence[str], relevant: Sequence[str]) -> np.ndarray:
    """Return METRICS, (5,), of the ranking of all other items by their links from the `half` of a basket."""
    scores = signals.companions(half)
    ranking = sorted((id for id in scores if id not in half), key=lambda id: (-scores[id], id))
    ranks = [rank for rank, id in enumerate(ranking, 1) if id in relevant]
    return rank_metrics(ranks, len(relevant), len({*signals.ids} - {*half, *relevant}))


def _compare(name: str, metrics: _Metrics) -> GateResult:
    before, after = metrics.before[:, _NDCG], metrics.after[:, _NDCG]  # (n_queries,)
    if not len(before):
        return GateResult(name, 0, 0.0, 0.0, -1.0, 1.0, True, "nothing was asked", TOLERANCE)
    low, high = paired_interval(after - before, metrics.clusters, seed=SEED, least_spread=_MIN_SPREAD)
    tolerance = PAST_TOLERANCE if name == PAST else TOLERANCE
    passed = high >= -tolerance
    means = zip(METRICS, metrics.before.mean(axis=0), metrics.after.mean(axis=0), strict=True)
    return GateResult(
        exam=name,
        questions=len(before),
        parent=float(before.mean()),
        child=float(after.mean()),
        low=low,
        high=high,
        passed=passed,
        reason="" if passed else f"shown worse than the tolerance of {tolerance}",
        tolerance=tolerance,
        metrics={metric: [float(old), float(new)] for metric, old, new in means},
        strata=_by_stratum(metrics.strata, before, after),
    )


def _by_stratum(strata: Sequence[str], before: np.ndarray, after: np.ndarray) -> dict[str, list[float]]:
    parts = {kind: np.array([other == kind for other in strata]) for kind in sorted(set(strata))}
    return {
        kind: [int(part.sum()), float(before[part].mean()), float(after[part].mean())] for kind, part in parts.items()
    }


def _pooled(parts: Sequence[_Metrics]) -> _Metrics:
    before, after = (np.concatenate(side) for side in zip(*((part.before, part.after) for part in parts), strict=True))
    return _Metrics(before, after, [cluster for part in parts for cluster in part.clusters])


def _broken(name: str, reason: str) -> GateResult:
    return GateResult(name, 0, 0.0, 0.0, -1.0, 1.0, False, reason, TOLERANCE)
