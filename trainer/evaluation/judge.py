"""The judge: child against parent, paired question by question.

Both encoders answer every question over the whole catalogue through their serving forms, which is what shoppers will
meet. What is bought together is counted, not encoded, and judged apart.

The rule. A child is refused when it is shown to be worse than TOLERANCE: when the whole 95 % interval of the difference
in nDCG@10, child - parent, lies below -TOLERANCE, on the newest searches, on the anchor, or on both taken together.
On simulated nights (40 newest + 100 anchor questions to 500 + 340; clicks on one query correlated; standard deviation
of a difference 0.10 to 0.17) it stops at most 1.5 % of the A/A children, whose true difference is a normal draw with
standard deviation 0.01, and 0.1 % of those better by 0.01 to 0.02. It stops 88 % (few questions) to 100 % (many) of
those worse by 0.1, and 38 to 97 % of those worse by 0.05: a fall so small takes some hundred questions to be shown.
Hence a third exam with a wider tolerance: up to 500 past searches, which a night of false clicks forgets.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.trainer.data.interactions import Basket
from shelfwise.trainer.evaluation.evaluation_sets import PAST, EvaluationSet, split_basket
from shelfwise.trainer.evaluation.metrics import METRICS, TOP, evaluate_queries, paired_interval, rank_metrics

__all__ = ["TOLERANCE", "GateReport", "GateResult", "judge", "judge_links", "moved"]

TOLERANCE = 0.0125  # nDCG@10
PAST_TOLERANCE = 0.03  # on what the parent learned and the child may have seen less of
_MAIN = METRICS.index("ndcg")
_MAP = METRICS.index("map")
_LEAST_SPREAD = 0.1  # a handful of questions that all fall alike is no proof
_SEED = 20_111
_MOST_MOVED = 10

Moved = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class GateResult:
    """Mean nDCG@10 of both sides on one exam, and the 95 % interval of the paired difference child - parent.

    `metrics`: hr, map and ndcg at 10, recall at 50, auc → [parent, child]; `strata`: kind → [questions, parent, child].
    `reason` says why it did not pass.
    """

    exam: str
    questions: int
    parent: float
    child: float
    low: float
    high: float
    passed: bool
    reason: str = ""
    tolerance: float = TOLERANCE
    metrics: dict[str, list[float]] = field(default_factory=dict)
    strata: dict[str, list[float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded

    def __str__(self) -> str:
        if not self.questions:
            return f"{self.exam}: {self.reason}"
        return (
            f"{self.exam}: nDCG@{TOP} {self.parent:.3f} → {self.child:.3f} over {self.questions} questions"
            f" (difference {self.low:+.3f}..{self.high:+.3f}{'; ' if self.reason else ''}{self.reason})"
        )


class GateReport(NamedTuple):
    """The verdict of every exam, and the queries that gained and lost most (`moved`)."""

    results: list[GateResult]
    moved: Moved

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.results)

    @property
    def reason(self) -> str:
        """The exams that were not passed, or where all were, all of them; empty when nothing was asked."""
        failed = [verdict for verdict in self.results if not verdict.passed]
        return "; ".join(map(str, failed or self.results))


@dataclass(frozen=True, slots=True)
class _Answers:
    """The measures of both sides on the questions of one exam, (n_questions, 5) each."""

    before: np.ndarray
    after: np.ndarray
    clusters: list[str]
    strata: list[str] = field(default_factory=list)


def judge(
    evaluation_sets: Sequence[EvaluationSet],
    parent: tuple[Encoder, np.ndarray],
    child: tuple[Encoder, np.ndarray],
    ids: Sequence[str],
) -> GateReport:
    """Both sides are an encoder and its item vectors, (n_items, dim) float32, in the order of `ids`.

    A child whose vectors are not all finite numbers fails; nothing is raised.
    """
    if not np.isfinite(child[1]).all():
        return GateReport([_broken("vectors", "the child's item vectors are not finite numbers")], moved([], [], []))
    rows = {id: row for row, id in enumerate(ids)}
    verdicts = []
    searched: dict[str, tuple[EvaluationSet, _Answers]] = {}
    for evaluation_set in evaluation_sets:
        answered = _answer(evaluation_set, parent, child, rows)
        if answered is None:
            verdicts.append(_broken(evaluation_set.name, "the child's query vectors are not finite numbers"))
            continue
        verdicts.append(_compare(evaluation_set.name, answered))
        if evaluation_set.is_of_searches:
            searched[evaluation_set.name] = evaluation_set, answered
    both = [answered for _, answered in searched.values()]
    if len(both) > 1:
        verdicts.append(_compare(" and ".join(searched), _pooled(both)))
    before, after = [part.before[:, _MAP] for part in both], [part.after[:, _MAP] for part in both]
    return GateReport(verdicts, moved([exam for exam, _ in searched.values()], before, after))


def judge_links(parent: ItemSignals, child: ItemSignals, baskets: Sequence[Basket], seed: int = _SEED) -> GateResult:
    """Half of each basket is asked for the other half, by the sum of the links, as the shelf `together` does.

    The child must not have counted the baskets. An item that no weight leads to is not found.
    """
    rng = random.Random(seed)
    halves = [split_basket(basket, rng) for basket in baskets]
    before, after = (
        np.array([_companions(side, given, wanted) for given, wanted in halves]).reshape(-1, len(METRICS))
        for side in (parent, child)
    )
    return _compare("bought together", _Answers(before, after, [str(number) for number in range(len(halves))]))


def moved(evaluation_sets: Sequence[EvaluationSet], before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> Moved:
    """The ten searches that gained and the ten that lost most, by their reciprocal rank (0 beyond rank 10).

    `before` and `after` hold the reciprocal ranks of each exam's questions, (n_questions,).
    """
    ranks: dict[tuple[str, str], tuple[float, float]] = {}
    for evaluation_set, old, new in zip(evaluation_sets, before, after, strict=True):
        for texts, right, *pair in zip(evaluation_set.queries, evaluation_set.relevant, old, new, strict=True):
            ranks[" ".join(texts), min(right)] = float(pair[0]), float(pair[1])
    changes = sorted((new - old, query, item) for (query, item), (old, new) in ranks.items())
    gained = [(query, item) for change, query, item in reversed(changes) if change > 0][:_MOST_MOVED]
    lost = [(query, item) for change, query, item in changes if change < 0][:_MOST_MOVED]
    return {
        name: [
            {"query": query, "item": item, "before": round(old, 4), "after": round(new, 4)}
            for query, item in part
            for old, new in [ranks[query, item]]
        ]
        for name, part in (("gained", gained), ("lost", lost))
    }


def _answer(
    evaluation_set: EvaluationSet,
    parent: tuple[Encoder, np.ndarray],
    child: tuple[Encoder, np.ndarray],
    rows: Mapping[str, int],
) -> _Answers | None:
    """None when the child's questions are not finite numbers."""
    wanted, given = (
        [[rows[id] for id in ids if id in rows] for ids in part]
        for part in (evaluation_set.relevant, evaluation_set.given)
    )
    after = _questions(evaluation_set, child[0])
    if not np.isfinite(after).all():
        return None
    before = _questions(evaluation_set, parent[0])
    return _Answers(
        evaluate_queries(parent[1], before, wanted, given),
        evaluate_queries(child[1], after, wanted, given),
        evaluation_set.clusters,
        evaluation_set.strata,
    )


