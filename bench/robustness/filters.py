"""Random filters on a real catalogue: are items and facet counts those of brute force, and how long does it take?

With `--items` the filters alone, on a catalogue imported for it; with `--shop` whole searches, on a copy of a shop with
a generation and without memory: hits, order, pages, `total` and facets. What a filter means is said a second time in
`tests/filter_reference.py`, what a search finds in `results.py`. Times are of one thread and drift on shared machines.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.support.results import NOW, Reference, disturb
from shelfwise import Shop
from shelfwise.catalogue.facets import count_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.catalogue.sorting import SORTS
from shelfwise.ingest.importer import ImportFiles, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.types import ITEM_FIELDS, SearchResult

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from support.filter_reference import FIELDS, Asked, Item, counts, fold, plain, random_filter

BOUNDS = (0.0, 1e-9, 0.001, 0.02, 0.2, 0.8, 1.01)  # of the share of the items that pass
MOST = 20
PAGE = 100
WORD = re.compile(r"(?<![^\s(,])[a-z][a-z0-9]+(?![^\s),])")  # neither a compound nor a measure


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    data = options.add_mutually_exclusive_group(required=True)
    data.add_argument("--items", metavar="FILE", help="the catalogue")
    data.add_argument("--shop", type=Path, metavar="DIR", help="a shop with a generation, which is copied")
    options.add_argument("--map", dest="rename", action="append", default=[], metavar="FIELD=COLUMN")
    options.add_argument("--scale", action="append", default=[], metavar="FIELD=FACTOR")
    options.add_argument("--filters", type=int, default=1_000, metavar="N")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    if given.shop:
        search(given.shop, given.filters, random.Random(given.seed))
        return
    with tempfile.TemporaryDirectory() as folder, Shop(folder) as shop:
        reading = ColumnMapping.of(ITEM_FIELDS, given.rename, given.scale)
        import_items(shop, ImportFiles([given.items], reading))
        items = [plain(item) for item in shop.store.items.get([id for id, _ in shop.store.items.titles()]).values()]
        print(f"{len(items):,} items")
        measure_memory(shop, items)
        compare(CatalogueCache(shop.store).current(), items, given.filters, random.Random(given.seed))


def measure_memory(shop: Shop, items: list[Item]) -> None:
    catalogue = CatalogueCache(shop.store)
    (name, _), *_ = Counter(name for item in items for name in item.values if name not in FIELDS).most_common(1)
    show("load all columns", [timed(lambda: CatalogueCache(shop.store).current())[0] for _ in range(5)])
    show(
        f"load one attribute ({name})",
        [timed(lambda: CatalogueCache(shop.store).attribute(name, 0))[0] for _ in range(5)],
    )
    catalogue.current().attribute(name)
    columns, attribute = [], []
    for turn in range(50):
        shop.store.items.upsert([(0, {"id": items[turn].id, "price": turn + 0.123})])
        columns.append(timed(catalogue.current)[0])
        attribute.append(timed(lambda: catalogue.current().attribute(name))[0])
    show("columns after one change", columns)
    show("the attribute after one change", attribute)
    for turn in range(50):
        shop.store.items.upsert([(0, {"id": items[turn].id, "price": items[turn].price})])


def compare(columns: CatalogueSnapshot, items: list[Item], filters: int, chance: random.Random) -> None:
    names = sorted({name for item in chance.sample(items, 50) for name in item.values if name not in FIELDS})
    equal, shares, times = Counter[str](), list[float](), dict[str, list[float]]()
    for _ in range(filters):
        asked, also = random_filter(chance, items), chance.choice(names)
        slow, wanted = timed(lambda asked=asked: [item for item in items if asked.passes(item)])  # type: ignore[misc]
        first, mask = timed(lambda asked=asked: evaluate(parse(asked.text), columns))  # type: ignore[misc]
        again, _ = timed(lambda asked=asked: evaluate(parse(asked.text), columns))  # type: ignore[misc]
        count_facets(mask, [also], columns)  # reads the attribute, if nothing did before
        three, counted = timed(lambda mask=mask: count_facets(mask, ["brand", "category", "price"], columns, MOST))  # type: ignore[misc]
        one, attribute = timed(lambda mask=mask, also=also: count_facets(mask, [also], columns, MOST))  # type: ignore[misc]
        for name, took in (
            ("brute force", slow), ("parse and evaluate, first time", first), ("parse and evaluate", again),
            ("facets brand, category, price", three), ("facet of an attribute", one),
        ):  # fmt: skip
            times.setdefault(name, []).append(took)
        equal["items"] += {columns.ids[row] for row in np.flatnonzero(mask)} == {item.id for item in wanted}
        equal["facets"] += agree(counted | attribute, wanted)
        shares.append(len(wanted) / len(items))
    print(f"{filters:,} filters: {equal['items']:,} with equal items, {equal['facets']:,} with equal facet counts")
    show_shares(shares)
    for name, taken in times.items():
        show(name, taken)


def agree(counted: dict[str, list[dict[str, Any]]], wanted: list[Item]) -> bool:
    prices = np.array([item.price for item in wanted if item.price is not None])
    for name, entries in counted.items():
        if name == "price":
            ends = [(entry["from"] or 0.0, entry["to"] or np.inf, entry["count"]) for entry in entries]
            inside = all(((low <= prices) & (prices < high)).sum() == count for low, high, count in ends)
            equal = inside and sum(count for _, _, count in ends) == len(prices)
        else:
            first = sorted(counts(wanted, name).items(), key=lambda entry: (-entry[1], entry[0]))[:MOST]
            equal = [(fold(entry["value"]), entry["count"]) for entry in entries] == first
        if not equal:
            return False
    return True


def search(folder: Path, filters: int, chance: random.Random) -> None:
    """Whole searches beside the reference's; prints what differs."""
    with tempfile.TemporaryDirectory() as scratch:
        copied = shutil.copytree(folder, Path(scratch) / "shop")
        with Shop(copied, clock=lambda: NOW) as shop:
            reference = Reference(shop, disturb(shop, chance))
            print(f"{len(reference.items):,} items")
            equal, shares, sizes = Counter[str](), list[float](), list[int]()
            for _ in range(filters):
                asked = random_filter(chance, reference.items) if chance.random() < 0.95 else None
                passing, sort = reference.passing(asked), chance.choice(SORTS)
                words = some_words(chance, reference, passing)
                found, relaxed = reference.result(words, passing)
                same = compare_search(shop, chance, words, asked, sort, found, relaxed, reference)
                equal.update(name for name, holds in same.items() if holds)
                equal["all of it"] += all(same.values())
                shares.append(len(passing) / len(reference.items))
                sizes.append(len(found))
                if not all(same.values()):
                    print(f"  differs: {same} {' '.join(words)!r} {sort} {asked.text if asked else ''}")
    print(f"{filters:,} searches: " + ", ".join(f"{name} equal in {number:,}" for name, number in equal.items()))
    show_shares(shares)
    cuts = np.quantile(sizes, (0.1, 0.5, 0.9)).astype(int).tolist()
    print(f"results of {cuts} items at the 10th, 50th and 90th percentile, none in {sizes.count(0)}")


