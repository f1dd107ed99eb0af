"""Filters and facets over a made-up catalogue, compared with brute force over its plain items."""

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
from support.filter_reference import Asked, Item, counts, fold, plain, random_filter

BRANDS = ["Sony", "SONY", "sony", "Sony Ericsson", 'Quote"s, and (co)', "Größe", "ＨＰ", "HP", "A:B", "not", "", None]
CATEGORIES = [
    "Audio", "Audio > Headphones", "audio > headphones > In-Ear", "AUDIO>Speakers", "Audiobooks", "Home > Audio", None,
]  # fmt: skip
FACETS = ["brand", "category", "stock", "tags", "colour", "screen.size", "wireless", "weight", "Product Line", "none"]
MOST = 1_000


def made_up(chance: random.Random, number: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": f"i{number}", "title": f"Thing {number}", "brand": chance.choice(BRANDS),
        "category": chance.choice(CATEGORIES), "in_stock": chance.random() < 0.8,
        "price": chance.choice([None, 0, 9.99, 10, 20, round(chance.uniform(1, 300), 2)]),
        "created_at": chance.choice([None, f"202{chance.randint(0, 5)}-0{chance.randint(1, 9)}-15T23:59:59Z"]),
        "tags": chance.sample(["sale", "Sale", "new", "gift, wrapped", "2.0"], chance.randint(0, 3)),
        "colour": chance.choice(["Red", "red", "Dark  Red", ["Red", "Blue"], None, "a..b", 17]),
        "weight": chance.choice([1, 1.0, 1.5, "1.50", "2.0", "heavy", None, round(chance.uniform(0, 5), 1)]),
        "wireless": chance.choice([True, False, None]),
        "Product Line": chance.choice(["x" * 201, "Pro", None]),
    }  # fmt: skip
    if chance.random() < 0.5:
        item["screen"] = {"size": chance.choice([15, 15.6, 17.0, "17"]), "kind": "OLED"}
    return {name: value for name, value in item.items() if value is not None}


class Made:
    """A store of made-up items, and what there is in it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.store = Store(folder)
        self.catalogue = CatalogueCache(self.store)
        self.ids = [f"i{number}" for number in range(MOST)]
        self.put(*range(300))

    def put(self, *numbers: int) -> None:
        self.store.items.upsert([(0, parse_item(made_up(self.chance, number))) for number in numbers])

    def items(self) -> list[Item]:
        return [plain(item) for item in self.store.items.get(self.ids).values()]


@pytest.fixture(params=range(3))
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Made]:
    opened = Made(tmp_path / "shop", request.param)
    yield opened
    opened.store.close()


def passing(columns: CatalogueSnapshot, asked: Asked) -> set[str | None]:
    return {columns.ids[row] for row in np.flatnonzero(evaluate(parse(asked.text), columns))}


def compare(made: Made, times: int) -> list[float]:
    """Random filters and all facets under each; returns the shares of the items that passed."""
    items, columns, shares = made.items(), made.catalogue.current(), []
    for _ in range(times):
        asked = random_filter(made.chance, items)
        wanted = [item for item in items if asked.passes(item)]
        assert passing(columns, asked) == {item.id for item in wanted}, asked.text
        shares.append(len(wanted) / len(items))
        names = made.chance.sample(FACETS, 4)
        counted = count_facets(evaluate(parse(asked.text), columns), [*names, "price"], columns, limit=5)
        for name in names:
            first = sorted(counts(wanted, name).items(), key=lambda entry: (-entry[1], entry[0]))[:5]
            assert [(fold(entry["value"]), entry["count"]) for entry in counted[name]] == first, (asked.text, name)
        check_prices(counted["price"], [item.price for item in wanted if item.price is not None])
    return shares


def check_prices(ranges: list[dict[str, Any]], prices: list[float]) -> None:
    """Every price is in exactly one of the ranges, which come in their order."""
    inside = [(entry["from"] or 0, entry["to"] or np.inf) for entry in ranges]
    assert [sum(low <= price < high for price in prices) for low, high in inside] == [e["count"] for e in ranges]
    assert sum(entry["count"] for entry in ranges) == len(prices)
    assert inside == sorted(inside) and all(entry["count"] for entry in ranges)


def test_random_filters_agree_with_brute_force(made: Made) -> None:
    shares = compare(made, times=100)
    for low, high in ((0, 0.001), (0.001, 0.1), (0.1, 0.5), (0.5, 0.999), (0.999, 1.01)):
        assert any(low <= share < high for share in shares), "filters of all selectivities were tried"


def test_and_they_still_do_after_every_change(made: Made) -> None:
    compare(made, times=5)
    for _ in range(8):
        some = made.chance.sample(range(330), 12)
        made.store.items.delete([f"i{number}" for number in some[:4]])
        made.put(*some[3:])  # one of the deleted comes back
        compare(made, times=4)
    assert len(made.items()) < made.catalogue.current().size - 1, "some are tombstones"


def test_an_attribute_read_late_fits_an_old_snapshot(made: Made) -> None:
    """Its values may be newer than the rest, but name no row that the snapshot doesn't have."""
    old = made.catalogue.current()
    made.put(*range(295, 400))
    assert made.catalogue.current().size > old.size
    mask = evaluate(parse("colour:red OR NOT colour:red"), old)
    assert mask.tolist() == old.live.tolist()
    assert count_facets(mask, ["weight"], old)["weight"]


def test_no_filter_lets_all_live_items_pass(made: Made) -> None:
    made.store.items.delete(["i7"])
    columns = made.catalogue.current()
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
        ("id:b,c,nobody", "bc"),
        ("id:B", ""),
        ("nothing:of-the-kind", ""),
        ("NOT nothing:1..2", "abcd"),
        ("brand:sony (stock:out OR tags:sale) NOT size:large", "ab"),
    ],
)
def test_what_passes(shelf: CatalogueSnapshot, filter: str, ids: str) -> None:
    assert "".join(sorted(shelf.ids[row] or "" for row in np.flatnonzero(evaluate(parse(filter), shelf)))) == ids
