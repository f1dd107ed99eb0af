"""The shelves of Online Retail after the training date: `together`, cold items, and the answer after one click.

Learned before 2011-11-01, measured in the month after it. Writes into the shop: a copy of --data is taken.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.support.example_shop import CUT, TRAINED_BEFORE, all_events, train_example
from bench.support.options import add_data, new_parser
from shelfwise import Shop
from shelfwise.recommend.request import RecommendRequest
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.evaluation.metrics import paired_interval

MONTH = 30 * DAY
MOST_BOUGHT, TOP = 200, 5
FIRST_BUYERS, REACH = 10, 50
SESSIONS, NEIGHBOURS = 200, 50
Baskets = Mapping[str, set[str]]  # session → items


def main() -> None:
    parser = new_parser(__doc__)
    add_data(parser, "a shop of bench/quality/online_retail.py (default: made anew)", required=False)
    parser.add_argument("--only", choices=("together", "cold", "session"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shop"
        if options.data:
            shutil.copytree(options.data, folder)
        train_example(folder)
        with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
            events = all_events(shop)
            for name, measure in {"together": together, "session": session, "cold": cold}.items():
                if options.only in (None, name):
                    measure(shop, events)


# ---- together ---------------------------------------------------------------------------------------------------


def together(shop: Shop, events: Sequence[Event]) -> None:
    """Print how often the top five of the items in most baskets before the date share a basket in the month after."""
    before = baskets(event for event in events if event.ts < CUT)
    after = baskets(event for event in events if CUT <= event.ts < CUT + MONTH)
    frequency = Counter(id for basket in before.values() for id in basket)
    items = [id for id, _ in frequency.most_common(MOST_BOUGHT)]
    counts = {id: Counter(other for basket in before.values() if id in basket for other in basket) for id in items}
    methods: dict[str, Callable[[str], list[str]]] = {
        "together": lambda id: recommend(shop, item=id, kind="together", limit=TOP),
        "raw co-counts": lambda id: [other for other, _ in counts[id].most_common(TOP + 1) if other != id][:TOP],
        "similar": lambda id: recommend(shop, item=id, kind="similar", limit=TOP),
        "popular": lambda id: [other for other in recommend(shop, kind="popular", limit=TOP + 1) if other != id][:TOP],
    }
    print(f"together: top {TOP} for the {len(items)} most bought items; {len(after):,} baskets in the 30 days after")
    print(f"  {'':<15}{'bought with it':>15}{'in 3 baskets':>14}{'P(j|i)':>8}{'lift':>7}{'cosine':>8}{'distinct':>10}")
    probability: dict[str, np.ndarray] = {}
    for name, top in methods.items():
        tops = {id: top(id) for id in items}
        scores = np.array([co_purchase(id, other, after) for id, others in tops.items() for other in others])
        cosine = np.mean([value for id, others in tops.items() for value in cosines(shop, id, others)])
        distinct = len({other for others in tops.values() for other in others})
        probability[name] = scores[:, 1].reshape(len(items), -1).mean(axis=1)
        print(
            f"  {name:<15}{(scores[:, 0] > 0).mean():>15.3f}{(scores[:, 0] > 2).mean():>14.3f}"
            f"{scores[:, 1].mean():>8.4f}{scores[:, 2].mean():>7.2f}{cosine:>8.3f}{distinct:>10}"
        )
    for name in ("raw co-counts", "similar"):
        low, high = paired_interval(probability["together"] - probability[name], items, seed=1)
        print(f"  P(j|i) of together beyond {name}: {low:+.4f}..{high:+.4f} (95 %, over items)")
    print_tops(shop, items[:: MOST_BOUGHT // 10], methods)


def baskets(events: Iterable[Event]) -> Baskets:
    """Return the items of each session."""
    items: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        items[event.session or ""].add(event.item)
    return items


def co_purchase(id: str, other: str, after: Baskets) -> tuple[float, float, float]:
    """Return the number of baskets with both, their share of those with the first, and the lift."""
    first = sum(id in basket for basket in after.values())
    second = sum(other in basket for basket in after.values())
    both = sum(id in basket and other in basket for basket in after.values())
    return both, both / max(1, first), both * len(after) / max(1, first * second)


def print_tops(shop: Shop, items: Sequence[str], methods: Mapping[str, Callable[[str], list[str]]]) -> None:
    """Print the titles of some items and of what is recommended with them."""
    titles = dict(shop.store.items.titles())
    for id in items:
        print(f"  {titles[id]}")
        for name in ("together", "raw co-counts", "similar"):
            print(f"    {name:<14} " + " | ".join(titles[other] for other in methods[name](id)))


# ---- one click --------------------------------------------------------------------------------------------------


def session(shop: Shop, events: Sequence[Event]) -> None:
    """Print how near to a clicked item, drawn by its popularity, an anonymous session's hits are before and after."""
    past = [event for event in events if event.ts < CUT]
    clicked = [event.item for event in random.Random(1).sample(past, SESSIONS)]
    rows = []
    kinds: Counter[str] = Counter()
    for number, id in enumerate(clicked):
        name = f"anonymous {number}"
        first = recommend(shop, session=name)
        shop.record([{"type": "click", "item": id, "session": name}])
        answer = shop.recommend(session=name, log=False)
        kinds[answer.kind] += 1
        second = [hit.id for hit in answer.hits]
        near = neighbours(shop, id)
        rows.append(
            [np.mean(cosines(shop, id, first)), np.mean(cosines(shop, id, second)),
             sum(hit in near for hit in first), sum(hit in near for hit in second), float(id in second)]
        )  # fmt: skip
    table = np.array(rows)
    print(f"one click: {SESSIONS} anonymous sessions, ten hits each; kinds after it: {dict(kinds)}")
    for name, column in (("mean cosine to the item", 0), (f"hits of its {NEIGHBOURS} neighbours", 2)):
        before, after = table[:, column], table[:, column + 1]
        print(
            f"  {name:<26} before {before.mean():.3f}, after {after.mean():.3f};"
            f" nearer in {(after > before).mean():.1%}, as near in {(after == before).mean():.1%}"
        )
    moved = (table[:, 1] > table[:, 0]) | (table[:, 3] > table[:, 2])
    print(f"  nearer by one of the two: {moved.mean():.1%}; the item itself is a hit in {table[:, 4].mean():.1%}")


