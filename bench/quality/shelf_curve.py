"""A young shop: Online Retail after its newest 0 to 100,000 events before 2011-11-01, a night on each, recall@10.

Asked for are the same first baskets after the date of the same customers, whether or not the young shop knows them.
Beside it popularity, which is its own shelf `popular`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.quality.online_retail import EXAMPLE, TRAINED_BEFORE, K, score, split
from bench.support import shops
from shelfwise import Shop
from shelfwise.ingest.importer import ImportFiles, import_events, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.trainer import increment, init
from shelfwise.trainer.evaluation.metrics import paired_interval
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS, Row

CUT = TRAINED_BEFORE.timestamp()
EVENTS = (0, 100, 1_000, 10_000, 100_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="keep the shops here (default: a temporary folder)")
    parser.add_argument("--events", type=int, nargs="*", default=list(EVENTS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = given.out or Path(temporary)
        start, log, first_basket = begin(out)
        print(f"{len(first_basket):,} customers; recall@{K} of the first basket after {TRAINED_BEFORE:%Y-%m-%d}")
        print(f"{'':24}  all customers, known or not              known ones")
        print(f"{'events':>9}{'night':>8}{'known':>7}  for-you  popular  difference, 95 %   for-you  popular")
        for count in given.events:
            newest, folder = log[len(log) - count :], out / f"after-{count}"
            seconds = math.nan if folder.exists() else live(start, folder, newest)
            print(f"{count:>9,}{seconds:>7.0f}s{measured(folder, first_basket, known(newest))}", flush=True)


def begin(out: Path) -> tuple[Path, list[Row], dict[str, set[str]]]:
    """A shop with the catalogue of the date and generation 0, the log before it, and the baskets asked for."""
    start, full = out / "start", out / "full"
    with Shop(full) as shop:
        if not shop.store.events.count():
            reading = ColumnMapping.of(EVENT_FIELDS, constants={"type": "purchase"})
            import_events(shop, ImportFiles([str(EXAMPLE / "events.csv.gz")], reading, print))
        log = shop.store.events.between(-math.inf, CUT)
        _, first_basket = split(shop, CUT)
        later = {row["item"] for row in shop.store.events.between(CUT, math.inf)} - {row["item"] for row in log}
    if not start.exists():
        with Shop(start) as shop:
            import_items(shop, ImportFiles([str(EXAMPLE / "items.csv.gz")], ColumnMapping.of(ITEM_FIELDS), print))
            shop.delete(later)  # nobody can see what comes after the date
        init(start)
    return start, log, first_basket


def live(start: Path, folder: Path, events: list[Row]) -> float:
    """The seconds of a night on these events, in a copy of the shop."""
    shops.copy_shop(start, folder)
    with Shop(folder) as shop:
        shop.store.events.add(events)
    started = time.perf_counter()
    increment(folder, TRAINED_BEFORE, learn_pairs=False)
    return time.perf_counter() - started


def known(events: list[Row]) -> frozenset[str]:
    return frozenset(row["user"] for row in events if row["user"])


def measured(folder: Path, first_basket: dict[str, set[str]], known: frozenset[str]) -> str:
    users = list(first_basket)
    with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
        popular = [hit.id for hit in shop.recommend(kind="popular", limit=K, log=False).hits]
        by_shelf = np.array([
            score([hit.id for hit in shop.recommend(user=user, limit=K, log=False).hits], first_basket[user])[0]
            for user in users
        ])  # fmt: skip
    by_popularity = np.array([score(popular, first_basket[user])[0] for user in users])
    low, high = paired_interval(by_shelf - by_popularity, users, seed=1)
    theirs = np.array([user in known for user in users])
    of_known = f"{by_shelf[theirs].mean():7.3f}{by_popularity[theirs].mean():9.3f}" if theirs.any() else ""
    return (
        f"{theirs.sum():>7,}  {by_shelf.mean():7.3f}{by_popularity.mean():9.3f}  {low:+.4f}..{high:+.4f}   {of_known}"
    )


if __name__ == "__main__":
    main()
