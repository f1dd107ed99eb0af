"""Attribution: sums by source, the strongest first, what would read as 0 left out."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.ranking.attribution import FeatureSources, source_rows, strongest_sources, times_in_words

SOURCES = FeatureSources({"cosine": "meaning", "bm25": "words", "rank": "meaning", "age": "age"})


def test_sums_add_the_features_of_each_source() -> None:
    sums = SOURCES.sums(np.array([[1.0, 2.0, 4.0, 0.0], [0.5, -1.0, 0.0, 3.0]]))
    assert {source: values.tolist() for source, values in sums.items()} == {
        "meaning": [5.0, 0.5], "words": [2.0, -1.0], "age": [0.0, 3.0],
    }  # fmt: skip
    assert SOURCES.column["rank"] == 2


def test_strongest_sources_leave_out_what_rounds_to_zero() -> None:
    contributions = {"words": np.array([0.0, -1.0]), "age": np.array([0.0, 4e-5]), "meaning": np.array([9.0, 0.12345])}
    contributions["taste"] = np.array([0.0, 2.0])
    strongest = strongest_sources(contributions, 1)
    assert list(strongest.items()) == [("taste", 2.0), ("meaning", 0.12345)]
    assert source_rows(strongest) == [{"source": "taste", "adds": 2.0}, {"source": "meaning", "adds": 0.1235}]


@pytest.mark.parametrize(("times", "text"), [(1, "once"), (2, "2 times")])
def test_times_in_words_counts(times: int, text: str) -> None:
    assert times_in_words(times) == text
