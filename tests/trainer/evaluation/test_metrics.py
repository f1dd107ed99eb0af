"""The metrics against numbers worked out by hand, scikit-learn's nDCG and SciPy's bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap
from scipy.stats import t as student
from sklearn.metrics import ndcg_score

from shelfwise.trainer.evaluation.metrics import (
    METRICS,
    binary_ndcg,
    evaluate_queries,
    graded_ndcg,
    mean_rank_metrics,
    ndcg_at_rank,
    ndcg_per_group,
    paired_interval,
    recall_and_ndcg,
)

SECOND, THIRD = 1 / math.log2(3), 1 / math.log2(4)  # discounts of the second and third place


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_ndcg_equals_sklearn(k: int) -> None:
    rng = np.random.default_rng(k)
    for size in (2, 9, 40):
        scores, gains = rng.normal(size=size), rng.integers(0, 4, size).astype(float)
        gains[rng.integers(size)] = 3.0
        order = np.argsort(-scores)
        expected = pytest.approx(ndcg_score([gains], [scores], k=k))
        assert graded_ndcg(gains[order], gains, k) == expected
        assert ndcg_per_group(scores, gains, np.array([size]), k)[0] == expected
        relevant = gains > 1
        ranks = (1 + np.flatnonzero(relevant[order])).tolist()
        assert binary_ndcg(ranks, len(ranks), k) == pytest.approx(ndcg_score([relevant], [scores], k=k))
        best = np.arange(size) == order[size // 2]
        assert ndcg_at_rank(size // 2 + 1, k) == pytest.approx(ndcg_score([best], [scores], k=k))


def test_ndcg_without_relevant_items_is_zero() -> None:
    assert binary_ndcg([], 0) == graded_ndcg(np.zeros(3), np.zeros(3)) == ndcg_at_rank(None) == ndcg_at_rank(11) == 0
    assert ndcg_per_group(np.zeros(0), np.zeros(0), np.zeros(0, np.int32)).shape == (0,)


def test_ndcg_per_group_takes_each_group_by_itself() -> None:
    scores, gains = np.array([3.0, 2.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0, 0.0, 2.0])
    values = ndcg_per_group(scores, gains, np.array([3, 2]))
    assert values == pytest.approx([(SECOND + 3 * THIRD) / (3 + SECOND), 1.0])


def test_mean_rank_metrics_by_hand() -> None:
    assert mean_rank_metrics([1, 3, 6, None], 5) == pytest.approx(
        {"hr": 0.5, "map": (1 + 1 / 3) / 4, "ndcg": (1 + THIRD) / 4, "n": 4}
    )
    assert mean_rank_metrics([], 5) == {"hr": 0.0, "map": 0.0, "ndcg": 0.0, "n": 0}


@pytest.mark.parametrize(
    ("ranking", "relevant", "recall", "ndcg"),
    [
        ("abc", "a", 1.0, 1.0),
        ("abc", "b", 1.0, SECOND),
        ("abc", "ax", 0.5, 1 / (1 + SECOND)),
        ("abc", "bc", 1.0, (SECOND + THIRD) / (1 + SECOND)),
        ("abc", "abcxy", 1.0, 1.0),  # three places can't hold five items
        ("abcd", "d", 0.0, 0.0),  # beyond k
        ("", "a", 0.0, 0.0),
        ("abc", "", 0.0, 0.0),
    ],
)
def test_recall_and_ndcg_at_3(ranking: str, relevant: str, recall: float, ndcg: float) -> None:
    assert recall_and_ndcg(list(ranking), set(relevant), 3) == pytest.approx((recall, ndcg))


@pytest.mark.parametrize(
    ("scores", "relevant", "excluded", "expected"),
    [
        ([3, 2, 1, 0, -1], [0], [], (1, 1, 1, 1, 1)),
        ([3, 2, 1, 0, -1], [2], [], (1, 1 / 3, 1 / np.log2(4), 1, 0.5)),
        ([3, 2, 1, 0, -1], [2], [0, 1], (1, 1, 1, 1, 1)),
        ([3, 2, 2, 0, -1], [1], [], (1, 1 / 3, 1 / np.log2(4), 1, 0.5)),  # a tie is lost
        ([3, 2, 2, 0, -1], [1, 2], [0], (1, 1, 1, 1, 1)),  # but not among the wanted
        ([3, 2, 1, 0, -1], [0, 2], [], (1, (1 + 2 / 3) / 2, (1 + 0.5) / (1 + 1 / np.log2(3)), 1, 5 / 6)),
        (list(range(100, 0, -1)), [10], [], (0, 0, 0, 1, 89 / 99)),
        (list(range(100, 0, -1)), [50], [], (0, 0, 0, 0, 49 / 99)),
        ([1, 2], [], [], (0, 0, 0, 0, 0)),
    ],
)
def test_evaluate_queries_by_hand(
    scores: list[float], relevant: list[int], excluded: list[int], expected: tuple[float, ...]
) -> None:
    items, query = np.array(scores, dtype=np.float32)[:, None], np.ones((1, 1), dtype=np.float32)
    (row,) = evaluate_queries(items, query, [relevant], [excluded])
    assert dict(zip(METRICS, row, strict=True)) == pytest.approx(dict(zip(METRICS, expected, strict=True)))


def test_evaluate_queries_in_blocks_equals_one_by_one() -> None:
    rng = np.random.default_rng(1)
    items, queries = rng.normal(size=(30, 4)), rng.normal(size=(150, 4))
    together = evaluate_queries(items, queries, [[row % 30] for row in range(150)])
    alone = [evaluate_queries(items, queries[row : row + 1], [[row % 30]])[0] for row in range(150)]
    assert np.allclose(together, alone)


def test_paired_interval_narrows_with_clusters_not_with_repetitions() -> None:
    def width(difference: np.ndarray, clusters: list[int]) -> float:
        low, high = paired_interval(difference, clusters, seed=1)
        return high - low

    difference = np.random.default_rng(2).normal(0, 0.2, 100)
    one = width(difference, list(range(100)))
    assert one == pytest.approx(2 * 1.98 * 0.2 / 10, rel=0.15)
    assert width(np.tile(difference, 4), list(range(100)) * 4) == pytest.approx(one, rel=0.01)
    assert width(np.tile(difference, 4), list(range(400))) == pytest.approx(one / 2, rel=0.1)
    assert width(difference[:5], list(range(5))) > 2 * one
    assert paired_interval(np.ones(9), [0] * 9, seed=1) == (-1.0, 1.0)


def test_paired_interval_equals_scipy_bootstrap() -> None:
    rng = np.random.default_rng(3)
    clusters = rng.integers(0, 40, 120)
    difference = rng.normal(0.02, 0.2, 120) + 0.1 * rng.normal(size=40)[clusters]
    names, rows = np.unique(clusters, return_inverse=True)
    sums, sizes = np.bincount(rows, difference), np.bincount(rows)
    expected = bootstrap(
        (sums, sizes), lambda sums, sizes, axis: sums.sum(axis) / sizes.sum(axis), paired=True, n_resamples=20_000,
        method="percentile", rng=4,
    )  # fmt: skip
    low, high = paired_interval(difference, clusters.tolist(), seed=1)
    assert (low + high) / 2 == pytest.approx(difference.mean())
    half = student.ppf(0.975, len(names) - 1) * expected.standard_error
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
