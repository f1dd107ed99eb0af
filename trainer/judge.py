"""The judge: child against parent on what neither has learned, paired question by question.

Every question is a vector (of a query, or of half a basket) and the items that would have been right. Both encoders
answer it over the whole catalogue through their serving forms, which is what shoppers will meet.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shelfwise.encoder import Encoder
from shelfwise.trainer.collect import Basket, Material
from shelfwise.trainer.pairs import is_judged_title, known_item_query

__all__ = ["Exam", "Verdict", "judge", "set_exams"]

TOP = 10
# Refused when worse with 95 % confidence (one-sided), or by more than this whatever the confidence.
MOST_FALL = 0.05
_CONFIDENCE = 1.645
_MOST_QUESTIONS = 1000


@dataclass(frozen=True, slots=True)
class Exam:
    """Questions of one kind. `asked[i]` are the texts whose mean vector is the question, `right[i]` the ids wanted,
    `given[i]` the ids that the question was made of, which are no answer."""

    name: str
    are_queries: bool
    asked: list[list[str]]
    right: list[frozenset[str]]
    given: list[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Mean score (nDCG@10) of both on one exam, and the 95 % interval of the paired difference child − parent."""

    exam: str
    questions: int
    parent: float
    child: float
    low: float
    high: float
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return (
            f"{self.exam}: nDCG@{TOP} {self.parent:.3f} → {self.child:.3f} over {self.questions} questions"
            f" (difference {self.low:+.3f}..{self.high:+.3f})"
        )


def set_exams(material: Material, texts: Mapping[str, str], titles: Mapping[str, str], seed: int) -> list[Exam]:
    """The newest held-out searches; with few searches also the newest baskets and the known-item queries."""
    exams = []
    if searches := material.held_searches:
        asked, right = [[search.query] for search in searches], [frozenset({search.item}) for search in searches]
        exams.append(Exam("newest searches", True, asked, right, [frozenset()] * len(searches)))
    if not material.is_searched:
        exams += _without_searches(material.held_baskets, texts, titles, seed)
    return exams


def _without_searches(
    baskets: Sequence[Basket], texts: Mapping[str, str], titles: Mapping[str, str], seed: int
) -> list[Exam]:
    exams = []
    chance = random.Random(seed)
    if baskets:
        halves = [_halve(basket, chance) for basket in baskets]
        asked = [[texts[id] for id in given] for given, _ in halves]
        right, given = ([frozenset(half[side]) for half in halves] for side in (1, 0))
        exams.append(Exam("newest baskets", False, asked, right, given))
    judged = [id for id in titles if is_judged_title(id)][:_MOST_QUESTIONS]
    if judged:
        by_title: dict[str, set[str]] = {}
        for id, title in titles.items():
            by_title.setdefault(title.lower(), set()).add(id)
        right = [frozenset(by_title[titles[id].lower()]) for id in judged]
        asked = [[known_item_query(titles[id])] for id in judged]
        exams.append(Exam("known items", True, asked, right, [frozenset()] * len(judged)))
    return exams


def judge(
    exams: Sequence[Exam],
    parent: tuple[Encoder, np.ndarray],
    child: tuple[Encoder, np.ndarray],
    ids: Sequence[str],
) -> list[Verdict]:
    """Both sides are an encoder and its item vectors, (n_items, dim) float32, in the order of `ids`."""
    rows = {id: row for row, id in enumerate(ids)}
    verdicts = []
    for exam in exams:
        before, after = (_scores(exam, encoder, vectors, rows) for encoder, vectors in (parent, child))
        verdicts.append(_compare(exam.name, before, after))
    return verdicts


def _compare(name: str, before: np.ndarray, after: np.ndarray) -> Verdict:
    difference = after - before  # (n_questions,)
    mean, count = float(difference.mean()), len(difference)
    error = float(difference.std(ddof=1) / np.sqrt(count)) if count > 1 else 1.0
    passed = mean + _CONFIDENCE * error >= 0 and mean >= -MOST_FALL
    low, high = mean - 1.96 * error, mean + 1.96 * error
    return Verdict(name, count, float(before.mean()), float(after.mean()), low, high, passed)


def _scores(exam: Exam, encoder: Encoder, vectors: np.ndarray, rows: Mapping[str, int]) -> np.ndarray:
    """nDCG@10 of every question, (n_questions,)."""
    encode: Callable[[Sequence[str]], np.ndarray] = encoder.queries if exam.are_queries else encoder.items
    distinct = sorted({text for texts in exam.asked for text in texts})
    place = {text: row for row, text in enumerate(distinct)}
    encoded = encode(distinct)  # (n_distinct, dim)
    scores = np.zeros(len(exam.asked))
    for number, (texts, right, given) in enumerate(zip(exam.asked, exam.right, exam.given, strict=True)):
        question = encoded[[place[text] for text in texts]].mean(axis=0)  # (dim,)
        similar = vectors @ question  # (n_items,)
        similar[[rows[id] for id in given if id in rows]] = -np.inf
        wanted = [rows[id] for id in right if id in rows]
        scores[number] = _ndcg(similar, wanted)
    return scores


def _ndcg(similar: np.ndarray, wanted: Sequence[int]) -> float:
    """Järvelin & Kekäläinen (2002) with binary gains."""
    ranks = [int((similar > similar[row]).sum()) for row in wanted]
    gain = sum(1 / np.log2(rank + 2) for rank in ranks if rank < TOP)
    ideal = sum(1 / np.log2(rank + 2) for rank in range(min(TOP, len(wanted))))
    return float(gain / ideal) if ideal else 0.0


def _halve(basket: Basket, chance: random.Random) -> tuple[list[str], list[str]]:
    items = list(basket.items)
    chance.shuffle(items)
    return items[: len(items) // 2], items[len(items) // 2 :]
