"""The shelves of Online Retail after the training date: `together`, cold items, and the answer after one click.

Learned before 2011-11-01, looked at in the month after it. Writes into the shop: a copy of --data is taken.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.quality.online_retail import TRAINED_BEFORE, prepare
from shelfwise import Shop
from shelfwise.recommend.request import RecommendRequest
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.evaluation.metrics import paired_interval

CUT = TRAINED_BEFORE.timestamp()
MONTH = 30 * DAY
MOST_BOUGHT, TOP = 200, 5
FIRST_BUYERS, REACH = 10, 50
SESSIONS, NEIGHBOURS = 200, 50
Baskets = Mapping[str, set[str]]  # session → items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a shop of bench/quality/online_retail.py (default: made anew)")
    parser.add_argument("--only", choices=("together", "cold", "session"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shop"
        if given.data:
            shutil.copytree(given.data, folder)
        prepare(folder, train=True)
        with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
            events = list(shop.store.events.before(float("inf"), 2**62))
            for name, measure in {"together": together, "session": session, "cold": cold}.items():
                if given.only in (None, name):
                    measure(shop, events)


def serving_of(shop: Shop) -> LoadedGeneration:
    serving = shop.generation
    assert isinstance(serving, LoadedGeneration)
    return serving


# ---- together ---------------------------------------------------------------------------------------------------


def together(shop: Shop, events: Sequence[Event]) -> None:
    """The top five for the items in most baskets before the date: are they in one basket in the month after it?"""
    before = baskets(event for event in events if event.ts < CUT)
    after = baskets(event for event in events if CUT <= event.ts < CUT + MONTH)
    often = Counter(id for basket in before.values() for id in basket)
    items = [id for id, _ in often.most_common(MOST_BOUGHT)]
    counts = {id: Counter(other for basket in before.values() if id in basket for other in basket) for id in items}
    ways: dict[str, Callable[[str], list[str]]] = {
        "together": lambda id: ids(shop, item=id, kind="together", limit=TOP),
        "raw co-counts": lambda id: [other for other, _ in counts[id].most_common(TOP + 1) if other != id][:TOP],
        "similar": lambda id: ids(shop, item=id, kind="similar", limit=TOP),
        "popular": lambda id: [other for other in ids(shop, kind="popular", limit=TOP + 1) if other != id][:TOP],
    }
    print(f"together: top {TOP} for the {len(items)} most bought items; {len(after):,} baskets in the 30 days after")
    print(f"  {'':<15}{'bought with it':>15}{'in 3 baskets':>14}{'P(j|i)':>8}{'lift':>7}{'cosine':>8}{'distinct':>10}")
    chances: dict[str, np.ndarray] = {}
    for name, ask in ways.items():
        tops = {id: ask(id) for id in items}
        found = np.array([paired(id, other, after) for id, top in tops.items() for other in top])  # (1000, 3)
        cosines = [near for id, top in tops.items() for near in alike(serving_of(shop), id, top)]
        distinct = len({other for top in tops.values() for other in top})
        chances[name] = found[:, 1].reshape(len(items), -1).mean(axis=1)
        print(
            f"  {name:<15}{(found[:, 0] > 0).mean():>15.3f}{(found[:, 0] > 2).mean():>14.3f}{found[:, 1].mean():>8.4f}"
            f"{found[:, 2].mean():>7.2f}{np.mean(cosines):>8.3f}{distinct:>10}"
        )
    for name in ("raw co-counts", "similar"):
        low, high = paired_interval(chances["together"] - chances[name], items, seed=1)
        print(f"  P(j|i) of together beyond {name}: {low:+.4f}..{high:+.4f} (95 %, over items)")
    show(shop, items[:: MOST_BOUGHT // 10], ways)


def baskets(events: Iterable[Event]) -> Baskets:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        found[event.session or ""].add(event.item)
    return found


def paired(id: str, other: str, after: Baskets) -> tuple[float, float, float]:
    """Baskets with both, their share of those with the first, and the lift."""
    first = sum(id in basket for basket in after.values())
    second = sum(other in basket for basket in after.values())
    both = sum(id in basket and other in basket for basket in after.values())
    return both, both / max(1, first), both * len(after) / max(1, first * second)


def show(shop: Shop, items: Sequence[str], ways: Mapping[str, Callable[[str], list[str]]]) -> None:
    titles = dict(shop.store.items.titles())
    for id in items:
        print(f"  {titles[id]}")
        for name in ("together", "raw co-counts", "similar"):
            print(f"    {name:<14} " + " | ".join(titles[other] for other in ways[name](id)))


# ---- one click --------------------------------------------------------------------------------------------------


def session(shop: Shop, events: Sequence[Event]) -> None:
    """Anonymous sessions: the answer before and after one click on an item, drawn as popular as it is."""
    chance = random.Random(1)
    serving = serving_of(shop)
    clicked = [event.item for event in chance.sample([event for event in events if event.ts < CUT], SESSIONS)]
    rows = []
    kinds: Counter[str] = Counter()
    for number, id in enumerate(clicked):
        asked = {"session": f"anonymous {number}"}
        first = ids(shop, **asked)
        shop.record([{"type": "click", "item": id, **asked}])
        answer = shop.recommend(**asked, log=False)  # type: ignore[arg-type]
        kinds[answer.kind] += 1
        second = [hit.id for hit in answer.hits]
        near = neighbours(shop, serving, id)
        rows.append(
            [np.mean(alike(serving, id, first)), np.mean(alike(serving, id, second)),
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


def neighbours(shop: Shop, serving: LoadedGeneration, id: str) -> set[str]:
    """What is bought with the item or what its buyers choose, the strongest of both links."""
    columns = shop.catalogue.current()
    signals, row = serving.signals(columns), columns.rows([id])
    found: set[str] = set()
    for name in ("together", "linked"):
        led = signals.spread(name, row, np.ones(1))
        found |= {columns.ids[place] or "" for place in np.argsort(-led)[:NEIGHBOURS].tolist() if led[place] > 0}
    return found


# ---- cold items -------------------------------------------------------------------------------------------------


def cold(shop: Shop, events: Sequence[Event]) -> None:
    """Items first sold after the date: are they on the shelves of their first buyers, who are known from before it?

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
    new = set(ids(shop, kind="new", limit=REACH))
    wide = {user: ids(shop, user=user, limit=100) for _, user in pairs}
    reached = {
        f"for-you, top {REACH}": [id in wide[user][:REACH] for id, user in pairs],
        f"new, top {REACH}": [id in new for id, _ in pairs],
        "one of the two": [id in new or id in wide[user][:REACH] for id, user in pairs],
        "for-you, top 100": [id in wide[user] for id, user in pairs],
        "among its candidates": [considered(shop, user, id) for id, user in pairs],
    }
    chance = REACH / shop.store.items.count()
    print(f"cold: {len(items)} items first sold after the date, {len(pairs)} pairs with their first known buyers")
    print(f"  {'co-purchases alone':<22}   0.0% of the pairs: nobody has bought them; by chance {chance:.1%}")
    for name, hits in reached.items():
        somebody = len({id for (id, _), hit in zip(pairs, hits, strict=True) if hit})
        print(f"  {name:<22} {np.mean(hits):6.1%} of the pairs, {somebody} of {len(buyers)} items for somebody")


def considered(shop: Shop, user: str, id: str) -> bool:
    """Whether the item is among the candidates that are ranked for the shopper."""
    wish = RecommendRequest("for-you", events=shop.shopper_data.history(user, None))
    serving = serving_of(shop)
    shelf = shop.recommend_pipeline.run(wish, serving)
    assert shelf.context is not None
    return shelf.scored is not None and shelf.context.columns.row_of[id] in shelf.scored.rows


def ids(shop: Shop, **asked: object) -> list[str]:
    return [hit.id for hit in shop.recommend(**asked, log=False).hits]  # type: ignore[arg-type]


def alike(serving: LoadedGeneration, id: str, others: Sequence[str]) -> list[float]:
    """The cosine of each other item to this one, itself left out."""
    _, own = serving.index.vectors([id])
    _, vectors = serving.index.vectors([other for other in others if other != id])
    return (vectors @ own[0]).tolist() if len(own) and len(vectors) else [0.0]


if __name__ == "__main__":
    main()
