"""Metrics of rankings, nDCG, hit rate, MAP, recall and AUC, and the confidence interval of a paired difference.

Ranks are 1-based. nDCG: Järvelin & Kekäläinen (2002). No text and no encoder here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence

import numpy as np
from scipy.stats import t as student

__all__ = [
    "DEEP",
    "METRICS",
    "TOP",
    "binary_ndcg",
    "evaluate_queries",
    "graded_ndcg",
    "mean_rank_metrics",
    "ndcg_at_rank",
    "ndcg_per_group",
    "paired_interval",
    "rank_metrics",
    "recall_and_ndcg",
]

TOP, DEEP = 10, 50
METRICS = ("hr", "map", "ndcg", "recall", "auc")  # the first three at TOP, recall at DEEP
_RESAMPLES = 2000
_QUERIES_AT_ONCE = 64  # at 100,000 items that is 26 MB of similarities


# ---- one relevant item, or several of equal gain ----------------------------------------------------------------


def ndcg_at_rank(rank: int | None, k: int = TOP) -> float:
    """Return nDCG@k of a query with one relevant item at `rank`; 0.0 beyond k or where the rank is None."""
    return 1 / math.log2(rank + 1) if rank is not None and rank <= k else 0.0


def mean_rank_metrics(ranks: Sequence[int | None], k: int) -> dict[str, float]:
    """Return hr, map and ndcg at k, means over queries with one relevant item at these ranks, and n."""
    hits = [rank for rank in ranks if rank is not None and rank <= k]
    n = max(1, len(ranks))
    return {
        "hr": len(hits) / n,
        "map": sum(1 / rank for rank in hits) / n,
        "ndcg": sum(ndcg_at_rank(rank, k) for rank in hits) / n,
        "n": len(ranks),
    }


def binary_ndcg(ranks: Iterable[int], n_relevant: int, k: int = TOP) -> float:
    """Return nDCG@k of `n_relevant` items, those that were found at these ranks; 0.0 where none is relevant."""
    ideal = sum(ndcg_at_rank(rank, k) for rank in range(1, min(k, n_relevant) + 1))
    return sum(ndcg_at_rank(rank, k) for rank in ranks) / ideal if ideal else 0.0


def recall_and_ndcg(ranking: Sequence[str], relevant: Collection[str], k: int) -> tuple[float, float]:
    """Return recall@k (hits / min(k, relevant)) and binary nDCG@k of the ids `ranking`, best first."""
    ranks = [rank for rank, id in enumerate(ranking[:k], 1) if id in relevant]
    return len(ranks) / max(1, min(k, len(relevant))), binary_ndcg(ranks, len(relevant), k)


# ---- graded relevance -------------------------------------------------------------------------------------------


def graded_ndcg(gains: np.ndarray, available: np.ndarray, k: int = TOP) -> float:
    """Return nDCG@k of a ranking with these gains, best first, beside the ideal order of all `available` gains."""
    discounts = 1 / np.log2(np.arange(k) + 2)
    ideal = np.sort(available)[::-1][:k]
    best = (ideal * discounts[: len(ideal)]).sum()
    return float((gains[:k] * discounts[: len(gains)]).sum() / best) if best else 0.0


def ndcg_per_group(scores: np.ndarray, gains: np.ndarray, sizes: np.ndarray, k: int = TOP) -> np.ndarray:
    """Return graded nDCG@k of each group of rows, (n_groups,): `scores` and `gains` (n_rows,), `sizes` (n_groups,)."""
    ends = np.cumsum(sizes)[:-1]
    groups = zip(np.split(scores, ends), np.split(gains, ends), strict=True) if len(sizes) else ()
    return np.array([graded_ndcg(part[np.argsort(-own, kind="stable")], part, k) for own, part in groups])


# ---- queries by embedding ---------------------------------------------------------------------------------------


def evaluate_queries(
    items: np.ndarray,
    queries: np.ndarray,
    relevant: Sequence[Sequence[int]],
    excluded: Sequence[Sequence[int]] | None = None,
) -> np.ndarray:
    """Return METRICS of every query, (n_queries, 5), with items ranked by inner product.

    `items` (n_items, dim), `queries` (n_queries, dim); `relevant[i]` are the item rows to be found for query i and
    `excluded[i]` the rows left out of its ranking.
    """
    values = np.zeros((len(queries), len(METRICS)))
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = queries[start : start + _QUERIES_AT_ONCE] @ items.T  # (at most 64, n_items)
        block[np.isnan(block)] = -np.inf
        for number, scores in enumerate(block, start):
            values[number] = _query_metrics(scores, relevant[number], excluded[number] if excluded else ())
    return values


def _query_metrics(scores: np.ndarray, relevant: Sequence[int], excluded: Sequence[int]) -> np.ndarray:
    """Return METRICS of one query. A tie counts as lost: an encoder to which everything is equal finds nothing."""
    if not relevant:
        return np.zeros(len(METRICS))
    best = np.sort(scores[list(relevant)])[::-1]
    scores[[*relevant, *excluded]] = -np.inf  # only the others are left
    ranks = [rank + int((scores >= score).sum()) for rank, score in enumerate(best, 1)]
    return rank_metrics(ranks, len(relevant), len(scores) - len({*relevant, *excluded}))


def rank_metrics(ranks: Sequence[int], n_relevant: int, n_others: int) -> np.ndarray:
    """Return METRICS, (5,), of `n_relevant` items among `n_others`, those that were found at these ascending ranks.

    MAP is average precision, 1/rank for a single item; AUC the share of the others that a relevant item outranks:
    Fawcett (2006).
    """
    top = [rank for rank in ranks if rank <= TOP]
    precision = sum(number / rank for number, rank in enumerate(top, 1))
    outranked = sum(max(0, n_others - rank + number) for number, rank in enumerate(ranks, 1))
    return np.array(
        [
            float(bool(top)),
            precision / min(TOP, n_relevant),
            binary_ndcg(ranks, n_relevant),
            sum(rank <= DEEP for rank in ranks) / n_relevant,
            outranked / n_others / n_relevant if n_others else 1.0,
        ]
    )


# ---- confidence -------------------------------------------------------------------------------------------------


def paired_interval(
    difference: np.ndarray,
    clusters: Sequence[Hashable],
    *,
    seed: int,
    confidence: float = 0.95,
    least_spread: float = 0.0,
) -> tuple[float, float]:
    """Return the two-sided confidence interval of the mean of `difference`, within -1..1.

    The bootstrap's standard error is widened by Student's t with n_clusters - 1 degrees of freedom, as it is too small
    where there are few clusters (Efron & Tibshirani 1993, ch. 12).

    Args:
        difference: The paired differences, (n,).
        clusters: The cluster of each difference; whole clusters are resampled, for clicks on one query win or lose
            together.
        seed: Of the 2000 resamples.
        confidence: The probability that the interval covers the mean.
        least_spread: The least standard deviation of a cluster that is believed.
    """
    numbers: dict[Hashable, int] = {}
    rows = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=np.int64)
    count = len(numbers)
    if count < 2:
        return -1.0, 1.0
    sums, sizes = np.bincount(rows, difference), np.bincount(rows)  # (n_clusters,)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    error = float(np.std((draws @ sums) / (draws @ sizes)))  # draws: (2000, n_clusters)
    error = max(error, least_spread / float(np.sqrt(count)))
    half = float(student.ppf((1 + confidence) / 2, count - 1)) * error
    mean = float(difference.mean())
    return max(-1.0, mean - half), min(1.0, mean + half)
