"""Ranks and top-k against numpy's full sort."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.ranking.arrays import ranks, top_k


def test_ranks_of_ties_follow_their_position() -> None:
    assert ranks(np.array([0.1, 0.9, 0.1, 0.5])).tolist() == [2, 0, 3, 1]
    assert ranks(np.zeros(0)).tolist() == []


@pytest.mark.parametrize("k", [0, 1, 5, 49, 50, 60])
def test_top_k_are_the_greatest(k: int) -> None:
    values = np.random.default_rng(1).permutation(50).astype(np.float64)
    assert sorted(values[top_k(values, k)]) == sorted(values)[50 - min(k, 50) :]
