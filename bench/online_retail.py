"""Recommendations on Online Retail: each returning customer's first basket after the training date, recall@10.

Runs on the example shop's own files through the Python API; prints recall and nDCG, repeats allowed and new items only,
beside popularity and the customer's own decayed purchases.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shelfwise import Shop
from shelfwise.importing import import_events, import_items
from shelfwise.records import EVENT_FIELDS, ITEM_FIELDS
from shelfwise.rows import Reading
from shelfwise.store import Event
from shelfwise.trainer import increment

EXAMPLE = Path(__file__).parent.parent / "examples" / "online-retail"
TRAINED_BEFORE = datetime(2011, 11, 1, tzinfo=UTC)
K = 10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--data", type=Path, help="keep the shop here (default: a temporary folder)")
    options.add_argument("--no-training", action="store_true", help="count only, keep the base encoder")
    options.add_argument("--show", type=int, default=10, help="recommendations to print")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.data or Path(temporary)
        prepare(folder, train=not arguments.no_training)
        with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
            measure(shop, arguments.show)


def prepare(folder: Path, *, train: bool) -> None:
    with Shop(folder) as shop:
        if shop.generations.current() is not None:
            return
        files = [str(EXAMPLE / "items.csv.gz")], [str(EXAMPLE / "events.csv.gz")]
        import_items(shop, files[0], Reading.of(ITEM_FIELDS), print, lambda n: None)
        reading = Reading.of(EVENT_FIELDS, constants={"type": "purchase"})
        import_events(shop, files[1], reading, print, lambda n: None)
    night = increment(folder, TRAINED_BEFORE, learn_pairs=train)
    print(f"night: {night.verdict}: {night.reason}")


def measure(shop: Shop, show: int) -> None:
    cut = TRAINED_BEFORE.timestamp()
    history, first_basket = split(shop, cut)
    titles = dict(shop.store.items.titles())
    popular = [hit.id for hit in shop.recommend(limit=50, log=False).hits]
    methods: dict[str, Callable[[str], Sequence[str]]] = {
        "shelfwise": lambda user: [hit.id for hit in shop.recommend(user=user, limit=K, log=False).hits],
        "popularity": lambda user: popular,
        "own purchases": lambda user: own_purchases(history[user], cut),
    }
    print(f"{len(first_basket):,} customers; recall@{K} / nDCG@{K}, repeats allowed and new items only")
    for name, ask in methods.items():
        ranked = {user: ask(user) for user in first_basket}
        every = [score(ranked[user][:K], basket) for user, basket in first_basket.items()]
        fresh = []
        for user, basket in first_basket.items():
            had = {event.item for event in history[user]}
            if new := basket - had:
                shelf = fresh_shelf(shop, user) if name == "shelfwise" else ranked[user]
                fresh.append(score([id for id in shelf if id not in had][:K], new))
        print(f"  {name:<15}{mean(every, 0):.3f} / {mean(every, 1):.3f}   {mean(fresh, 0):.3f} / {mean(fresh, 1):.3f}")
    for user in list(first_basket)[: show * 40 : 40]:
        hits = shop.recommend(user=user, limit=5, log=False).hits
        bought = ", ".join(titles[id] for id, _ in Counter(event.item for event in history[user]).most_common(3))
        print(f"  {user} (bought {bought}): " + " | ".join(str(hit.item["title"]) for hit in hits))


def fresh_shelf(shop: Shop, user: str) -> list[str]:
    return [hit.id for hit in shop.recommend(user=user, limit=K, repeats=False, log=False).hits]


def split(shop: Shop, cut: float) -> tuple[dict[str, list[Event]], dict[str, set[str]]]:
    """Each customer's events before the cut, and the first basket after it of those who have both."""
    history: dict[str, list[Event]] = {}
    baskets: dict[str, tuple[str | None, set[str]]] = {}
    for event in shop.store.events.before(math.inf, 2**62):
        if event.user is None:
            continue
        if event.ts < cut:
            history.setdefault(event.user, []).append(event)
        else:
            session, items = baskets.setdefault(event.user, (event.session, set()))
            if event.session == session:
                items.add(event.item)
    return history, {user: items for user, (_, items) in baskets.items() if user in history}


def own_purchases(events: Sequence[Event], now: float) -> list[str]:
    counts: Counter[str] = Counter()
    for event in events:
        counts[event.item] += 0.5 ** ((now - event.ts) / (60 * 86_400))  # type: ignore[assignment]
    return [id for id, _ in counts.most_common(K)]


def score(ranked: Sequence[str], basket: set[str]) -> tuple[float, float]:
    gains = [1 / math.log2(place + 2) for place, id in enumerate(ranked) if id in basket]
    ideal = sum(1 / math.log2(place + 2) for place in range(min(K, len(basket))))
    return len(gains) / min(K, len(basket)), sum(gains) / ideal


def mean(pairs: Sequence[tuple[float, float]], side: int) -> float:
    return sum(pair[side] for pair in pairs) / len(pairs)


if __name__ == "__main__":
    main()
