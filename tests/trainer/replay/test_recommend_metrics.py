"""The measures of a replayed shelf, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from shelfwise.trainer.replay.recommend_metrics import RecommendMetrics

SECOND = 1 / math.log2(3)  # the discount of the second place


def test_a_tally_means_over_people_and_counts_what_was_shown() -> None:
    first, second = RecommendMetrics(), RecommendMetrics()
    percentile = {"a": 0.9, "b": 0.5, "c": 0.1}
    first.add(["a", "b"], {"a", "x"}, 2, percentile)
    second.add(["a", "unknown"], {"c"}, 2, percentile)
    first.merge(second)
    assert first.report(catalogue=6) == pytest.approx(
        {"recall": 0.25, "ndcg": 0.5 / (1 + SECOND), "hr": 0.5, "coverage": 0.5, "popularity": 2.3 / 4, "n": 2}
    )


def test_nothing_asked_is_zeros() -> None:
    values = RecommendMetrics().report(catalogue=0)
    assert values == {"recall": 0.0, "ndcg": 0.0, "hr": 0.0, "coverage": 0.0, "popularity": 0.0, "n": 0}
