"""A young shop: Online Retail after its newest 0 to 100,000 events before 2011-11-01, a night on each, recall@10.

Recommended for are the same customers, relevant the same first baskets after the date, whether or not the young shop
knows them. Beside it popularity, which is its own shelf `popular`.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from bench.support.example_shop import (
    CUT,
    TRAINED_BEFORE,
    import_example_items,
    import_example_purchases,
    split_at_cut,
)
from bench.support.options import folder_or_temporary, new_parser
from bench.support.shops import copy_shop
from shelfwise import Recommendations, Shop
from shelfwise.trainer import increment, init
from shelfwise.trainer.evaluation.metrics import paired_interval, recall_and_ndcg
from shelfwise.types import Row

EVENTS = (0, 100, 1_000, 10_000, 100_000)
K = 10


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the shops here (default: a temporary folder)")
    parser.add_argument("--events", type=int, nargs="*", default=list(EVENTS))
    options = parser.parse_args()
    with folder_or_temporary(options.out) as out:
        start, log, first_basket = prepare(out)
        print(f"{len(first_basket):,} customers; recall@{K} of the first basket after {TRAINED_BEFORE:%Y-%m-%d}")
        print(f"{'':24}  all customers, known or not              known ones")
        print(f"{'events':>9}{'night':>8}{'known':>7}  for-you  popular  difference, 95 %   for-you  popular")
        for count in options.events:
            newest, folder = log[len(log) - count :], out / f"after-{count}"
            seconds = math.nan if folder.exists() else learn(start, folder, newest)
            known = frozenset(row["user"] for row in newest if row["user"])
            print(f"{count:>9,}{seconds:>7.0f}s{measure(folder, first_basket, known)}", flush=True)


def prepare(out: Path) -> tuple[Path, list[Row], dict[str, set[str]]]:
    """Make a shop with the catalogue of the date and generation 0; return it, the log before, and the first baskets."""
    start, full = out / "start", out / "full"
    with Shop(full) as shop:
        if not shop.store.events.count():
            import_example_purchases(shop)
        log = shop.store.events.between(-math.inf, CUT)
        _, first_basket = split_at_cut(shop)
        later = {row["item"] for row in shop.store.events.between(CUT, math.inf)} - {row["item"] for row in log}
    if not start.exists():
        with Shop(start) as shop:
            import_example_items(shop)
            shop.delete(later)  # first sold after the date
        init(start)
    return start, log, first_basket


def learn(start: Path, folder: Path, events: list[Row]) -> float:
    """Run a night on these events in a copy of the shop, and return its seconds."""
    copy_shop(start, folder)
    with Shop(folder) as shop:
        shop.store.events.add(events)
    started = time.perf_counter()
    increment(folder, TRAINED_BEFORE, learn_pairs=False)
    return time.perf_counter() - started


def measure(folder: Path, first_basket: dict[str, set[str]], known: frozenset[str]) -> str:
    """Return a line of the table: recall of `for-you` and `popular`, for all users and for known ones."""

    def recall(answer: Recommendations, user: str) -> float:
        return recall_and_ndcg([hit.id for hit in answer.hits], first_basket[user], K)[0]

    users = list(first_basket)
    with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
        popular = shop.recommend(kind="popular", limit=K, log=False)
        for_you = np.array([recall(shop.recommend(user=user, limit=K, log=False), user) for user in users])
    by_popularity = np.array([recall(popular, user) for user in users])
    low, high = paired_interval(for_you - by_popularity, users, seed=1)
    is_known = np.array([user in known for user in users])
    of_known = f"{for_you[is_known].mean():7.3f}{by_popularity[is_known].mean():9.3f}" if is_known.any() else ""
    return (
        f"{is_known.sum():>7,}  {for_you.mean():7.3f}{by_popularity.mean():9.3f}  {low:+.4f}..{high:+.4f}   {of_known}"
    )


if __name__ == "__main__":
    main()
