"""Recommendations on Online Retail: each returning customer's first basket after the training date, recall@10.

Runs on the example shop's own files through the Python API; prints recall and nDCG, repeats allowed and new items only,
beside popularity, the customer's own purchases, ALS and EASE, each filled up with what is popular.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shelfwise import Recommendations, Shop
from shelfwise.ingest.importer import ImportFiles, import_events, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.store import Event
from shelfwise.trainer import increment
from shelfwise.trainer.evaluation.metrics import recall_and_ndcg
from shelfwise.trainer.replay.baselines import Baselines, InteractionHistory
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail"
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
        import_items(shop, ImportFiles(files[0], ColumnMapping.of(ITEM_FIELDS), print))
        reading = ColumnMapping.of(EVENT_FIELDS, constants={"type": "purchase"})
        import_events(shop, ImportFiles(files[1], reading, print))
    night = increment(folder, TRAINED_BEFORE, learn_pairs=train)
    print(f"night: {night.verdict}: {night.reason}")


def measure(shop: Shop, show: int) -> None:
    cut = TRAINED_BEFORE.timestamp()
    history, first_basket = split(shop, cut)
    had = {user: {event.item for event in events} for user, events in history.items()}
    baselines = Baselines(past(shop, cut), cut)
    methods: dict[str, Callable[[str, bool], Sequence[str]]] = {
        "shelfwise": lambda user, repeats: ids(shop.recommend(user=user, limit=K, repeats=repeats, log=False))
    }
    for name in baselines.fitted:
        methods[name] = lambda user, repeats, name=name: baselines.recommend(name, user, K, () if repeats else had[user])  # type: ignore[misc]
    print(f"{len(first_basket):,} customers; recall@{K} / nDCG@{K}, repeats allowed and new items only")
    for name, ask in methods.items():
        every = [recall_and_ndcg(ask(user, True), basket, K) for user, basket in first_basket.items()]
        wanted = {user: new for user, basket in first_basket.items() if (new := basket - had[user])}
        fresh = [recall_and_ndcg(ask(user, False), new, K) for user, new in wanted.items()]
        print(f"  {name:<15}{mean(every, 0):.3f} / {mean(every, 1):.3f}   {mean(fresh, 0):.3f} / {mean(fresh, 1):.3f}")
    print(baselines.missing or "")
    titles = dict(shop.store.items.titles())
    for user in list(first_basket)[: show * 40 : 40]:
        bought = ", ".join(titles[id] for id, _ in Counter(event.item for event in history[user]).most_common(3))
        print(f"  {user} (bought {bought}): " + " | ".join(titles[id] for id in methods["shelfwise"](user, True)[:5]))


def ids(answer: Recommendations) -> list[str]:
    return [hit.id for hit in answer.hits]


def past(shop: Shop, cut: float) -> InteractionHistory:
    """All purchases before the cut, of nobody known too, for the baselines."""
    history = InteractionHistory()
    for event in shop.store.events.before(cut, 2**62):
        history.add(event.user, event.session, event.item, event.ts)
    return history


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


def mean(pairs: Sequence[tuple[float, float]], side: int) -> float:
    return sum(pair[side] for pair in pairs) / len(pairs)


if __name__ == "__main__":
    main()
