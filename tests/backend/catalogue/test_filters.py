"""Filters and facets over a random catalogue, compared with brute force over its plain items."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.facets import count_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.store import Store
from shelfwise.validation import parse_item
from support.filter_reference import Item, ReferenceFilter, counts, fold, plain, random_filter

BRANDS = ["Sony", "SONY", "sony", "Sony Ericsson", 'Quote"s, and (co)', "Größe", "ＨＰ", "HP", "A:B", "not", "", None]
CATEGORIES = [
    "Audio", "Audio > Headphones", "audio > headphones > In-Ear", "AUDIO>Speakers", "Audiobooks", "Home > Audio", None,
]  # fmt: skip
FACETS = ["brand", "category", "stock", "tags", "colour", "screen.size", "wireless", "weight", "Product Line", "none"]
MAX_ITEMS = 1_000


def random_item(rng: random.Random, number: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": f"i{number}", "title": f"Thing {number}", "brand": rng.choice(BRANDS),
        "category": rng.choice(CATEGORIES), "in_stock": rng.random() < 0.8,
        "price": rng.choice([None, 0, 9.99, 10, 20, round(rng.uniform(1, 300), 2)]),
        "created_at": rng.choice([None, f"202{rng.randint(0, 5)}-0{rng.randint(1, 9)}-15T23:59:59Z"]),
        "tags": rng.sample(["sale", "Sale", "new", "gift, wrapped", "2.0"], rng.randint(0, 3)),
        "colour": rng.choice(["Red", "red", "Dark  Red", ["Red", "Blue"], None, "a..b", 17]),
        "weight": rng.choice([1, 1.0, 1.5, "1.50", "2.0", "heavy", None, round(rng.uniform(0, 5), 1)]),
        "wireless": rng.choice([True, False, None]),
        "Product Line": rng.choice(["x" * 201, "Pro", None]),
    }  # fmt: skip
    if rng.random() < 0.5:
        item["screen"] = {"size": rng.choice([15, 15.6, 17.0, "17"]), "kind": "OLED"}
    return {name: value for name, value in item.items() if value is not None}


class RandomShop:
    """A store of random items, and what there is in it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.store = Store(folder)
        self.catalogue = CatalogueCache(self.store)
        self.ids = [f"i{number}" for number in range(MAX_ITEMS)]
        self.put(*range(300))

    def put(self, *numbers: int) -> None:
        self.store.items.upsert([(0, parse_item(random_item(self.rng, number))) for number in numbers])

    def items(self) -> list[Item]:
        return [plain(item) for item in self.store.items.get(self.ids).values()]


@pytest.fixture(params=range(3))
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RandomShop]:
    opened = RandomShop(tmp_path / "shop", request.param)
    yield opened
    opened.store.close()


def ids_passing(columns: CatalogueSnapshot, filter: ReferenceFilter) -> set[str | None]:
    return {columns.ids[row] for row in np.flatnonzero(evaluate(parse(filter.text), columns))}


def assert_agrees_with_brute_force(shop: RandomShop, times: int) -> list[float]:
    """Compare random filters and all facets under each; return the shares of the items that passed."""
    items, columns, shares = shop.items(), shop.catalogue.current(), []
    for _ in range(times):
        filter = random_filter(shop.rng, items)
        wanted = [item for item in items if filter.passes(item)]
        assert ids_passing(columns, filter) == {item.id for item in wanted}, filter.text
        shares.append(len(wanted) / len(items))
        names = shop.rng.sample(FACETS, 4)
        counted = count_facets(evaluate(parse(filter.text), columns), [*names, "price"], columns, limit=5)
        for name in names:
            first = sorted(counts(wanted, name).items(), key=lambda entry: (-entry[1], entry[0]))[:5]
            assert [(fold(entry["value"]), entry["count"]) for entry in counted[name]] == first, (filter.text, name)
        assert_valid_price_ranges(counted["price"], [item.price for item in wanted if item.price is not None])
    return shares


def assert_valid_price_ranges(ranges: list[dict[str, Any]], prices: list[float]) -> None:
    """Assert that every price is in exactly one of the ranges, which come in their order."""
    inside = [(entry["from"] or 0, entry["to"] or np.inf) for entry in ranges]
    assert [sum(low <= price < high for price in prices) for low, high in inside] == [e["count"] for e in ranges]
    assert sum(entry["count"] for entry in ranges) == len(prices)
    assert inside == sorted(inside) and all(entry["count"] for entry in ranges)


