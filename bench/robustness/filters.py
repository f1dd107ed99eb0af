"""Random filters on a real catalogue: are items and facet counts those of brute force, and how long does it take?

With `--items` the filters alone, on a catalogue imported for it; with `--shop` whole searches, on a copy of a shop with
a generation and no events: hits, order, pages, `total` and facets. What a filter means is computed a second time
in `tests/support/filter_reference.py`, what a search finds in `bench/support/filter_results.py`. Times are of one
thread and drift on shared machines.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.support.filter_results import NOW, ReferenceSearch, disturb
from bench.support.options import add_mapping, import_catalogue, new_parser
from bench.support.timing import print_percentiles, timed
from shelfwise import Shop
from shelfwise.catalogue.facets import count_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.catalogue.sorting import SORTS
from shelfwise.types import SearchResult
from tests.support.filter_reference import FIELDS, Item, ReferenceFilter, counts, fold, plain, random_filter

BOUNDS = (0.0, 1e-9, 0.001, 0.02, 0.2, 0.8, 1.01)  # of the share of the items that pass
MAX_VALUES = 20  # of a facet
PAGE = 100
WORD = re.compile(r"(?<![^\s(,])[a-z][a-z0-9]+(?![^\s),])")  # neither a compound nor a measure


def main() -> None:
    parser = new_parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--items", metavar="FILE", help="the catalogue")
    source.add_argument(
        "--shop", type=Path, metavar="DIR", help="a shop with a generation and no events, which is copied"
    )
    add_mapping(parser)
    parser.add_argument("--filters", type=int, default=1_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    if options.shop:
        compare_searches(options.shop, options.filters, rng)
    else:
        compare_filters(options, rng)


# ---- the filters alone ----------------------------------------------------------------------------------------


def compare_filters(options: argparse.Namespace, rng: random.Random) -> None:
    """Compare the items and facet counts of random filters with brute force, and print the times of both."""
    with tempfile.TemporaryDirectory() as folder, Shop(folder) as shop:
        import_catalogue(shop, options)
        items = [plain(item) for item in shop.store.items.get([id for id, _ in shop.store.items.titles()]).values()]
        print(f"{len(items):,} items")
        time_loading(shop, items)
        columns = CatalogueCache(shop.store).current()
        names = sorted({name for item in rng.sample(items, 50) for name in item.values if name not in FIELDS})
        equal, shares, times = Counter[str](), list[float](), dict[str, list[float]]()
        for _ in range(options.filters):
            expected, same, took = compare_filter(random_filter(rng, items), rng.choice(names), columns, items)
            equal.update(name for name, holds in same.items() if holds)
            shares.append(len(expected) / len(items))
            for name, milliseconds in took.items():
                times.setdefault(name, []).append(milliseconds)
    print(
        f"{options.filters:,} filters: {equal['items']:,} with equal items, {equal['facets']:,} with equal facet counts"
    )
    print_shares(shares)
    for name, taken in times.items():
        print_percentiles(name, taken)


def compare_filter(
    condition: ReferenceFilter, attribute: str, columns: CatalogueSnapshot, items: list[Item]
) -> tuple[list[Item], dict[str, bool], dict[str, float]]:
    """Return the items that pass, whether items and facets are equal, and the milliseconds of each step."""
    brute_force, expected = timed(lambda: [item for item in items if condition.passes(item)])
    first, mask = timed(lambda: evaluate(parse(condition.text), columns))
    again, _ = timed(lambda: evaluate(parse(condition.text), columns))
    count_facets(mask, [attribute], columns)  # reads the attribute, if nothing did before
    fields, facets = timed(lambda: count_facets(mask, ["brand", "category", "price"], columns, MAX_VALUES))
    one, attribute_facet = timed(lambda: count_facets(mask, [attribute], columns, MAX_VALUES))
    same = {
        "items": {columns.ids[row] for row in np.flatnonzero(mask)} == {item.id for item in expected},
        "facets": equal_facets(facets | attribute_facet, expected),
    }
    return expected, same, {
        "brute force": brute_force, "parse and evaluate, first time": first, "parse and evaluate": again,
        "facets brand, category, price": fields, "facet of an attribute": one,
    }  # fmt: skip


def time_loading(shop: Shop, items: list[Item]) -> None:
    """Print how long the columns and one attribute take to load, whole and after one change."""
    catalogue = CatalogueCache(shop.store)
    names = Counter(name for item in items for name in item.values if name not in FIELDS).most_common(1)
    if not names:
        raise SystemExit("the catalogue: expected items with attributes, got none")
    name = names[0][0]
    loads = [timed(lambda: CatalogueCache(shop.store).current()) for _ in range(5)]
    print_percentiles("load all columns", [took for took, _ in loads])
    attributes = [timed(partial(columns.attribute, name))[0] for _, columns in loads]
    print_percentiles(f"load one attribute ({name})", attributes)
    catalogue.current().attribute(name)
    columns_times, attribute_times = [], []
    for position in range(50):
        shop.store.items.upsert([(0, {"id": items[position].id, "price": position + 0.123})])
        columns_times.append(timed(catalogue.current)[0])
        attribute_times.append(timed(lambda: catalogue.current().attribute(name))[0])
    print_percentiles("columns after one change", columns_times)
    print_percentiles("the attribute after one change", attribute_times)
    for item in items[:50]:
        shop.store.items.upsert([(0, {"id": item.id, "price": item.price})])


def equal_facets(facets: dict[str, list[dict[str, Any]]], expected: list[Item]) -> bool:
    """Return whether the counts are those of brute force, in its order."""
    prices = np.array([item.price for item in expected if item.price is not None])
    for name, entries in facets.items():
        if name == "price":
            ends = [(entry["from"] or 0.0, entry["to"] or np.inf, entry["count"]) for entry in entries]
            inside = all(((low <= prices) & (prices < high)).sum() == count for low, high, count in ends)
            equal = inside and sum(count for _, _, count in ends) == len(prices)
        else:
            first = sorted(counts(expected, name).items(), key=lambda entry: (-entry[1], entry[0]))[:MAX_VALUES]
            equal = [(fold(entry["value"]), entry["count"]) for entry in entries] == first
        if not equal:
            return False
    return True


# ---- whole searches -------------------------------------------------------------------------------------------


def compare_searches(folder: Path, filters: int, rng: random.Random) -> None:
    """Compare whole searches with the reference's, and print what differs."""
    with tempfile.TemporaryDirectory() as scratch:
        copied = shutil.copytree(folder, Path(scratch) / "shop")
        with Shop(copied, clock=lambda: NOW) as shop:
            reference = ReferenceSearch(shop, disturb(shop, rng))
            print(f"{len(reference.items):,} items")
            equal, shares, sizes = Counter[str](), list[float](), list[int]()
            for _ in range(filters):
                condition = random_filter(rng, reference.items) if rng.random() < 0.95 else None
                passing, sort = reference.passing(condition), rng.choice(SORTS)
                words = random_words(rng, reference, passing)
                expected, relaxed = reference.search(words, passing)
                search = FilteredSearch(shop, " ".join(words), condition.text if condition else None, sort)
                same = search.compare(reference, expected, relaxed, rng)
                equal.update(name for name, holds in same.items() if holds)
                equal["all of it"] += all(same.values())
                shares.append(len(passing) / len(reference.items))
                sizes.append(len(expected))
                if not all(same.values()):
                    print(f"  differs: {same} {search.query!r} {sort} {search.filter or ''}")
    print(f"{filters:,} searches: " + ", ".join(f"{name} equal in {number:,}" for name, number in equal.items()))
    print_shares(shares)
    cuts = np.quantile(sizes, (0.1, 0.5, 0.9)).astype(int).tolist()
    print(f"results of {cuts} items at the 10th, 50th and 90th percentile, none in {sizes.count(0)}")


