"""Random filters on a real catalogue: are items and facet counts those of brute force, and how long does it take?

The catalogue is imported into a shop of its own, which is thrown away. What a filter means is said a second time in
`tests/filter_reference.py`. Times are of one thread and drift on shared machines.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise import Shop
from shelfwise.columns import Catalogue, Columns
from shelfwise.facets import facets
from shelfwise.filters import evaluate
from shelfwise.grammar import parse
from shelfwise.importing import import_items
from shelfwise.records import ITEM_FIELDS
from shelfwise.rows import Reading

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from filter_reference import FIELDS, Item, counts, fold, plain, random_filter

BOUNDS = (0.0, 1e-9, 0.001, 0.02, 0.2, 0.8, 1.01)  # of the share of the items that pass
MOST = 20


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--items", required=True, metavar="FILE", help="the catalogue")
    options.add_argument("--map", dest="rename", action="append", default=[], metavar="FIELD=COLUMN")
    options.add_argument("--scale", action="append", default=[], metavar="FIELD=FACTOR")
    options.add_argument("--filters", type=int, default=1_000, metavar="N")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, Shop(folder) as shop:
        reading = Reading.of(ITEM_FIELDS, given.rename, given.scale)
        import_items(shop, [given.items], reading, lambda bad: None, lambda count: None)
        items = [plain(item) for item in shop.store.items.get([id for id, _ in shop.store.items.titles()]).values()]
        print(f"{len(items):,} items")
        measure_memory(shop, items)
        compare(Catalogue(shop.store).current(), items, given.filters, random.Random(given.seed))


def measure_memory(shop: Shop, items: list[Item]) -> None:
    catalogue = Catalogue(shop.store)
    (name, _), *_ = Counter(name for item in items for name in item.values if name not in FIELDS).most_common(1)
    show("load all columns", [timed(lambda: Catalogue(shop.store).current())[0] for _ in range(5)])
    show(f"load one attribute ({name})", [timed(lambda: Catalogue(shop.store).attribute(name, 0))[0] for _ in range(5)])
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


def compare(columns: Columns, items: list[Item], filters: int, chance: random.Random) -> None:
    names = sorted({name for item in chance.sample(items, 50) for name in item.values if name not in FIELDS})
    equal, shares, times = Counter[str](), Counter[int](), dict[str, list[float]]()
    for _ in range(filters):
        asked, also = random_filter(chance, items), chance.choice(names)
        slow, wanted = timed(lambda asked=asked: [item for item in items if asked.passes(item)])  # type: ignore[misc]
        first, mask = timed(lambda asked=asked: evaluate(parse(asked.text), columns))  # type: ignore[misc]
        again, _ = timed(lambda asked=asked: evaluate(parse(asked.text), columns))  # type: ignore[misc]
        facets(mask, [also], columns)  # reads the attribute, if nothing did before
        three, counted = timed(lambda mask=mask: facets(mask, ["brand", "category", "price"], columns, MOST))  # type: ignore[misc]
        one, attribute = timed(lambda mask=mask, also=also: facets(mask, [also], columns, MOST))  # type: ignore[misc]
        for name, took in (
            ("brute force", slow), ("parse and evaluate, first time", first), ("parse and evaluate", again),
            ("facets brand, category, price", three), ("facet of an attribute", one),
        ):  # fmt: skip
            times.setdefault(name, []).append(took)
        equal["items"] += {columns.ids[row] for row in np.flatnonzero(mask)} == {item.id for item in wanted}
        equal["facets"] += agree(counted | attribute, wanted)
        shares[int(np.searchsorted(BOUNDS, len(wanted) / len(items), side="right"))] += 1
    print(f"{filters:,} filters: {equal['items']:,} with equal items, {equal['facets']:,} with equal facet counts")
    passed = [f"{shares[place]} up to {bound:.1%}" for place, bound in enumerate(BOUNDS[2:-1], start=2)]
    print(f"how many let pass: nothing {shares[1]}, {', '.join(passed)}, more {shares[len(BOUNDS) - 1]}")
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
