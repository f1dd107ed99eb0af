"""From the shop's events to what a night may learn: searches with what was chosen, baskets, and which of them are new.

New is what the parent has not learned: later events, events imported late, and what the parent held out. The newest
of the new is held out for the judge, and is new again the night after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shelfwise.store import Event
from shelfwise.times import DAY

__all__ = ["LEAST_PAIRS", "Basket", "Material", "Search", "collect"]

_CHOSEN = ("click", "cart", "purchase")
_HELD_OUT_SHARE, _HELD_OUT_MOST = 0.1, 500
_BASKETS_HELD_OUT_MOST = 300
LEAST_PAIRS = 8  # below that a batch has too few negatives to say anything
_ENOUGH_SEARCHES = 200  # from here on a shop is learned from its searches alone
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Search:
    """A query and an item that was chosen for it; `seqs` are the events it was made of. ts in seconds."""

    query: str
    item: str
    ts: float
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Basket:
    """The distinct items bought at once."""

    items: tuple[str, ...]
    ts: float
    seqs: tuple[int, ...]


@dataclass
class Material:
    """What a night works on, each list in the order of time. `counts` goes into the ledger."""

    new_searches: list[Search] = field(default_factory=list)
    old_searches: list[Search] = field(default_factory=list)
    held_searches: list[Search] = field(default_factory=list)
    new_baskets: list[Basket] = field(default_factory=list)
    old_baskets: list[Basket] = field(default_factory=list)
    held_baskets: list[Basket] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def is_searched(self) -> bool:
        """Whether the shop's search log is enough to learn and judge by; else its baskets and titles help."""
        searches = len(self.new_searches) + len(self.old_searches) + len(self.held_searches)
        return searches >= _ENOUGH_SEARCHES

    @property
    def is_little(self) -> bool:
        """Whether what is new is too little to train on."""
        return len(self.new_searches) + len(self.new_baskets) < LEAST_PAIRS

    @property
    def held_out(self) -> list[int]:
        """The `seq` of every event that this night keeps from learning."""
        held: list[Search | Basket] = [*self.held_searches, *self.held_baskets]
        return sorted(seq for part in held for seq in part.seqs)


def collect(events: Iterable[Event], learned: Mapping[str, Any], known: Callable[[str], bool]) -> Material:
    """Sort the events of the shop by what the parent's card says was `learned` (events_seq, until, held_out).

    Events on items for which `known` is false are counted and left out.
    """
    is_new = _newness(learned)
    material = Material(counts={"events": 0, "new_events": 0, "since_parent": 0, "unknown_item": 0})
    held = frozenset(learned["held_out"])
    baskets: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        material.counts["events"] += 1
        material.counts["new_events"] += is_new(event.seq, event.ts)
        material.counts["since_parent"] += is_new(event.seq, event.ts) and event.seq not in held
        if not known(event.item):
            material.counts["unknown_item"] += 1
        elif event.type in _CHOSEN and event.query:
            search = Search(event.query, event.item, event.ts, (event.seq,))
            (material.new_searches if is_new(event.seq, event.ts) else material.old_searches).append(search)
        elif event.type == "purchase" and (key := _basket_key(event)):
            baskets.setdefault(key, []).append(event)
    for bought in baskets.values():
        basket = Basket(tuple(dict.fromkeys(e.item for e in bought)), bought[-1].ts, tuple(e.seq for e in bought))
        if len(basket.items) > 1:
            new = any(is_new(event.seq, event.ts) for event in bought)
            (material.new_baskets if new else material.old_baskets).append(basket)
    _hold_out(material)
    material.counts |= {
        name: len(getattr(material, name))
        for name in ("new_searches", "old_searches", "held_searches", "new_baskets", "old_baskets", "held_baskets")
    }
    return material


def _newness(learned: Mapping[str, Any]) -> Callable[[int, float], bool]:
    last_seq, until, held = learned["events_seq"], learned["until"], frozenset(learned["held_out"])
    return lambda seq, ts: seq > last_seq or ts >= until or seq in held


def _hold_out(material: Material) -> None:
    """Move the newest new searches aside for the judge, and the newest baskets where there are few searches."""
    material.new_searches.sort(key=lambda search: (search.ts, search.seqs))
    material.new_baskets.sort(key=lambda basket: (basket.ts, basket.seqs))
    material.new_searches, material.held_searches = _split(material.new_searches, _HELD_OUT_MOST)
    if not material.is_searched:
        material.new_baskets, material.held_baskets = _split(material.new_baskets, _BASKETS_HELD_OUT_MOST)


def _split(parts: list[Part], most: int) -> tuple[list[Part], list[Part]]:
    count = min(most, round(len(parts) * _HELD_OUT_SHARE))
    return parts[: len(parts) - count], parts[len(parts) - count :]


def _basket_key(event: Event) -> tuple[str, str] | None:
    """One basket is a session's purchases, or where sessions are unknown a user's purchases of one day."""
    if event.session:
        return "session", event.session
    return ("user", f"{event.user} {event.ts // DAY}") if event.user else None
