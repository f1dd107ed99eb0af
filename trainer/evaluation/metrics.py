"""What one question is worth, and how sure the difference between two encoders is that answered the same questions.

A question has the items that would have been right; each side ranks the catalogue for it. No text and no encoder here.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.stats import t as student

__all__ = ["DEEP", "MEASURES", "TOP", "evaluate_queries", "paired_interval", "rank_metrics"]

TOP, DEEP = 10, 50
MEASURES = ("hr", "map", "ndcg", "recall", "auc")  # the first three at TOP, recall at DEEP
_RESAMPLES = 2000
_AT_ONCE = 64  # questions; at 100,000 items that is 26 MB of similarities


def evaluate_queries(
    vectors: np.ndarray,
    questions: np.ndarray,
    wanted: Sequence[Sequence[int]],
    given: Sequence[Sequence[int]] | None = None,
) -> np.ndarray:
    """The measures of every question, (n_questions, 5) in the order of MEASURES.

    `vectors` (n_items, dim) and `questions` (n_questions, dim) are compared by inner product; `wanted[i]` are the rows
    that would be right and `given[i]` those that are no answer.
    """
    scores = np.zeros((len(questions), len(MEASURES)))
    for start in range(0, len(questions), _AT_ONCE):
        block = questions[start : start + _AT_ONCE] @ vectors.T  # (at most 64, n_items)
        block[np.isnan(block)] = -np.inf
        for number, similar in enumerate(block, start):
            scores[number] = _answer(similar, wanted[number], given[number] if given else ())
    return scores


def _answer(similar: np.ndarray, wanted: Sequence[int], given: Sequence[int]) -> np.ndarray:
    """The measures of one question. A tie counts as lost: an encoder to which everything is equal finds nothing."""
    if not wanted:
        return np.zeros(len(MEASURES))
    found = np.sort(similar[list(wanted)])[::-1]
    similar[[*wanted, *given]] = -np.inf  # only the others are left
    ranks = [position + int((similar >= score).sum()) for position, score in enumerate(found)]
    return rank_metrics(ranks, len(wanted), len(similar) - len({*wanted, *given}))


def rank_metrics(ranks: Sequence[int], wanted: int, others: int) -> np.ndarray:
    """The measures, (5,), of `wanted` items at these 0-based ascending ranks (absent: not found) among `others`.

    nDCG with binary gains: Järvelin & Kekäläinen (2002); MAP is average precision, 1/rank for a single item; AUC the
    share of the other items that a wanted one outranks: Fawcett (2006).
    """
    top = [rank for rank in ranks if rank < TOP]
    places = range(min(TOP, wanted))
    precision = sum((place + 1) / (rank + 1) for place, rank in enumerate(top))
    ideal = sum(1 / np.log2(position + 2) for position in places)
    ndcg = sum(1 / np.log2(rank + 2) for rank in top) / ideal
    beaten = sum(max(0, others - rank + place) for place, rank in enumerate(ranks))
    return np.array(
        [
            float(bool(top)),
            precision / len(places),
            ndcg,
            sum(rank < DEEP for rank in ranks) / wanted,
            beaten / others / wanted if others else 1.0,
        ]
    )


def paired_interval(
    difference: np.ndarray,
    clusters: Sequence[Hashable],
    *,
    seed: int,
    confidence: float = 0.95,
    least_spread: float = 0.0,
) -> tuple[float, float]:
    """The two-sided interval of the mean of `difference` (n_questions,), within -1..1.

    Whole clusters are resampled, for clicks on one query win or lose together. The bootstrap's standard error is
    widened by Student's t with clusters - 1 degrees, as it is too small where there are few (Efron & Tibshirani 1993,
    ch. 12); `least_spread` is the least standard deviation of a cluster that is believed.
    """
    numbers: dict[Hashable, int] = {}
    rows = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=np.int64)
    count = len(numbers)
    if count < 2:
        return -1.0, 1.0
    sums, sizes = np.bincount(rows, difference), np.bincount(rows)  # (n_clusters,)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    error = float(np.std((drawn @ sums) / (drawn @ sizes)))  # drawn: (2000, n_clusters)
    error = max(error, least_spread / float(np.sqrt(count)))
    half = float(student.ppf((1 + confidence) / 2, count - 1)) * error
    mean = float(difference.mean())
    return max(-1.0, mean - half), min(1.0, mean + half)