def some_words(chance: random.Random, reference: Reference, passing: Sequence[int]) -> list[str]:
    """1 to 4 words of a title, mostly of an item that passes; at times one that no item has."""
    every = range(len(reference.items))
    place = chance.choice(passing if passing and chance.random() < 0.8 else every)
    words = WORD.findall(reference.titles[place].lower()) or ["cable"]
    chosen = chance.sample(words, min(len(words), chance.randint(1, 4)))
    return [*chosen, "zzyxqw"] if chance.random() < 0.1 else chosen


def compare_search(
    shop: Shop,
    chance: random.Random,
    words: list[str],
    asked: Asked | None,
    sort: str,
    found: list[Item],
    relaxed: bool,
    reference: Reference,
) -> dict[str, bool]:
    names = [
        "brand",
        "category",
        "price",
        "stock",
        "tags",
        chance.choice(sorted(chance.choice(reference.items).values)),
    ]

    def page(offset: int, limit: int) -> SearchResult:
        return shop.search(
            " ".join(words), limit=limit, offset=offset, log=False, exact=True,
            filter=asked.text if asked else None, facets=names, sort=sort,
        )  # fmt: skip

    first = page(0, PAGE)
    pages = [first, *(page(offset, PAGE) for offset in range(PAGE, first.total, PAGE))]
    ids = [hit.id for answer in pages for hit in answer.hits]
    stock = [hit.item["in_stock"] for answer in pages for hit in answer.hits]
    start, limit = chance.randint(0, len(ids) + 5), chance.randint(1, PAGE)
    return {
        "hits": sorted(ids) == sorted(item.id for item in found),
        "order": ids == reference.ordered(found, sort) if sort != "relevance" else stock == sorted(stock, reverse=True),
        "pages": [hit.id for hit in page(start, limit).hits] == ids[start : start + limit],
        "total": {answer.total for answer in pages} == {len(found)},
        "facets": agree(first.facets, found),
        "relaxed": bool(first.relaxed) == relaxed,
    }


def show_shares(shares: Sequence[float]) -> None:
    counts = Counter(int(np.searchsorted(BOUNDS, share, side="right")) for share in shares)
    passed = [f"{counts[place]} up to {bound:.1%}" for place, bound in enumerate(BOUNDS[2:-1], start=2)]
    print(f"how many let pass: nothing {counts[1]}, {', '.join(passed)}, more {counts[len(BOUNDS) - 1]}")


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what it gave."""
    started = time.perf_counter()
    result = call()
    return (time.perf_counter() - started) * 1000, result


def show(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    print(f"{name:<60} p50 {cuts[49]:8.3f} ms   p99 {cuts[98]:8.3f} ms")


if __name__ == "__main__":
    main()
