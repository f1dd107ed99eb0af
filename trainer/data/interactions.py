"""From single events to what a shopper did: a search with what was chosen for it, a basket of what was bought."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shelfwise.events import CHOICE_TYPES, EVENT_WEIGHTS
from shelfwise.generation.query_memory import query_key
from shelfwise.store import Event, Impression
from shelfwise.timestamps import DAY

__all__ = ["Basket", "QueryClick", "baskets", "is_anchor", "query_clicks"]

_ANCHOR_SHARE = 0.02
_MOST_PASSED = 3


@dataclass(frozen=True, slots=True)
class QueryClick:
    """A query and an item that one shopper chose for it; `seqs` are the events it was made of. ts in seconds.

    `weight` is what the choice is worth (a click 1), `position` where the item was shown, from 1, `passed` the items
    shown above it that the shopper left alone, the nearest first.
    """

    query: str
    item: str
    ts: float
    seqs: tuple[int, ...]
    shopper: str = ""
    weight: float = 1.0
    position: int | None = None
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basket:
    """The distinct items bought at once."""

    items: tuple[str, ...]
    ts: float
    seqs: tuple[int, ...]


def query_clicks(events: Iterable[Event], shown: Mapping[str, Impression], *, merged: bool = True) -> list[QueryClick]:
    """One search for what a shopper did on a day with one item of one query: its click, its cart, its purchase.

    It is worth as much as its best event. `shown` maps a search_id to the answer it names; without `merged` every event
    is a search of its own.
    """
    chosen: dict[object, list[Event]] = {}
    picked: dict[str, set[str]] = {}
    for event in events:
        if event.type in CHOICE_TYPES and event.query:
            name = event.shopper
            key = (name, query_key(event.query), event.item, int(event.ts // DAY)) if name and merged else event.seq
            chosen.setdefault(key, []).append(event)
            if event.search_id:
                picked.setdefault(event.search_id, set()).add(event.item)
    return [_search(parts, shown, picked) for parts in chosen.values()]


def _search(parts: Sequence[Event], shown: Mapping[str, Impression], picked: Mapping[str, set[str]]) -> QueryClick:
    first = parts[0]
    answer = next((shown[part.search_id] for part in parts if part.search_id and part.search_id in shown), None)
    position = first.position
    passed: tuple[str, ...] = ()
    if answer is not None and first.item in answer.shown:
        place = answer.shown.index(first.item)
        position = place + 1
        above = answer.shown[:place][::-1]
        passed = tuple(id for id in above if id not in picked[answer.search_id])[:_MOST_PASSED]
    return QueryClick(
        query=first.query or "",
        item=first.item,
        ts=parts[-1].ts,
        seqs=tuple(part.seq for part in parts),
        shopper=first.shopper,
        weight=max(EVENT_WEIGHTS[part.type] for part in parts),
        position=position,
        passed=passed,
    )


def baskets(events: Iterable[Event]) -> list[Basket]:
    """A session's purchases, or where sessions are unknown a user's purchases of one day; two items at least."""
    bought: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.type == "purchase" and not event.query and (key := _basket_key(event)):
            bought.setdefault(key, []).append(event)
    baskets = [
        Basket(tuple(dict.fromkeys(part.item for part in parts)), parts[-1].ts, tuple(part.seq for part in parts))
        for parts in bought.values()
    ]
    return [basket for basket in baskets if len(basket.items) > 1]


def _basket_key(event: Event) -> tuple[str, str] | None:
    if event.session:
        return "session", event.session
    return ("user", f"{event.user} {event.ts // DAY}") if event.user else None


def is_anchor(event: Event) -> bool:
    """Whether the event's session is one of the 2 % that are only ever asked, never learned from."""
    name = event.session or (f"{event.user} {int(event.ts // DAY)}" if event.user else f"event {event.seq}")
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) < _ANCHOR_SHARE * 2**32
