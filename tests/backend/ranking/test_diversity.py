"""Which titles are variants of one product, and how they give way to others."""

from __future__ import annotations

import random

import numpy as np
import pytest

from shelfwise.ranking.diversity import diversify, variant_key

FAMILIES = {
    "colours": ["Red Coffee Mug", "Blue Coffee Mug", "coffee mug, LIGHT-GREEN", "Coffee Mug - Rose Gold"],
    "two colours": ["BLUE/YELLOW FLOWER DESIGN BIG MUG", "PINK/GREEN FLOWER DESIGN BIG MUG"],
    "lengths": ["Patch Cable 3m", "Patch Cable, 0.91 m (3-ft.)", "10 ft Patch Cable", "Patch Cable 1,00 m"],
    "inches": ['Laptop Sleeve 14"', "Laptop Sleeve 39.6 cm (15.6”)", "Laptop Sleeve 17-inch", "Laptop Sleeve 13in"],
    "areas": ["Labels A4 105x148 mm", "Labels A4 45.7 x 21.2 mm", "Labels A4 841 mm x 91.4 m"],
    "contents": ["Peach Tea 250 g", "Peach Tea 1kg", "Peach Tea 2 L", "Peach Tea 330ml"],
    "capacities": ["Canvas Go memory card 128 GB", "Canvas Go memory card 1TB"],
    "packs": [
        "PACK OF 6 FRUIT STRAWS", "Fruit Straws (12-Pack)", "FRUIT STRAWS", "SET/3 FRUIT STRAWS", "S/4 FRUIT STRAWS",
        "Set of Three Fruit Straws", "Fruit Straws 100 pc(s)", "Fruit Straws 25 pcs.",
    ],
    "fits": [
        "Running Shirt, XL", "Running Shirt - M", "Running Shirt (S)", "Running Shirt size 42", "LARGE RUNNING SHIRT",
        "Running Shirt extra small", "Running Shirt",
    ],
}  # fmt: skip
STRANGERS = [
    ("Halo 3 Xbox 360", "Halo 3 PlayStation 3"), ("Mass Effect 2", "Mass Effect 3"), ("FIFA 11", "FIFA 12"),
    ("HP 15 Original Black", "HP 85 Original Black"), ("HP 74 Original Black", "HP 74XL Original Black"),
    ("DVD+R 4.7 GB 10 pc(s)", "DVD-R 4.7 GB 10 pc(s)"), ("Canon 701L Original", "Canon 702L Original"),
    ("HP 2309m LCD Monitor", "HP 2509m LCD Monitor"), ("Moto G 3G Phone", "Moto G 4G Phone"),
    ("Lenovo ThinkBook 14 i5", "Lenovo ThinkBook 14 i7"), ("Allied Telesis AT-8624M", "Allied Telesis AT-9724M"),
    ("Toy 2 in 1", "Toy 3 in 1"), ("LETTER S KEY RING", "LETTER M KEY RING"), ("Cable HD15 M/M", "Cable HD15 M/F"),
    ("Red", "Blue"), ("Red Faction", "Blue Faction"), ("iPhone 7 32GB", "iPhone 7 Plus 32GB"),
    ("赤いマグカップ", "青いマグカップ"), ("50's Wrap Roll", "60's Wrap Roll"),
]  # fmt: skip


@pytest.mark.parametrize("titles", FAMILIES.values(), ids=FAMILIES.keys())
def test_variants_are_of_one_family(titles: list[str]) -> None:
    assert len({variant_key(title) for title in titles}) == 1, {title: variant_key(title) for title in titles}


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_what_differs_otherwise_is_not(one: str, other: str) -> None:
    assert variant_key(one) != variant_key(other)


@pytest.mark.parametrize("title", ["", "   ", "?!", "6 ft", "x" * 100_000, "1 x " * 5_000, "1" + " " * 50_000 + "m"])
def test_any_title_has_a_family(title: str) -> None:
    assert isinstance(variant_key(title), str)


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
