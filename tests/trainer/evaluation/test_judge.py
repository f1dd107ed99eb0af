"""The judge's arithmetic, and that a worse candidate is refused, an equal one is not, and a broken one has a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shelfwise.generation.item_links import ItemLinks
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.night_report_parts import GateResult, MovedQuery
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.evaluation.evaluation_sets import ANCHOR, NEWEST, EvaluationSet, build_evaluation_sets
from shelfwise.trainer.evaluation.judge import TOLERANCE, GateReport, judge, judge_links
from shelfwise.trainer.evaluation.metrics import METRICS

IDS = [f"i{number}" for number in range(200)]
NOTHING = {"gained": [], "lost": []}


class Fixed:
    """An encoder whose texts are ids: `i3` means the third axis."""

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.eye(200, dtype=np.float32)[[int(text[1:]) for text in texts]]

    items = queries


ENCODER: Any = Fixed()


def evaluation_set(name: str, items: Sequence[str], strata: list[str] | None = None) -> EvaluationSet:
    """Each item is searched by its id."""
    nothing: frozenset[str] = frozenset()
    return EvaluationSet(
        name, True, [[id] for id in items], [frozenset({id}) for id in items], [nothing] * len(items), strata or []
    )


def vectors(lost: range = range(0), ranks: int = 200) -> np.ndarray:
    """Item vectors by which every search finds its item first, but those of `lost` behind `ranks` others."""
    matrix = np.eye(200, dtype=np.float32)
    for row in lost:
        matrix[[other for other in range(200) if other != row][:ranks], row] = 2.0
    return matrix


def judge_vectors(sets: list[EvaluationSet], parent: np.ndarray, candidate: np.ndarray) -> GateReport:
    return judge(sets, (ENCODER, parent), (ENCODER, candidate), IDS)


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        (range(0), range(0), True),
        (range(100), range(0), True),
        (range(0), range(1), True),  # one search lost of a hundred is chance
        (range(0, 30), range(15, 45), True),  # as many gained as lost
        (range(0), range(20), False),
        (range(0), range(100), False),
    ],
)
def test_judge_refuses_a_candidate_shown_worse(before: range, after: range, passed: bool) -> None:
    report = judge_vectors([evaluation_set(NEWEST, IDS[:100])], vectors(before), vectors(after))
    (result,) = report.results
    assert result.passed is report.passed is passed
    assert result.low <= result.child - result.parent <= result.high
    assert passed is (result.high >= -TOLERANCE)
    assert ("tolerance" in report.reason) is not passed


@pytest.mark.parametrize(("questions", "lost", "passed"), [(1, 1, True), (2, 1, True), (6, 6, False), (10, 2, True)])
def test_judge_of_few_queries_passes(questions: int, lost: int, passed: bool) -> None:
    (result,) = judge_vectors([evaluation_set(NEWEST, IDS[:questions])], vectors(), vectors(range(lost))).results
    assert result.passed is passed


def test_judge_pools_newest_and_anchor() -> None:
    sets = [evaluation_set(NEWEST, IDS[:50]), evaluation_set(ANCHOR, IDS[50:100], ["head"] * 10 + ["tail"] * 40)]
    candidate = vectors()
    for row in (*range(3), *range(50, 53)):
        candidate[[other for other in range(200) if other != row], row] = 2.0
    newest, anchor, both = judge_vectors(sets, vectors(), candidate).results
    assert (newest.passed, anchor.passed, both.passed) == (True, True, False)
    assert both.exam == "newest searches and anchor" and both.questions == 100
    assert anchor.strata == {"head": [10, 1.0, 0.7], "tail": [40, 1.0, 1.0]} and newest.strata == {}


def test_judge_refuses_forgetting_despite_learning() -> None:
    sets = [evaluation_set(NEWEST, IDS[:100]), evaluation_set(ANCHOR, IDS[100:])]
    report = judge_vectors(sets, vectors(range(60)), vectors(range(100, 130)))
    assert [result.passed for result in report.results] == [True, False, True]
    assert report.reason.startswith("anchor: nDCG@10 1.000 → 0.700 over 100 questions")


@pytest.mark.parametrize(
    "candidate",
    [
        np.full((200, 200), np.nan),
        np.full((200, 200), np.inf),
        np.where(np.arange(200)[:, None] == 7, np.nan, np.eye(200)),
    ],
)
@pytest.mark.parametrize("sets", [[], [evaluation_set(NEWEST, IDS[:50])]])
def test_judge_of_infinite_item_vectors_fails(candidate: np.ndarray, sets: list[EvaluationSet]) -> None:
    report = judge_vectors(sets, vectors(), candidate.astype(np.float32))
    assert not report.passed
    assert report.reason == "vectors: the trained encoder's item vectors are not finite"
    assert report.moved == NOTHING


def test_judge_of_infinite_query_vectors_fails() -> None:
    class Broken(Fixed):
        def queries(self, texts: Sequence[str]) -> np.ndarray:
            return np.full((len(texts), 200), np.nan, dtype=np.float32)

    broken: Any = Broken()
    report = judge([evaluation_set(NEWEST, IDS[:50])], (ENCODER, vectors()), (broken, vectors()), IDS)
    assert report.reason == "newest searches: the trained encoder's query vectors are not finite"
    healed = judge([evaluation_set(NEWEST, IDS[:50])], (broken, vectors()), (ENCODER, vectors()), IDS)
    assert healed.passed and healed.results[0].parent == 0


def test_judge_of_equal_vectors_finds_nothing() -> None:
    (result,) = judge_vectors(
        [evaluation_set(NEWEST, IDS[:50])], vectors(), np.ones((200, 200), dtype=np.float32)
    ).results
    assert not result.passed and result.child == 0


def test_judge_reports_the_searches_that_moved_most() -> None:
    sets = [evaluation_set(NEWEST, [*IDS[:40], *IDS[:40]]), evaluation_set(ANCHOR, IDS[30:50])]
    report = judge_vectors(sets, vectors(range(40, 42), 1), vectors(range(12), 3))
    gained, lost = report.moved["gained"], report.moved["lost"]
    assert [row.query for row in gained] == ["i41", "i40"]
    assert gained[0] == MovedQuery("i41", "i41", 0.5, 1.0)
    assert len(lost) == 10 and len({row.query for row in lost}) == 10
    assert lost[0] == MovedQuery("i0", "i0", 1.0, 0.25)
    results, moved = report
    assert results == report.results and moved == report.moved


def test_judge_reports_only_searches_as_moved() -> None:
    assert judge_vectors([evaluation_set("known items", IDS[:50])], vectors(), vectors(range(20))).moved == NOTHING


def test_gate_result_to_dict_is_json() -> None:
    row = judge_vectors([evaluation_set(NEWEST, IDS[:3])], vectors(), vectors(range(1))).results[0].to_dict()
    assert json.loads(json.dumps(row)) == row
    assert row["metrics"] == {
        name: [1.0, pytest.approx(0.6667, abs=0.002)] for name in ("hr", "map", "ndcg", "auc")
    } | {"recall": [1.0, 0.6667]}
    assert row["tolerance"] == TOLERANCE and row["parent"] == 1.0 and row["questions"] == 3


def test_judge_twice_gives_the_same() -> None:
    sets = [evaluation_set(NEWEST, IDS[:60])]
    assert judge_vectors(sets, vectors(), vectors(range(9))) == judge_vectors(sets, vectors(), vectors(range(9)))


def test_judge_excludes_the_items_of_the_query() -> None:
    texts = {id: id for id in IDS}
    material = TrainingData(baskets=Split(holdout=[Basket(("i1", "i2"), 0.0, (1,))] * 5))
    (baskets,) = (part for part in build_evaluation_sets(material, texts, {}, 1, 0.0) if part.name == "newest baskets")
    matrix = vectors()
    matrix[1, 2] = matrix[2, 1] = 0.5  # each the other's nearest, after itself
    (result,) = judge_vectors([baskets], matrix, matrix).results
    assert result.child == 1.0


def counted(pairs: dict[str, list[str]]) -> ItemSignals:
    """Every item leads to the items given, each less strongly than the one before."""
    rows = [pairs.get(id, []) for id in IDS]
    weights = [1 / (place + 1) for row in rows for place in range(len(row))]
    others = np.array([IDS.index(other) for row in rows for other in row], np.int32)
    links = ItemLinks(np.cumsum([0, *map(len, rows)]), others, np.array(weights, np.float32))
    return ItemSignals(IDS, {}, {"together": links})


@pytest.mark.parametrize(
    ("candidate", "passed", "score"), [("right", True, 1.0), ("second", False, 0.6309), ("none", False, 0)]
)
def test_judge_links_finds_the_other_half(candidate: str, passed: bool, score: float) -> None:
    pairs = [(f"i{number}", f"i{number + 100}") for number in range(50)]
    both = [(one, other) for pair in pairs for one, other in (pair, pair[::-1])]
    sides = {
        "right": {one: [other] for one, other in both},
        "second": {one: ["i99", other] for one, other in both},
        "none": {},
    }
    baskets = [Basket(pair, 0.0, (1,)) for pair in pairs]
    result = judge_links(counted(sides["right"]), counted(sides[candidate]), baskets)
    assert (result.exam, result.questions, result.passed) == ("bought together", 50, passed)
    assert result.parent == 1.0 and result.child == pytest.approx(score, abs=1e-4)
    assert set(result.metrics) == set(METRICS)


def test_judge_links_without_baskets_passes() -> None:
    result = judge_links(ItemSignals(), ItemSignals(), [])
    assert result.passed and str(result) == "bought together: nothing was asked"
    assert isinstance(result, GateResult) and GateReport([result], NOTHING).passed


def test_judge_of_a_removed_item_counts_as_lost_by_both() -> None:
    search = QueryClick("i1", "gone", 0.0, (0,))
    gone = EvaluationSet(NEWEST, True, [[search.query]], [frozenset({search.item})], [frozenset()])
    (result,) = judge_vectors([gone], vectors(), vectors()).results
    assert result.passed and result.parent == result.child == 0