def random_words(rng: random.Random, reference: ReferenceSearch, passing: Sequence[int]) -> list[str]:
    """Return 1 to 4 words of a title, mostly of an item that passes; at times one that no item has."""
    position = rng.choice(passing if passing and rng.random() < 0.8 else range(len(reference.items)))
    words = WORD.findall(reference.titles[position].lower()) or ["cable"]
    chosen = rng.sample(words, min(len(words), rng.randint(1, 4)))
    return [*chosen, "zzyxqw"] if rng.random() < 0.1 else chosen


class FilteredSearch:
    """One search of the shop, without logging and corrections."""

    def __init__(self, shop: Shop, query: str, filter: str | None, sort: str) -> None:
        self.shop, self.query, self.filter, self.sort = shop, query, filter, sort

    def page(self, offset: int, limit: int, facets: Sequence[str]) -> SearchResult:
        """Return one page of the answer."""
        return self.shop.search(
            self.query, limit=limit, offset=offset, log=False, exact=True, filter=self.filter, facets=facets,
            sort=self.sort,
        )  # fmt: skip

    def compare(
        self, reference: ReferenceSearch, expected: list[Item], relaxed: bool, rng: random.Random
    ) -> dict[str, bool]:
        """Return for each part of the answer whether it is the reference's."""
        attribute = rng.choice(sorted(rng.choice(reference.items).values))
        facets = ["brand", "category", "price", "stock", "tags", attribute]
        first = self.page(0, PAGE, facets)
        pages = [first, *(self.page(offset, PAGE, facets) for offset in range(PAGE, first.total, PAGE))]
        ids = [hit.id for answer in pages for hit in answer.hits]
        stock = [hit.item["in_stock"] for answer in pages for hit in answer.hits]
        in_order = stock == sorted(stock, reverse=True)
        if self.sort != "relevance":
            in_order = ids == reference.sorted_ids(expected, self.sort)
        start, limit = rng.randint(0, len(ids) + 5), rng.randint(1, PAGE)
        return {
            "hits": sorted(ids) == sorted(item.id for item in expected),
            "order": in_order,
            "pages": [hit.id for hit in self.page(start, limit, facets).hits] == ids[start : start + limit],
            "total": {answer.total for answer in pages} == {len(expected)},
            "facets": equal_facets(first.facets, expected),
            "relaxed": bool(first.relaxed) == relaxed,
        }


def print_shares(shares: Sequence[float]) -> None:
    """Print how many filters let which share of the items pass."""
    numbers = Counter(int(np.searchsorted(BOUNDS, share, side="right")) for share in shares)
    up_to = [f"{numbers[place]} up to {bound:.1%}" for place, bound in enumerate(BOUNDS[2:-1], start=2)]
    print(f"how many let pass: nothing {numbers[1]}, {', '.join(up_to)}, more {numbers[len(BOUNDS) - 1]}")


if __name__ == "__main__":
    main()
