"""Recommendations on Online Retail: each returning customer's first basket after the training date, recall@10.

Runs on the example shop's own files through the Python API; prints recall and nDCG, repeats allowed and new items only,
beside popularity, the customer's own purchases, ALS and EASE, each filled up with what is popular.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from bench.support.example_shop import CUT, example_parser, split_at_cut, trained_example
from shelfwise import Shop
from shelfwise.trainer.evaluation.metrics import recall_and_ndcg
from shelfwise.trainer.replay.baselines import Baselines, InteractionHistory

K = 10


def main() -> None:
    parser = example_parser(__doc__)
    parser.add_argument("--show", type=int, default=10, help="customers whose recommendations are printed")
    options = parser.parse_args()
    with trained_example(options) as shop:
        measure(shop, options.show)


def measure(shop: Shop, show: int) -> None:
    """Print recall@10 and nDCG@10 of shelfwise and the baselines."""
    history, first_basket = split_at_cut(shop)
    own_items = {user: {event.item for event in events} for user, events in history.items()}
    baselines = Baselines(purchases_before_cut(shop), CUT)
    methods: dict[str, Callable[[str, bool], Sequence[str]]] = {
        "shelfwise": lambda user, repeats: [
            hit.id for hit in shop.recommend(user=user, limit=K, repeats=repeats, log=False).hits
        ]
    }
    for name in baselines.fitted:
        methods[name] = lambda user, repeats, name=name: baselines.recommend(  # type: ignore[misc]
            name, user, K, () if repeats else own_items[user]
        )
    new_items = {user: new for user, basket in first_basket.items() if (new := basket - own_items[user])}
    print(f"{len(first_basket):,} customers; recall@{K} / nDCG@{K}, repeats allowed and new items only")
    for name, recommend in methods.items():
        groups = ((first_basket, True), (new_items, False))
        recalls, ndcgs = zip(*(mean_scores(recommend, relevant, repeats) for relevant, repeats in groups), strict=True)
        print(f"  {name:<15}{recalls[0]:.3f} / {ndcgs[0]:.3f}   {recalls[1]:.3f} / {ndcgs[1]:.3f}")
    print(baselines.missing or "")
    titles = dict(shop.store.items.titles())
    for user in list(first_basket)[: show * 40 : 40]:
        bought = ", ".join(titles[id] for id, _ in Counter(event.item for event in history[user]).most_common(3))
        print(f"  {user} (bought {bought}): " + " | ".join(titles[id] for id in methods["shelfwise"](user, True)[:5]))


def mean_scores(
    recommend: Callable[[str, bool], Sequence[str]], relevant: dict[str, set[str]], repeats: bool
) -> tuple[float, float]:
    """Return mean recall@10 and nDCG@10 over the users."""
    scores = np.array([recall_and_ndcg(recommend(user, repeats), items, K) for user, items in relevant.items()])
    recall, ndcg = scores.mean(axis=0)
    return float(recall), float(ndcg)


def purchases_before_cut(shop: Shop) -> InteractionHistory:
    """Return all purchases before the cut, those of anonymous shoppers too, for the baselines."""
    history = InteractionHistory()
    for event in shop.store.events.before(CUT, 2**62):
        history.add(event.user, event.session, event.item, event.ts)
    return history


if __name__ == "__main__":
    main()
