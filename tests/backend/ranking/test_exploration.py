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


def test_none_by_default() -> None:
    assert apply_exploration(ROWS, 60, POPULARITY, NO_EXPLORATION).tolist() == ROWS.tolist()


def test_an_unknown_item_from_behind_takes_one_of_the_later_places_of_the_page() -> None:
    for seed in map(str, range(50)):
        moved = order(1.0, seed)
        assert sorted(moved) == ROWS.tolist() and moved[:3] == ROWS[:3].tolist()
        (new,) = set(moved[:10]) - set(ROWS[:10].tolist())
        assert 130 <= new < 150, "unknown, and of the first fifty"
        assert [row for row in moved if row != new] == [row for row in ROWS.tolist() if row != new]


def test_the_same_session_sees_the_same_and_others_something_else() -> None:
    assert order(1.0, "s1 mug") == order(1.0, "s1 mug")
    assert len({tuple(order(1.0, f"s{number} mug")) for number in range(30)}) > 10


def test_the_share_of_answers() -> None:
    changed = sum(order(0.2, str(number)) != ROWS.tolist() for number in range(1_000))
    assert 150 < changed < 250


@pytest.mark.parametrize("available", [0, 5, 10, 30])
def test_nothing_that_is_sold_out_or_known(available: int) -> None:
    assert order(1.0, "s", available) == ROWS.tolist()
