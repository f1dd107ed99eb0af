"""Search for a known shopper: the example shop, learned before November 2011, each later purchase asked for by name.

The query is the last two words of the product's name, the answer the product; mean reciprocal rank with `user=` and
without, for all customers and for those with fewer than three purchases before.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

from bench.quality.online_retail import TRAINED_BEFORE, prepare
from shelfwise import Shop
from shelfwise.text.normalize import words

LIMIT = 100
Question = tuple[str, str, str]  # user, query, item


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="keep the shop here (default: a temporary folder)")
    parser.add_argument("--no-training", action="store_true", help="count only, keep the base encoder")
    parser.add_argument("--questions", type=int, default=3_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.data or Path(temporary)
        prepare(folder, train=not given.no_training)
        with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
            measure(shop, given.questions)


def measure(shop: Shop, most: int) -> None:
    cut = TRAINED_BEFORE.timestamp()
    events = [event for event in shop.store.events.before(float("inf"), 2**62) if event.user]
    bought = Counter(event.user for event in events if event.ts < cut)
    titles = dict(shop.store.items.titles())
    questions = sorted(
        {
            (event.user, " ".join(words(titles[event.item])[-2:]), event.item)
            for event in events
            if event.ts >= cut and event.user and event.item in titles and bought[event.user]
        }
    )
    chance = random.Random(1)
    few = [one for one in questions if bought[one[0]] < 3]
    print(f"{len(questions):,} later purchases by customers with a past, {len(few)} by those with fewer than 3")
    for name, asked in (
        ("all", chance.sample(questions, min(most, len(questions)))),
        ("fewer than 3 purchases", few),
    ):
        alone, known = mean_rank(shop, asked, personal=False), mean_rank(shop, asked, personal=True)
        print(
            f"{name:<24} n {len(asked):>6,}  MRR without {alone:.4f}  with user {known:.4f}  ratio {known / alone:.3f}"
        )


def mean_rank(shop: Shop, questions: list[Question], *, personal: bool) -> float:
    """The mean of 1/rank, 0 beyond the first hundred."""
    total = 0.0
    for user, query, item in questions:
        hits = shop.search(query, user=user if personal else None, limit=LIMIT, log=False).hits
        total += next((1 / rank for rank, hit in enumerate(hits, 1) if hit.id == item), 0.0)
    return total / max(1, len(questions))


if __name__ == "__main__":
    main()