def neighbours(shop: Shop, id: str) -> set[str]:
    """Return what is bought with the item or what its buyers choose, the strongest of both links."""
    columns = shop.catalogue.current()
    signals, row = shop.generation.signals(columns), columns.rows([id])
    ids: set[str] = set()
    for name in ("together", "linked"):
        weights = signals.spread(name, row, np.ones(1))
        ids |= {columns.ids[other] or "" for other in np.argsort(-weights)[:NEIGHBOURS].tolist() if weights[other] > 0}
    return ids


# ---- cold items -------------------------------------------------------------------------------------------------


def cold(shop: Shop, events: Sequence[Event]) -> None:
    """Print how many items first sold after the date are on the shelves of their first known buyers.

    All of them came into the catalogue a minute before the date, lest their own dates give away which is bought when.
    """
    first: dict[str, float] = {}
    for event in events:
        first.setdefault(event.item, event.ts)
    items = [id for id, ts in first.items() if ts >= CUT]
    shop.upsert({"id": id, "created_at": CUT - 60} for id in items)
    known = {event.user for event in events if event.ts < CUT and event.user}
    buyers: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.ts >= CUT and event.user in known and event.item in items and event.user not in buyers[event.item]:
            buyers[event.item].append(str(event.user))
    pairs = [(id, user) for id, users in buyers.items() for user in users[:FIRST_BUYERS]]
    new = set(recommend(shop, kind="new", limit=REACH))
    wide = {user: recommend(shop, user=user, limit=100) for _, user in pairs}
    reached = {
        f"for-you, top {REACH}": [id in wide[user][:REACH] for id, user in pairs],
        f"new, top {REACH}": [id in new for id, _ in pairs],
        "one of the two": [id in new or id in wide[user][:REACH] for id, user in pairs],
        "for-you, top 100": [id in wide[user] for id, user in pairs],
        "among its candidates": [is_candidate(shop, user, id) for id, user in pairs],
    }
    by_chance = REACH / shop.store.items.count()
    print(f"cold: {len(items)} items first sold after the date, {len(pairs)} pairs with their first known buyers")
    print(f"  {'co-purchases alone':<22}   0.0% of the pairs: no co-purchase yet; by chance {by_chance:.1%}")
    for name, hits in reached.items():
        n_items = len({id for (id, _), hit in zip(pairs, hits, strict=True) if hit})
        print(f"  {name:<22} {np.mean(hits):6.1%} of the pairs, {n_items} of {len(buyers)} items at least once")


def is_candidate(shop: Shop, user: str, id: str) -> bool:
    """Return whether the item is among the candidates that are ranked for the shopper."""
    request = RecommendRequest("for-you", events=shop.shopper_data.history(user, None))
    outcome = shop.recommend_pipeline.run(request, shop.generation)
    if outcome.context is None or outcome.scored is None:
        return False
    return outcome.context.columns.row_of[id] in outcome.scored.rows


def recommend(shop: Shop, **options: object) -> list[str]:
    """Return the ids of a shelf; nothing is logged."""
    return [hit.id for hit in shop.recommend(**options, log=False).hits]  # type: ignore[arg-type]


def cosines(shop: Shop, id: str, others: Sequence[str]) -> list[float]:
    """Return the cosine of each other item to this one, itself left out."""
    index = shop.generation.index
    _, vector = index.vectors([id])
    _, vectors = index.vectors([other for other in others if other != id])
    return (vectors @ vector[0]).tolist() if len(vector) and len(vectors) else [0.0]


if __name__ == "__main__":
    main()
