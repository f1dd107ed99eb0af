"""Search for a known shopper: the example shop, learned before November 2011, each later purchase searched by name.

The query is the last two words of the product's name, the answer the product; mean reciprocal rank with `user=` and
without, for all customers and for those with fewer than three purchases before.
"""

from __future__ import annotations

import random
from collections import Counter

from bench.support.example_shop import CUT, all_events, example_parser, trained_example
from shelfwise import Shop
from shelfwise.text.normalize import words

LIMIT = 100
FEW_PURCHASES = 3
Question = tuple[str, str, str]  # user, query, item


def main() -> None:
    parser = example_parser(__doc__)
    parser.add_argument("--questions", type=int, default=3_000)
    options = parser.parse_args()
    with trained_example(options) as shop:
        measure(shop, options.questions)


def measure(shop: Shop, max_questions: int) -> None:
    """Print the mean reciprocal rank with and without the user."""
    events = [event for event in all_events(shop) if event.user]
    purchases = Counter(event.user for event in events if event.ts < CUT)
    titles = dict(shop.store.items.titles())
    questions = sorted(
        {
            (event.user, " ".join(words(titles[event.item])[-2:]), event.item)
            for event in events
            if event.ts >= CUT and event.user and event.item in titles and purchases[event.user]
        }
    )
    few = [question for question in questions if purchases[question[0]] < FEW_PURCHASES]
    print(f"{len(questions):,} later purchases by customers with a past, {len(few)} by those with fewer than 3")
    sample = random.Random(1).sample(questions, min(max_questions, len(questions)))
    for name, group in (("all", sample), (f"fewer than {FEW_PURCHASES} purchases", few[:max_questions])):
        without, with_user = (mean_reciprocal_rank(shop, group, personal=personal) for personal in (False, True))
        print(
            f"{name:<24} n {len(group):>6,}  MRR without {without:.4f}  with user {with_user:.4f}"
            f"  ratio {with_user / without:.3f}"
        )


def mean_reciprocal_rank(shop: Shop, questions: list[Question], *, personal: bool) -> float:
    """Return the mean of 1/rank, 0 beyond the first hundred."""
    total = 0.0
    for user, query, item in questions:
        hits = shop.search(query, user=user if personal else None, limit=LIMIT, log=False).hits
        total += next((1 / rank for rank, hit in enumerate(hits, 1) if hit.id == item), 0.0)
    return total / max(1, len(questions))


if __name__ == "__main__":
    main()