def _questions(evaluation_set: EvaluationSet, encoder: Encoder) -> np.ndarray:
    """The mean vector of each question's texts, (n_questions, dim) float32."""
    encode: Callable[[Sequence[str]], np.ndarray] = encoder.queries if evaluation_set.are_queries else encoder.items
    distinct = sorted({text for texts in evaluation_set.queries for text in texts})
    position = {text: row for row, text in enumerate(distinct)}
    encoded = encode(distinct)  # (n_distinct, dim)
    return np.array([encoded[[position[text] for text in texts]].mean(axis=0) for texts in evaluation_set.queries])


def _companions(signals: ItemSignals, given: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The measures, (5,), of what the items `given` lead to."""
    scores = signals.companions(given)
    found = sorted((id for id in scores if id not in given), key=lambda id: (-scores[id], id))
    ranks = [rank for rank, id in enumerate(found, 1) if id in wanted]
    return rank_metrics(ranks, len(wanted), len({*signals.ids} - {*given, *wanted}))


def _compare(name: str, answered: _Answers) -> GateResult:
    before, after = answered.before[:, _MAIN], answered.after[:, _MAIN]  # (n_questions,)
    if not len(before):
        return GateResult(name, 0, 0.0, 0.0, -1.0, 1.0, True, "nothing was asked")
    low, high = paired_interval(after - before, answered.clusters, seed=_SEED, least_spread=_LEAST_SPREAD)
    tolerance = PAST_TOLERANCE if name == PAST else TOLERANCE
    passed = high >= -tolerance
    means = zip(METRICS, answered.before.mean(axis=0), answered.after.mean(axis=0), strict=True)
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
        metrics={measure: [float(old), float(new)] for measure, old, new in means},
        strata=_by_stratum(answered.strata, before, after),
    )


def _by_stratum(strata: Sequence[str], before: np.ndarray, after: np.ndarray) -> dict[str, list[float]]:
    parts = {kind: np.array([other == kind for other in strata]) for kind in sorted(set(strata))}
    return {
        kind: [int(part.sum()), float(before[part].mean()), float(after[part].mean())] for kind, part in parts.items()
    }


def _pooled(parts: Sequence[_Answers]) -> _Answers:
    before, after = (np.concatenate(side) for side in zip(*((part.before, part.after) for part in parts), strict=True))
    return _Answers(before, after, [cluster for part in parts for cluster in part.clusters])


def _broken(name: str, reason: str) -> GateResult:
    return GateResult(name, 0, 0.0, 0.0, -1.0, 1.0, False, reason)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
