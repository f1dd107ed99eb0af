"""Keep bots, hostile clicks and single busy shoppers out of what is learned. Each rule is one small function.

A rule returns what it keeps of its input and how many it removed; the night's report names each count.
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

_MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SpamLimits:
    """The limits of the rules; `SpamLimits.off()` is for measuring what they do."""

    clicks_a_day: int = 100  # of one shopper; beyond it a program chooses, not a person
    clicks_a_minute: int = 20
    searches_a_day: int = 20  # of one shopper
    item_share: float = 0.5  # of a day's searches that one item may be chosen for
    pair_share: float = 0.2  # of a day's searches that one query and item may make
    min_cap: int = 20  # searches that item and pair may make on any day
    full_share: float = 0.05  # of a query's distinct shoppers, from which on a pair of it weighs fully
    count_repeats: bool = False  # one shopper's repetitions on a day

    @classmethod
    def off(cls) -> SpamLimits:
        """Return limits that nothing exceeds."""
        many = 10**9
        return cls(many, many, many, 1.0, 1.0, many, 0.0, count_repeats=True)


# ---- events: what may be counted at all ---------------------------------------------------------------------


def drop_spam(events: Sequence[Event], limits: SpamLimits) -> tuple[list[Event], dict[str, int], list[str]]:
    """Return the events without bots and repetitions, the number removed by rule, and the names taken for bots."""
    bots = find_bots(events, limits)
    kept, n_by_bots = drop_bots(events, bots)
    kept, n_repeats = (kept, 0) if limits.count_repeats else drop_repeats(kept)
    return kept, {"bots": n_by_bots, "repeated_events": n_repeats}, sorted(bots)


def find_bots(events: Sequence[Event], limits: SpamLimits) -> set[str]:
    """Return the names of those who chose more in a day or in a minute than a person does."""
    a_day: Counter[tuple[str, int]] = Counter()
    a_minute: Counter[tuple[str, int]] = Counter()
    for event in events:
        if event.type in ("click", "cart") and (name := event.shopper):
            a_day[name, int(event.ts // DAY)] += 1
            if event.ts % DAY:  # a log that knows only days puts everything at midnight
                a_minute[name, int(event.ts // _MINUTE_SECONDS)] += 1
    busy = {name for (name, _), count in a_day.items() if count > limits.clicks_a_day}
    return busy | {name for (name, _), count in a_minute.items() if count > limits.clicks_a_minute}


def drop_bots(events: Sequence[Event], bots: set[str]) -> tuple[list[Event], int]:
    """Drop what these shoppers did, but for purchases."""
    kept = (
        [event for event in events if event.type == "purchase" or event.shopper not in bots] if bots else list(events)
    )
    return kept, len(events) - len(kept)


def drop_repeats(events: Sequence[Event]) -> tuple[list[Event], int]:
    """Keep one view, one click and one cart of an item for a query by a shopper and day, and all purchases."""
    seen: set[tuple[str, str, str, str, int]] = set()
    kept = []
    for event in events:
        name = event.shopper
        key = (name, event.type, event.item, query_key(event.query or ""), int(event.ts // DAY))
        if event.type == "purchase" or not name or key not in seen:
            seen.add(key)
            kept.append(event)
    return kept, len(events) - len(kept)


# ---- searches: what may be learned -------------------------------------------------------------------------------


def cap_interactions(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], dict[str, int]]:
    """Return the searches within the caps of their day, in their order, and the number removed by rule.

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


def cap_shoppers(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    """Keep the first searches of each shopper; those without a name are left to other rules."""
    return _capped(searches, lambda search: search.shopper or None, limits.searches_a_day)


def cap_items(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    """Keep the first searches for which each item was chosen, up to its share of the day."""
    return _capped(searches, lambda search: search.item, _share(limits.item_share, searches, limits))


def cap_pairs(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    """Keep the first searches of each query and item, up to their share of the day."""
    cap = _share(limits.pair_share, searches, limits)
    return _capped(searches, lambda search: (query_key(search.query), search.item), cap)


_CAPS = {"over_user_cap": cap_shoppers, "over_pair_cap": cap_pairs, "over_item_cap": cap_items}


def weigh_by_shoppers(searches: Sequence[QueryClick], limits: SpamLimits) -> tuple[list[QueryClick], int]:
    """Lower the weight of a pair that few of its query's distinct shoppers chose; also return how many weigh less.

    For a query that many make, a few shoppers are chance, or one person with a few accounts: it takes a twentieth of
    all its shoppers for a pair to weigh fully. A query of few shoppers is learned from few.
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
    return max(limits.min_cap, int(share * len(searches)))


def _capped(
    searches: Sequence[QueryClick], key: Callable[[QueryClick], object], limit: int
) -> tuple[list[QueryClick], int]:
    """Keep the first `limit` searches of each key, and all those with None."""
    counts: Counter[object] = Counter()
    kept = []
    for search in searches:
        name = key(search)
        counts[name] += 1
        if name is None or counts[name] <= limit:
            kept.append(search)
    return kept, len(searches) - len(kept)
