"""Searches for the night's tests: a catalogue of distinct things, and what shoppers chose from it, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick, is_anchor

FIRST = datetime(2026, 3, 2, tzinfo=UTC)  # the midnight that day 0 begins with
COLOURS = ("amber", "black", "crimson", "denim", "emerald", "fawn", "grey", "hazel")
THINGS = ("teapot", "doormat", "umbrella", "cushion", "mirror", "lamp")
CATALOGUE = [
    {"id": f"{colour}-{thing}", "title": f"{colour} {thing}", "price": 1.0 + row + 10 * column}
    for row, colour in enumerate(COLOURS)
    for column, thing in enumerate(THINGS)
]

_seqs = count(1)


def morning(day: int) -> datetime:
    """Return the midnight that the day begins with."""
    return FIRST + timedelta(days=day)


def at(day: int, minute: int = 0) -> float:
    """Return a moment of the day, in epoch seconds."""
    return FIRST.timestamp() + day * DAY + 3600 + 60 * minute


def search(query: str, item: str, day: int = 0, shopper: str = "", weight: float = 1.0) -> QueryClick:
    """Return a search as `query_clicks` makes it."""
    return QueryClick(query, item, at(day), (next(_seqs),), shopper, weight)


def event(item: str, day: int = 0, user: str | None = None, type: str = "click") -> Event:
    return Event(next(_seqs), at(day), type, item, user, None, None)


def learnable(day: int, anchor: bool = False) -> Iterator[str]:
    """Yield shoppers of the day whose events may be learned; with `anchor` those who are only evaluated on."""
    for number in count():
        name = f"shopper-{day}-{number}"
        if is_anchor(Event(0, at(day), "click", "", name, None, None)) == anchor:
            yield name


def clicks(day: int, *chosen: tuple[str, str], user: str | None = None, anchor: bool = False) -> list[dict[str, Any]]:
    """Return a click for each (query, item), a minute apart, for `Shop.record`, each by another shopper."""
    names = learnable(day, anchor)
    return [
        {
            "type": "click", "query": query, "item": item, "user": user or next(names),
            "ts": datetime.fromtimestamp(at(day, minute), UTC),
        }
        for minute, (query, item) in enumerate(chosen)
    ]  # fmt: skip
