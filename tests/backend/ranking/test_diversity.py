"""How members of one family give way to others."""

from __future__ import annotations

import random

import numpy as np
import pytest

from shelfwise.ranking.diversity import diversify


def order(families: str, strength: float, scores: list[float] | None = None, available: int | None = None) -> str:
    """Where each place of the page comes from, for scores that fall by 0.1."""
    values = np.array(scores or [1 - 0.1 * place for place in range(len(families))])
    places, _ = diversify(values, np.array([ord(family) for family in families]), strength, available)
    return "".join("0123456789"[place] for place in places)


@pytest.mark.parametrize(("families", "strength", "places"), [
    ("aaabbc", 0.0, "012345"),
    ("aaabbc", 1.0, "035142"),  # a b c, a b, a
    ("aaabbc", 0.55, "013245"),  # the spread is 0.5, so that each before costs 0.06
    ("aaabbc", 0.7, "013254"), ("abcdef", 1.0, "012345"), ("aaaa", 1.0, "0123"), ("", 0.5, ""), ("a", 1.0, "0"),
])  # fmt: skip
def test_variants_move_with_strength(families: str, strength: float, places: str) -> None:
    assert order(families, strength) == places


def test_items_out_of_stock_stay_last() -> None:
    assert order("aabaab", 1.0, available=3) == "021534"


def test_placed_families_count_as_earlier() -> None:
    families, looked_at = np.array([1, 2, 1]), np.array([2, 2, 9])
    places, _ = diversify(np.array([0.9, 1.0, 0.1]), families, 1.0, placed=looked_at)
    assert places.tolist() == [0, 2, 1]


def test_variants_of_equal_scores_make_way() -> None:
    assert order("aab", 0.1, scores=[0.5, 0.5, 0.5]) == "021"


def test_strength_0_moves_nothing() -> None:
    places, scores = diversify(np.array([3.0, 2.0]), np.array([1, 1]), 0.0)
    assert (places.tolist(), scores.tolist()) == ([0, 1], [3.0, 2.0])


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_random_lists_keep_stock_order_and_family_order(seed: int, strength: float) -> None:
    rng = random.Random(seed)
    count, split = 60, 45
    scores = np.concatenate([np.sort([rng.gauss(0, 1) for _ in range(n)])[::-1] for n in (split, count - split)])
    families = np.array([rng.randrange(12) for _ in range(count)])
    places, lowered = diversify(scores, families, strength, split)
    assert sorted(places.tolist()) == list(range(count))
    assert set(places[:split].tolist()) == set(range(split))
    for part in (slice(None, split), slice(split, None)):
        assert (np.diff(lowered[part]) <= 0).all(), "the scores say the order"
    for family in range(12):
        members = places[families[places] == family]
        assert members.tolist() == sorted(members.tolist()), "a family keeps its own order"
    if strength == 1.0:
        assert len(set(families[places[: len(set(families[:split]))]].tolist())) == len(set(families[:split]))
