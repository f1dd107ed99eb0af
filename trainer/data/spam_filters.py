"""What keeps bots, hostile clicks and single loud shoppers from teaching the shop. Each rule is one small function.

A rule takes what is there and returns what it keeps and how many it removed; the night's report names each count.
Purchases cost money and are never taken for a bot's. The constants are measured in docs/measurements.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shelfwise.generation.query_memory import query_key
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick

__all__ = ["SpamLimits", "cap_interactions", "drop_spam"]

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class SpamLimits:
    """The limits of the rules; `Defences.off()` is for measuring what they are worth."""

    clicks_a_day: int = 100  # of one shopper; beyond it nobody chooses, a program does
    clicks_a_minute: int = 20
    of_one_shopper: int = 20  # searches a day
    of_one_item: float = 0.5  # share of a day's searches
    of_one_pair: float = 0.2  # share of a day's searches that one query and item may make
    least_cap: int = 20  # a share of little is still so many
    full_share: float = 0.05  # of a query's distinct shoppers, from which on a pair of it weighs fully
    repeats: bool = False  # whether one shopper's repetitions on a day count

    @classmethod
    def off(cls) -> SpamLimits:
        many = 10**9
        return cls(many, many, many, 1.0, 1.0, many, 0.0, repeats=True)


# ---- events: what may be counted at all ---------------------------------------------------------------------


def drop_spam(events: Sequence[Event], limits: SpamLimits) -> tuple[list[Event], dict[str, int], list[str]]:
    """Events without bots and without one shopper's repetitions; counts removed by rule, and who looked like a bot."""
    bots = find_bots(events, limits)
    left, by_bots = without_bots(events, bots)
    left, repeated = (left, 0) if limits.repeats else once_a_day(left)
    return left, {"bots": by_bots, "repeated_events": repeated}, sorted(bots)


def find_bots(events: Sequence[Event], limits: SpamLimits) -> set[str]:
    """Who chose more in a day or in a minute than a person does."""
    a_day: Counter[tuple[str, int]] = Counter()
    a_minute: Counter[tuple[str, int]] = Counter()
    for event in events:
        if event.type in ("click", "cart") and (name := event.shopper):
            a_day[name, int(event.ts // DAY)] += 1
            if event.ts % DAY:  # a log that knows only days puts everything at midnight
                a_minute[name, int(event.ts // _MINUTE)] += 1
    busy = {name for (name, _), count in a_day.items() if count > limits.clicks_a_day}
    return busy | {name for (name, _), count in a_minute.items() if count > limits.clicks_a_minute}


def without_bots(events: Sequence[Event], bots: set[str]) -> tuple[list[Event], int]:
    kept = (
        [event for event in events if event.type == "purchase" or event.shopper not in bots] if bots else list(events)
    )
    return kept, len(events) - len(kept)


def once_a_day(events: Sequence[Event]) -> tuple[list[Event], int]:
    """A shopper's views, clicks and carts of an item for a query count once a day; purchases as often as made."""
    seen: set[tuple[str, str, str, str, int]] = set()
    kept = []
    for event in events:
        name = event.shopper
        key = (name, event.type, event.item, query_key(event.query or ""), int(event.ts // DAY))
        if event.type == "purchase" or not name or key not in seen:
            seen.add(key)
            kept.append(event)
    return kept, len(events) - len(kept)


# ---- searches: what may teach -------------------------------------------------------------------------------


def cap_interactions(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], dict[str, int]]:
    """The searches within the caps of their day, in their order; counts removed by rule.

    By day, not by night: what was over a cap never comes back as something old, and a log imported whole is treated
    as if it had come day by day.
    """
    by_day: defaultdict[int, list[QueryClick]] = defaultdict(list)
    for search in searches:
        by_day[int(search.ts // DAY)].append(search)
    removed = dict.fromkeys(_CAPS, 0)
    kept: list[QueryClick] = []
    for _, left in sorted(by_day.items()):
        for name, rule in _CAPS.items():
            left, count = rule(left, limits)
            removed[name] += count
        kept += left
    return kept, removed


def within_shopper_cap(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    """No shopper teaches more than a few searches a day; those of nobody in particular are left to other rules."""
    return _capped(searches, lambda search: search.shopper or None, limits.of_one_shopper)


def within_item_cap(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    return _capped(searches, lambda search: search.item, _share(limits.of_one_item, searches, limits))


def within_pair_cap(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    cap = _share(limits.of_one_pair, searches, limits)
    return _capped(searches, lambda search: (query_key(search.query), search.item), cap)


_CAPS = {"over_user_cap": within_shopper_cap, "over_pair_cap": within_pair_cap, "over_item_cap": within_item_cap}


def weigh_by_shoppers(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    """A pair that few of its query's distinct shoppers chose weighs less; and how many of the searches do.

    For a query that many make, a few shoppers are no more than chance, or somebody with a few accounts: it takes a
    twentieth of all its shoppers for a pair to weigh fully. What was asked by few is learned from few.
    """
    of_pair: defaultdict[tuple[str, str], set[object]] = defaultdict(set)
    of_query: defaultdict[str, set[object]] = defaultdict(set)
    named = any(search.shopper for search in searches)
    for search in searches:
        # Where shoppers are named those without a name count as one, or a program had only to leave it out.
        query, shopper = query_key(search.query), search.shopper or ("" if named else search.seqs)
        of_pair[query, search.item].add(shopper)
        of_query[query].add(shopper)
    weighed = []
    for search in searches:
        query = query_key(search.query)
        needed = max(1.0, limits.full_share * len(of_query[query]))
        share = min(1.0, len(of_pair[query, search.item]) / needed)
        weighed.append(search if share == 1 else replace(search, weight=search.weight * share))
    return weighed, sum(before is not after for before, after in zip(searches, weighed, strict=True))


def _share(share: float, searches: Sequence[QueryClick], limits: SpamLimits) -> int:
    return max(limits.least_cap, int(share * len(searches)))


def _capped(
    searches: Sequence[QueryClick], key: Callable[[QueryClick], object], limit: int
) -> tuple[list[QueryClick], int]:
    """The first `most` of each key that is not None."""
    counts: Counter[object] = Counter()
    kept = []
    for search in searches:
        name = key(search)
        counts[name] += 1
        if name is None or counts[name] <= limit:
            kept.append(search)
    return kept, len(searches) - len(kept)
