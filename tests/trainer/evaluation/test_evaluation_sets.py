"""What the judge asks: the newest, a stratified anchor, and for shops with few searches their baskets and titles."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.evaluation.evaluation_sets import (
    ANCHOR,
    NEWEST,
    PAST,
    EvaluationSet,
    build_evaluation_sets,
    split_basket,
    strata,
)

UNTIL = 100 * DAY


def searches(query: str, item: str, count: int = 1, ts: float = 0.0) -> list[QueryClick]:
    return [QueryClick(query, item, ts, (number,)) for number in range(count)]


def anchor(material: TrainingData, seed: int = 1) -> EvaluationSet:
    return next(part for part in build_evaluation_sets(material, {}, {}, seed, UNTIL) if part.name == ANCHOR)


def test_build_evaluation_sets_keeps_repeated_searches() -> None:
    held = [*searches("mug", "a", 3), *searches("cup", "b")]
    evaluation_set, _ = build_evaluation_sets(TrainingData(Split(holdout=held, replay=held * 100)), {}, {}, 1, UNTIL)
    assert evaluation_set.name == NEWEST and evaluation_set.are_queries and evaluation_set.is_of_searches
    assert evaluation_set.queries == [["mug"]] * 3 + [["cup"]]
    assert evaluation_set.relevant == [{"a"}] * 3 + [{"b"}] and evaluation_set.excluded == [frozenset()] * 4
    assert evaluation_set.strata == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([*searches("mug", "a", 5), *searches("cup", "b", 3), *searches("t-light", "b")], "h h h h h t t t t"),
        ([*searches("mug", "a", 2), *searches("Mug!", "a", 2), *searches("cup", "b", 3)], "h h h h t t t"),
        ([*searches("mug", "a", 5), *searches("mug", "c", 1, ts=UNTIL - 7 * DAY)], "h h h h h n"),
        ([*searches("mug", "a", 5), *searches("mug", "known", 1, ts=UNTIL - 1)], "h h h h h h"),
    ],
)
def test_strata(asked: list[QueryClick], expected: str) -> None:
    material = TrainingData(Split(anchor=asked, replay=searches("x", "known", ts=UNTIL - 8 * DAY)))
    assert " ".join(kind[0] for kind in strata(material, UNTIL)) == expected


@pytest.mark.parametrize(
    ("head", "tail", "new", "expected"),
    [
        (200, 150, 20, {"head": 200, "tail": 150, "new": 20}),
        (2000, 900, 30, {"head": 235, "tail": 235, "new": 30}),
        (2000, 900, 800, {"head": 167, "tail": 167, "new": 166}),
        (900, 40, 0, {"head": 460, "tail": 40}),
    ],
)
def test_build_evaluation_sets_balances_the_anchor_strata(
    head: int, tail: int, new: int, expected: dict[str, int]
) -> None:
    made = [*searches("mug", "a", head), *(s for number in range(tail) for s in searches(f"q{number}", "b"))]
    made += [s for number in range(new) for s in searches(f"n{number}", "c", ts=UNTIL - DAY)]
    evaluation_set = anchor(TrainingData(Split(anchor=made)))
    counts = Counter(evaluation_set.strata)
    assert counts.total() == len(evaluation_set.queries) == len(evaluation_set.relevant) == min(500, head + tail + new)
    assert all(abs(counts[kind] - count) <= 1 for kind, count in expected.items())
    order = [
        made.index(QueryClick(a[0], min(r), UNTIL - DAY if k == "new" else 0.0, (0,)))
        for a, r, k in zip(evaluation_set.queries, evaluation_set.relevant, evaluation_set.strata, strict=True)
    ]
    assert order == sorted(order), "in the order of time"


def test_build_evaluation_sets_draws_the_anchor_by_the_seed() -> None:
    material = TrainingData(Split(anchor=[s for number in range(900) for s in searches(f"q{number}", "a")]))
    assert anchor(material, seed=1) == anchor(material, seed=1)
    assert anchor(material, seed=1) != anchor(material, seed=2)


def test_build_evaluation_sets_of_few_searches_adds_baskets_and_titles() -> None:
    titles = {f"x{number}": f"a title of {number}" for number in range(100)}
    material = TrainingData(
        Split(holdout=searches("a", "x1"), anchor=searches("a", "x2")),
        Split(holdout=[Basket(("x1", "x2"), 0.0, (1,))], anchor=[Basket(("x3", "x4"), 0.0, (2,))]),
    )
    names = [part.name for part in build_evaluation_sets(material, titles, titles, 1, UNTIL)]
    assert names == [NEWEST, ANCHOR, "newest baskets", "anchor baskets", "known items"]
    material = replace(material, searches=replace(material.searches, replay=searches("a", "x1", 500)))
    assert [part.name for part in build_evaluation_sets(material, titles, titles, 1, UNTIL)] == [NEWEST, ANCHOR, PAST]
    (past,) = build_evaluation_sets(TrainingData(Split(replay=searches("a", "x1", 5_000))), titles, titles, 1, UNTIL)
    assert (past.name, len(past.queries)) == (PAST, 500)


def test_build_evaluation_sets_counts_equal_titles_as_relevant() -> None:
    titles = {f"x{number}": "a red mug" for number in range(30)}
    (evaluation_set,) = build_evaluation_sets(TrainingData(), titles, titles, 1, UNTIL)
    assert evaluation_set.relevant[0] == set(titles) and evaluation_set.queries[0] == ["red mug"]


def test_clusters_of_one_query_are_equal() -> None:
    queries = EvaluationSet(
        NEWEST, True, [["T-light"], ["t light"], ["cup"], ["?!"]], [frozenset("a")] * 4, [frozenset()] * 4
    )
    assert queries.clusters == ["tlight", "tlight", "cup", "?!"]
    baskets = EvaluationSet("newest baskets", False, [["a", "b"], ["b", "a"]], [frozenset("c")] * 2, [frozenset()] * 2)
    assert len(set(baskets.clusters)) == 2


@pytest.mark.parametrize("size", [2, 3, 8])
def test_split_basket_returns_two_halves(size: int) -> None:
    items = tuple(f"x{number}" for number in range(size))
    given, wanted = split_basket(Basket(items, 0.0, (1,)), random.Random(1))
    assert sorted(given + wanted) == sorted(items) and len(given) == size // 2
