"""Which titles are variants of one product."""

from __future__ import annotations

import pytest

from shelfwise.text.variants import variant_key

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
def test_variant_key_of_variants_is_equal(titles: list[str]) -> None:
    assert len({variant_key(title) for title in titles}) == 1, {title: variant_key(title) for title in titles}


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_variant_key_of_other_products_differs(one: str, other: str) -> None:
    assert variant_key(one) != variant_key(other)


@pytest.mark.parametrize("title", ["", "   ", "?!", "6 ft", "x" * 100_000, "1 x " * 5_000, "1" + " " * 50_000 + "m"])
def test_variant_key_of_any_title_exists(title: str) -> None:
    assert isinstance(variant_key(title), str)
