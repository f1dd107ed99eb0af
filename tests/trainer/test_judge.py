"""The judge's arithmetic, and that a worse child is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shelfwise.trainer.collect import Basket, Material, Search
from shelfwise.trainer.judge import MOST_FALL, judge, set_exams

IDS = [f"i{number}" for number in range(20)]
TEXTS = {id: id for id in IDS}


class Fixed:
    """An encoder whose texts are ids: `i3` means the third axis."""

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.eye(20, dtype=np.float32)[[int(text[1:]) for text in texts]]

    items = queries


def exams(count: int = 20) -> Any:
    searches = [Search(id, id, 0.0, (0,)) for id in IDS[:count]]
    return set_exams(Material(held_searches=searches, old_searches=searches * 200), TEXTS, TEXTS, seed=1)


def vectors(right: float) -> np.ndarray:
    """Item vectors by which a share `right` of the questions finds its item first, and the others nothing."""
    matrix = np.eye(20, dtype=np.float32)
    wrong = round(20 * (1 - right))
    matrix[:wrong] = -matrix[:wrong]
    return matrix


@pytest.mark.parametrize(
    ("parent", "child", "passed"),
    [(1.0, 1.0, True), (0.5, 1.0, True), (1.0, 0.5, False), (1.0, 0.95 - MOST_FALL, False)],
)
def test_a_worse_child_is_refused(parent: float, child: float, passed: bool) -> None:
    encoder: Any = Fixed()
    (verdict,) = judge(exams(), (encoder, vectors(parent)), (encoder, vectors(child)), IDS)
    assert verdict.passed is passed
    assert verdict.parent == pytest.approx(parent, abs=0.03)
    assert verdict.child == pytest.approx(child, abs=0.03)
    assert verdict.low <= verdict.child - verdict.parent <= verdict.high


def test_few_questions_give_a_wide_interval() -> None:
    encoder: Any = Fixed()
    widths = []
    for count in (4, 20):
        (verdict,) = judge(exams(count), (encoder, vectors(1.0)), (encoder, vectors(0.9)), IDS)
        widths.append(verdict.high - verdict.low)
    assert widths[0] > widths[1] > 0


def test_what_a_basket_was_asked_with_is_no_answer() -> None:
    baskets = [Basket(("i1", "i2"), 0.0, (1,))] * 5
    exams = set_exams(Material(held_baskets=baskets), TEXTS, TEXTS, seed=1)
    exam = next(exam for exam in exams if exam.name == "newest baskets")
    matrix = np.eye(20, dtype=np.float32)
    matrix[1, 2] = matrix[2, 1] = 0.5  # each the other's nearest, after itself
    encoder: Any = Fixed()
    (verdict,) = judge([exam], (encoder, matrix), (encoder, matrix), IDS)
    assert verdict.child == 1.0


def test_ndcg_by_hand() -> None:
    encoder: Any = Fixed()
    matrix = np.zeros((20, 20), dtype=np.float32)
    matrix[:, 0] = np.linspace(1, 0, 20)  # i0 first, i1 second, i2 third, ...
    exam = set_exams(Material(held_searches=[Search("i0", "i2", 0.0, (0,))]), TEXTS, TEXTS, seed=1)[0]
    (verdict,) = judge([exam], (encoder, matrix), (encoder, matrix), IDS)
    assert verdict.parent == pytest.approx(1 / np.log2(4))


def test_a_shop_with_few_searches_is_asked_for_baskets_and_known_items_too() -> None:
    titles = {f"x{number}": f"a title of {number}" for number in range(100)}
    material = Material(held_baskets=[Basket(("x1", "x2"), 0.0, (1,))], held_searches=[Search("a", "x1", 0.0, (2,))])
    names = [exam.name for exam in set_exams(material, titles, titles, seed=1)]
    assert names == ["newest searches", "newest baskets", "known items"]
    material.old_searches = [Search("a", "x1", 0.0, (3,))] * 500
    assert [exam.name for exam in set_exams(material, titles, titles, seed=1)] == ["newest searches"]
