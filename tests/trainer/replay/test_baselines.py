"""What a replay compares with: each baseline against numbers worked out by hand, or against what defines it."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from shelfwise.timestamps import DAY
from shelfwise.trainer.replay import baselines as shelf_baselines
from shelfwise.trainer.replay.baselines import (
    BASELINES,
    Baselines,
    InteractionHistory,
    als,
    ease,
    own_items,
    popularity,
)

NOW = 1_000 * DAY
needs_implicit = pytest.mark.skipif(find_spec("implicit") is None, reason="the package implicit is not installed")


def history(*events: tuple[str | None, str, float]) -> InteractionHistory:
    """Of (user, item, days before now)."""
    made = InteractionHistory()
    for user, item, days in events:
        made.add(user, None, item, NOW - days * DAY)
    return made


def two_tastes() -> InteractionHistory:
    """Ten people who have every blue thing, ten who have every red one; u0 misses blue3 and u10 misses red3."""
    made = InteractionHistory()
    for number in range(20):
        for thing in range(4):
            if thing < 3 or number % 10:
                made.add(f"u{number}", None, f"{'blue' if number < 10 else 'red'}{thing}", NOW - 40 * DAY)
    made.add("newcomer", None, "hat", NOW - DAY)
    return made


def test_popularity_counts_events_in_its_window() -> None:
    past = history(("a", "old", 90), ("b", "old", 80), ("c", "old", 70), ("a", "new", 3), ("b", "new", 2))
    assert popularity(past)(0).tolist() == [3.0, 2.0]
    assert popularity(past, NOW - 30 * DAY)(0).tolist() == [0.0, 2.0]


def test_own_counts_halve_every_60_days() -> None:
    past = history(("a", "x", 60), ("a", "x", 0), ("a", "y", 120), ("b", "z", 0))
    scores = own_items(past, NOW)
    assert scores(past.people["a", None]).tolist() == pytest.approx([1.5, 0.25, 0.0])
    assert scores(-1).tolist() == [0.0, 0.0, 0.0]


def test_sessions_without_a_user_are_people_of_their_own() -> None:
    past = InteractionHistory()
    for user, session in (("a", "s1"), ("a", "s2"), (None, "s2"), (None, "s3"), (None, None)):
        past.add(user, session, "x", NOW)
    assert past.people == {("a", None): 0, (None, "s2"): 1, (None, "s3"): 2}
    assert past.matrix().toarray().tolist() == [[2.0], [1.0], [1.0]]
    assert past.counts().tolist() == [5.0]


def test_ease_of_two_items_worked_out_by_hand() -> None:
    """Two people have both, one has x alone: b(x→y) = XᵀX(x, y) / (XᵀX(x, x) + λ), and b(y→x) alike."""
    past = history(("a", "x", 1), ("a", "y", 1), ("a", "y", 1), ("b", "x", 1), ("b", "y", 1), ("c", "x", 1))
    scores = ease(past, NOW)(past.people["c", None])
    assert scores.tolist() == pytest.approx([0.0, 2 / (3 + 500)], rel=1e-5)


@pytest.mark.parametrize("name", ["ease", pytest.param("als", marks=needs_implicit)])
def test_learned_baselines_know_who_is_like_whom(name: str) -> None:
    baselines = Baselines(two_tastes(), NOW)
    for user, colour in (("u0", "blue"), ("u10", "red")):
        had = [f"{colour}{thing}" for thing in range(3)]
        assert baselines.recommend(name, user, 1, had) == [f"{colour}3"]


@needs_implicit
def test_als_repeats_itself() -> None:
    past = two_tastes()
    assert np.array_equal(als(past, NOW)(0), als(past, NOW)(0))


@pytest.mark.parametrize("name", ["own", "ease", pytest.param("als", marks=needs_implicit)])
def test_a_stranger_sees_what_was_popular_last_month_and_then_ever(name: str) -> None:
    past = history(("a", "x", 90), ("b", "x", 90), ("a", "y", 90), ("c", "z", 3))
    assert Baselines(past, NOW).recommend(name, "stranger", 3) == ["z", "x", "y"]


def test_a_short_shelf_is_filled_and_holds_nothing_twice_or_unwanted() -> None:
    others = ("b", "hit", 2), ("c", "hit", 2), ("b", "also", 2), ("c", "far", 99)
    baselines = Baselines(history(("a", "mine", 5), ("a", "gone", 5), *others), NOW)
    assert baselines.recommend("own", "a", 4, {"gone"}) == ["mine", "hit", "also", "far"]
    assert baselines.recommend("own", "a", 9, {"gone", "hit", "never-seen"}) == ["mine", "also", "far"]
    assert baselines.recommend("own", "a", 1) == ["mine"]  # equal counts: the more popular, here the first seen, leads


@pytest.mark.parametrize("name", list(BASELINES))
def test_without_a_past_shelves_are_empty(name: str) -> None:
    baselines = Baselines(InteractionHistory(), NOW)
    assert name in baselines.missing or baselines.recommend(name, "a", 5) == []


def test_what_cannot_be_fitted_is_left_out_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_baselines, "_EASE_MAX_ITEMS", 1)
    monkeypatch.setattr(shelf_baselines, "find_spec", lambda name: None)
    baselines = Baselines(history(("a", "x", 1), ("a", "y", 1)), NOW)
    assert baselines.fitted == ["popularity", "popularity_30d", "own"]
    assert "pip install implicit" in baselines.missing["als"]
    assert "2 items" in baselines.missing["ease"]
