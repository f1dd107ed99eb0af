"""Exploration: rare, of what nobody knows, never on the best places, and the same for the same session."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.ranking.exploration import NO_EXPLORATION, ExplorationPolicy, apply_exploration

ROWS = np.arange(100, 160)
POPULARITY = np.zeros(200)
POPULARITY[100:130] = 0.5  # the second half is unknown


def order(share: float, seed: str, available: int = 60) -> list[int]:
    return apply_exploration(ROWS, available, POPULARITY, ExplorationPolicy(share, seed)).tolist()


def test_no_exploration_by_default() -> None:
    assert apply_exploration(ROWS, 60, POPULARITY, NO_EXPLORATION).tolist() == ROWS.tolist()


def test_explored_item_comes_from_behind_the_page() -> None:
    for seed in map(str, range(50)):
        moved = order(1.0, seed)
        assert sorted(moved) == ROWS.tolist() and moved[:3] == ROWS[:3].tolist()
        (new,) = set(moved[:10]) - set(ROWS[:10].tolist())
        assert 130 <= new < 150, "unknown, and of the first fifty"
        assert [row for row in moved if row != new] == [row for row in ROWS.tolist() if row != new]


def test_exploration_is_the_same_within_a_session() -> None:
    assert order(1.0, "s1 mug") == order(1.0, "s1 mug")
    assert len({tuple(order(1.0, f"s{number} mug")) for number in range(30)}) > 10


def test_exploration_has_its_share_of_answers() -> None:
    changed = sum(order(0.2, str(number)) != ROWS.tolist() for number in range(1_000))
    assert 150 < changed < 250


@pytest.mark.parametrize("available", [0, 5, 10, 30])
def test_exploration_leaves_out_popular_and_sold_out_items(available: int) -> None:
    assert order(1.0, "s", available) == ROWS.tolist()
