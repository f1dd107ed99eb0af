"""How members of one family give way to others."""

from __future__ import annotations

import random

import numpy as np
import pytest

from shelfwise.ranking.diversity import diversify


def order(families: str, strength: float, scores: list[float] | None = None, available: int | None = None) -> str:
    """Where each place of the page comes from, for scores that fall by 0.1."""
    given = np.array(scores or [1 - 0.1 * place for place in range(len(families))])
    places, _ = diversify(given, np.array([ord(one) for one in families]), strength, available)
    return "".join("0123456789"[place] for place in places)


@pytest.mark.parametrize(("families", "strength", "places"), [
    ("aaabbc", 0.0, "012345"),
    ("aaabbc", 1.0, "035142"),  # a b c, a b, a
    ("aaabbc", 0.55, "013245"),  # the spread is 0.5, so that each before costs 0.06
    ("aaabbc", 0.7, "013254"),
    ("abcdef", 1.0, "012345"),
    ("aaaa", 1.0, "0123"),
    ("", 0.5, ""),
    ("a", 1.0, "0"),
])  # fmt: skip
def test_the_more_strength_the_further_variants_go(families: str, strength: float, places: str) -> None:
    assert order(families, strength) == places


def test_what_is_out_of_stock_stays_last_and_counts_on() -> None:
    assert order("aabaab", 1.0, available=3) == "021534"


def test_what_is_looked_at_already_stands_before_all() -> None:
    families, looked_at = np.array([1, 2, 1]), np.array([2, 2, 9])
    places, _ = diversify(np.array([0.9, 1.0, 0.1]), families, 1.0, placed=looked_at)
    assert places.tolist() == [0, 2, 1]


def test_equal_scores_are_no_reason_to_show_variants() -> None:
    assert order("aab", 0.1, scores=[0.5, 0.5, 0.5]) == "021"


def test_nothing_moves_at_strength_0_and_scores_stay() -> None:
    places, scores = diversify(np.array([3.0, 2.0]), np.array([1, 1]), 0.0)
    assert (places.tolist(), scores.tolist()) == ([0, 1], [3.0, 2.0])


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_the_laws_hold_for_any_list(seed: int, strength: float) -> None:
    chance = random.Random(seed)
    count, split = 60, 45
    scores = np.concatenate([np.sort([chance.gauss(0, 1) for _ in range(n)])[::-1] for n in (split, count - split)])
    families = np.array([chance.randrange(12) for _ in range(count)])
    places, lowered = diversify(scores, families, strength, split)
    assert sorted(places.tolist()) == list(range(count))
    assert set(places[:split].tolist()) == set(range(split))
    for part in (slice(None, split), slice(split, None)):
        assert (np.diff(lowered[part]) <= 0).all(), "the scores say the order"
    for one in range(12):
        of_one = places[families[places] == one]
        assert of_one.tolist() == sorted(of_one.tolist()), "a family keeps its own order"
    if strength == 1.0:
        assert len(set(families[places[: len(set(families[:split]))]].tolist())) == len(set(families[:split]))
