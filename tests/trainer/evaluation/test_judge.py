"""The judge's arithmetic, and that a worse child is refused, an equal one is not, and a broken one has a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shelfwise.generation.item_links import ItemLinks
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.evaluation.evaluation_sets import ANCHOR, NEWEST, EvaluationSet, build_evaluation_sets
from shelfwise.trainer.evaluation.judge import TOLERANCE, GateReport, GateResult, judge, judge_links
from shelfwise.trainer.evaluation.metrics import METRICS

IDS = [f"i{number}" for number in range(200)]
NOTHING = {"gained": [], "lost": []}


class Fixed:
    """An encoder whose texts are ids: `i3` means the third axis."""

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.eye(200, dtype=np.float32)[[int(text[1:]) for text in texts]]

    items = queries


ENCODER: Any = Fixed()


def exam(name: str, items: Sequence[str], strata: list[str] | None = None) -> EvaluationSet:
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


def judged(exams: list[EvaluationSet], parent: np.ndarray, child: np.ndarray) -> GateReport:
    return judge(exams, (ENCODER, parent), (ENCODER, child), IDS)


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
def test_a_child_is_refused_when_it_is_shown_worse(before: range, after: range, passed: bool) -> None:
    judgement = judged([exam(NEWEST, IDS[:100])], vectors(before), vectors(after))
    (verdict,) = judgement.results
    assert verdict.passed is judgement.passed is passed
    assert verdict.low <= verdict.child - verdict.parent <= verdict.high
    assert passed is (verdict.high >= -TOLERANCE)
    assert ("tolerance" in judgement.reason) is not passed


@pytest.mark.parametrize(("questions", "lost", "passed"), [(1, 1, True), (2, 1, True), (6, 6, False), (10, 2, True)])
def test_few_questions_prove_little(questions: int, lost: int, passed: bool) -> None:
    (verdict,) = judged([exam(NEWEST, IDS[:questions])], vectors(), vectors(range(lost))).results
    assert verdict.passed is passed


def test_both_exams_together_show_what_neither_shows_alone() -> None:
    exams = [exam(NEWEST, IDS[:50]), exam(ANCHOR, IDS[50:100], ["head"] * 10 + ["tail"] * 40)]
    child = vectors()
    for row in (*range(3), *range(50, 53)):
        child[[other for other in range(200) if other != row], row] = 2.0
    newest, anchor, both = judged(exams, vectors(), child).results
    assert (newest.passed, anchor.passed, both.passed) == (True, True, False)
    assert both.exam == "newest searches and anchor" and both.questions == 100
    assert anchor.strata == {"head": [10, 1.0, 0.7], "tail": [40, 1.0, 1.0]} and newest.strata == {}


def test_what_is_forgotten_is_not_bought_with_what_is_learned() -> None:
    exams = [exam(NEWEST, IDS[:100]), exam(ANCHOR, IDS[100:])]
    judgement = judged(exams, vectors(range(60)), vectors(range(100, 130)))
    assert [verdict.passed for verdict in judgement.results] == [True, False, True]
    assert judgement.reason.startswith("anchor: nDCG@10 1.000 → 0.700 over 100 questions")


@pytest.mark.parametrize(
    "child",
    [
        np.full((200, 200), np.nan),
        np.full((200, 200), np.inf),
        np.where(np.arange(200)[:, None] == 7, np.nan, np.eye(200)),
    ],
)
@pytest.mark.parametrize("exams", [[], [exam(NEWEST, IDS[:50])]])
def test_vectors_that_are_no_numbers_are_a_failed_verdict(child: np.ndarray, exams: list[EvaluationSet]) -> None:
    judgement = judged(exams, vectors(), child.astype(np.float32))
    assert not judgement.passed
    assert judgement.reason == "vectors: the child's item vectors are not finite numbers"
    assert judgement.moved == NOTHING


def test_queries_that_are_no_numbers_are_a_failed_verdict() -> None:
    class Broken(Fixed):
        def queries(self, texts: Sequence[str]) -> np.ndarray:
            return np.full((len(texts), 200), np.nan, dtype=np.float32)

    broken: Any = Broken()
    judgement = judge([exam(NEWEST, IDS[:50])], (ENCODER, vectors()), (broken, vectors()), IDS)
    assert judgement.reason == "newest searches: the child's query vectors are not finite numbers"
    healed = judge([exam(NEWEST, IDS[:50])], (broken, vectors()), (ENCODER, vectors()), IDS)
    assert healed.passed and healed.results[0].parent == 0


def test_an_encoder_to_which_everything_is_equal_finds_nothing() -> None:
    (verdict,) = judged([exam(NEWEST, IDS[:50])], vectors(), np.ones((200, 200), dtype=np.float32)).results
    assert not verdict.passed and verdict.child == 0


def test_the_searches_that_moved_most() -> None:
    exams = [exam(NEWEST, [*IDS[:40], *IDS[:40]]), exam(ANCHOR, IDS[30:50])]
    judgement = judged(exams, vectors(range(40, 42), 1), vectors(range(12), 3))
    gained, lost = judgement.moved["gained"], judgement.moved["lost"]
    assert [row["query"] for row in gained] == ["i41", "i40"]
    assert gained[0] == {"query": "i41", "item": "i41", "before": 0.5, "after": 1.0}
    assert len(lost) == 10 and len({row["query"] for row in lost}) == 10
    assert lost[0] == {"query": "i0", "item": "i0", "before": 1.0, "after": 0.25}
    verdicts, moved = judgement
    assert verdicts == judgement.results and moved == judgement.moved


def test_only_searches_are_told_as_moved() -> None:
    assert judged([exam("known items", IDS[:50])], vectors(), vectors(range(20))).moved == NOTHING


def test_a_verdict_goes_into_the_ledger() -> None:
    row = judged([exam(NEWEST, IDS[:3])], vectors(), vectors(range(1))).results[0].to_dict()
    assert json.loads(json.dumps(row)) == row
    assert row["metrics"] == {
        name: [1.0, pytest.approx(0.6667, abs=0.002)] for name in ("hr", "map", "ndcg", "auc")
    } | {"recall": [1.0, 0.6667]}
    assert row["tolerance"] == TOLERANCE and row["parent"] == 1.0 and row["questions"] == 3


def test_the_same_exam_gives_the_same_verdict() -> None:
    exams = [exam(NEWEST, IDS[:60])]
    assert judged(exams, vectors(), vectors(range(9))) == judged(exams, vectors(), vectors(range(9)))


def test_what_a_basket_was_asked_with_is_no_answer() -> None:
    texts = {id: id for id in IDS}
    material = TrainingData(baskets=Split(holdout=[Basket(("i1", "i2"), 0.0, (1,))] * 5))
    (baskets,) = (part for part in build_evaluation_sets(material, texts, {}, 1, 0.0) if part.name == "newest baskets")
    matrix = vectors()
    matrix[1, 2] = matrix[2, 1] = 0.5  # each the other's nearest, after itself
    (verdict,) = judged([baskets], matrix, matrix).results
    assert verdict.child == 1.0


def counted(pairs: dict[str, list[str]]) -> ItemSignals:
    """Every item leads to the items given, each less strongly than the one before."""
    rows = [pairs.get(id, []) for id in IDS]
    weights = [1 / (place + 1) for row in rows for place in range(len(row))]
    others = np.array([IDS.index(other) for row in rows for other in row], np.int32)
    links = ItemLinks(np.cumsum([0, *map(len, rows)]), others, np.array(weights, np.float32))
    return ItemSignals(IDS, {}, {"together": links})


@pytest.mark.parametrize(
    ("child", "passed", "score"), [("right", True, 1.0), ("second", False, 0.6309), ("none", False, 0)]
)
def test_co_purchase_weights_are_judged_apart(child: str, passed: bool, score: float) -> None:
    pairs = [(f"i{number}", f"i{number + 100}") for number in range(50)]
    both = [(one, other) for pair in pairs for one, other in (pair, pair[::-1])]
    sides = {
        "right": {one: [other] for one, other in both},
        "second": {one: ["i99", other] for one, other in both},
        "none": {},
    }
    baskets = [Basket(pair, 0.0, (1,)) for pair in pairs]
    verdict = judge_links(counted(sides["right"]), counted(sides[child]), baskets)
    assert (verdict.exam, verdict.questions, verdict.passed) == ("bought together", 50, passed)
    assert verdict.parent == 1.0 and verdict.child == pytest.approx(score, abs=1e-4)
    assert set(verdict.metrics) == set(METRICS)


def test_without_baskets_nothing_is_asked() -> None:
    verdict = judge_links(ItemSignals(), ItemSignals(), [])
    assert verdict.passed and str(verdict) == "bought together: nothing was asked"
    assert isinstance(verdict, GateResult) and GateReport([verdict], NOTHING).passed


def test_a_search_of_an_item_that_is_gone_is_lost_by_both() -> None:
    search = QueryClick("i1", "gone", 0.0, (0,))
    gone = EvaluationSet(NEWEST, True, [[search.query]], [frozenset({search.item})], [frozenset()])
    (verdict,) = judged([gone], vectors(), vectors()).results
    assert verdict.passed and verdict.parent == verdict.child == 0
