"""Join events to interactions: a query with the item chosen for it, a basket of items bought at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shelfwise.events import CHOICE_TYPES, EVENT_WEIGHTS
from shelfwise.generation.query_memory import query_key
from shelfwise.store import Event, Impression
from shelfwise.timestamps import DAY

__all__ = ["Basket", "QueryClick", "baskets", "is_anchor", "query_clicks"]

_ANCHOR_SHARE = 0.02  # of all sessions
_MAX_PASSED_OVER = 3  # items


@dataclass(frozen=True, slots=True)
class QueryClick:
    """A query and an item that one shopper chose for it.

    `ts` (epoch seconds) and `seqs` are those of its events, `weight` is that of its type (a click 1), `position` where
    the item was shown, from 1, `passed_over` the items shown above it that were not chosen, the nearest first.
    """

    query: str
    item: str
    ts: float
    seqs: tuple[int, ...]
    shopper: str = ""
    weight: float = 1.0
    position: int | None = None
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basket:
    """The distinct items bought at once, and the events of that; `ts` (epoch seconds) is the last one's."""

    items: tuple[str, ...]
    ts: float
    seqs: tuple[int, ...]


def query_clicks(events: Iterable[Event], shown: Mapping[str, Impression], *, merged: bool = True) -> list[QueryClick]:
    """Join what a shopper did on a day with one item of one query: its click, its cart, its purchase.

    The heaviest of these events gives the weight. `shown` maps a search_id to its logged answer; without `merged` every
    event stands for itself.
    """
    events_by_key: dict[object, list[Event]] = {}
    chosen: dict[str, set[str]] = {}  # search_id → items
    for event in events:
        if event.type in CHOICE_TYPES and event.query:
            name = event.shopper
            key = (name, query_key(event.query), event.item, int(event.ts // DAY)) if name and merged else event.seq
            events_by_key.setdefault(key, []).append(event)
            if event.search_id:
                chosen.setdefault(event.search_id, set()).add(event.item)
    return [_query_click(parts, shown, chosen) for parts in events_by_key.values()]


def _query_click(parts: Sequence[Event], shown: Mapping[str, Impression], chosen: Mapping[str, set[str]]) -> QueryClick:
    first = parts[0]
    answer = next((shown[part.search_id] for part in parts if part.search_id and part.search_id in shown), None)
    position = first.position
    passed_over: tuple[str, ...] = ()
    if answer is not None and first.item in answer.shown:
        index = answer.shown.index(first.item)
        position = index + 1
        above = answer.shown[:index][::-1]
        passed_over = tuple(id for id in above if id not in chosen[answer.search_id])[:_MAX_PASSED_OVER]
    return QueryClick(
        query=first.query or "",
        item=first.item,
        ts=parts[-1].ts,
        seqs=tuple(part.seq for part in parts),
        shopper=first.shopper,
        weight=max(EVENT_WEIGHTS[part.type] for part in parts),
        position=position,
        passed_over=passed_over,
    )


def baskets(events: Iterable[Event]) -> list[Basket]:
    """Return the purchases of each session, or where that is unknown of a user's day; of two or more items."""
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
    """Return whether the event's session is one of the 2 % that are only evaluated on, never learned from."""
    name = event.session or (f"{event.user} {int(event.ts // DAY)}" if event.user else f"event {event.seq}")
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) < _ANCHOR_SHARE * 2**32