def test_random_filters_agree_with_brute_force(shop: RandomShop) -> None:
    shares = assert_agrees_with_brute_force(shop, times=100)
    for low, high in ((0, 0.001), (0.001, 0.1), (0.1, 0.5), (0.5, 0.999), (0.999, 1.01)):
        assert any(low <= share < high for share in shares), "filters of all selectivities were tried"


def test_random_filters_agree_after_every_change(shop: RandomShop) -> None:
    assert_agrees_with_brute_force(shop, times=5)
    for _ in range(8):
        some = shop.rng.sample(range(330), 12)
        shop.store.items.delete([f"i{number}" for number in some[:4]])
        shop.put(*some[3:])  # one of the deleted comes back
        assert_agrees_with_brute_force(shop, times=4)
    assert len(shop.items()) < shop.catalogue.current().size - 1, "some are tombstones"


def test_an_attribute_read_late_fits_an_old_snapshot(shop: RandomShop) -> None:
    """Its values may be newer than the rest, but name no row that the snapshot doesn't have."""
    old = shop.catalogue.current()
    shop.put(*range(295, 400))
    assert shop.catalogue.current().size > old.size
    mask = evaluate(parse("colour:red OR NOT colour:red"), old)
    assert mask.tolist() == old.live.tolist()
    assert count_facets(mask, ["weight"], old)["weight"]


def test_no_filter_lets_all_live_items_pass(shop: RandomShop) -> None:
    shop.store.items.delete(["i7"])
    columns = shop.catalogue.current()
    for filter in (None, parse(" ")):
        mask = evaluate(filter, columns)
        assert mask.sum() == 299 and not mask[columns.row_of["i7"]]
        mask[:] = False
    assert columns.live.sum() == 299, "the mask was the caller's to change"


SHELF = [
    {"id": "a", "brand": "Sony", "category": "Audio > Headphones", "price": 10, "tags": ["sale"], "size": 17.0},
    {"id": "b", "brand": "SONY", "category": "audio", "price": 20, "in_stock": False, "size": "17"},
    {"id": "c", "brand": "Sony Ericsson", "category": "Audiobooks", "created_at": "2024-06-01T12:00", "size": "large"},
    {"id": "d", "colour": ["Red", "Blue"], "screen": {"size": 15.6}, "wireless": True},
]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogueSnapshot]:
    store = Store(tmp_path_factory.mktemp("shelf"))
    store.items.upsert([(0, parse_item(item | {"title": "Thing"})) for item in SHELF])
    yield CatalogueCache(store).current()
    store.close()


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ("brand:sony", "ab"),
        ("brand:hp,SONY", "ab"),
        ("NOT brand:sony", "cd"),
        ("category:Audio", "ab"),
        ("category:AUDIO>headphones", "a"),
        ("category:headphones", ""),
        ("price:10..20", "ab"),
        ("price:10..<20", "a"),
        ("NOT price:10..", "cd"),
        ("price:15..5", ""),
        ("stock:in", "acd"),
        ("stock:out", "b"),
        ("created_at:2024-06-01", "c"),
        ("created_at:..2024-06-01", "c"),
        ("created_at:2024-06-02..", ""),
        ("created_at:..<2024-06-01", ""),
        ("tags:SALE", "a"),
        ("colour:blue", "d"),
        ("colour:red colour:blue", "d"),
        ("screen.size:15..16", "d"),
        ("wireless:true", "d"),
        ("wireless:false", ""),
        ("size:17", "ab"),
        ("size:17.0", "ab"),
        ("size:16.5..17", "ab"),
        ("size:0..", "ab"),
        ("id:b,c,unknown", "bc"),
        ("id:B", ""),
        ("nothing:of-the-kind", ""),
        ("NOT nothing:1..2", "abcd"),
        ("brand:sony (stock:out OR tags:sale) NOT size:large", "ab"),
    ],
)
def test_what_passes(shelf: CatalogueSnapshot, filter: str, ids: str) -> None:
    assert "".join(sorted(shelf.ids[row] or "" for row in np.flatnonzero(evaluate(parse(filter), shelf)))) == ids
