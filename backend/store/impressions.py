"""What shoppers were shown: the logged answers with their items, for learning from what was passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shelfwise.store.connection import Connections

__all__ = ["Impression", "Impressions", "ShownShelf"]


@dataclass(frozen=True, slots=True)
class Impression:
    """One answer to a search as it was shown: item ids in their order. ts in seconds."""

    search_id: str
    query: str
    ts: float
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownShelf:
    """One shelf as it was shown to somebody: item ids in their order. ts in seconds."""

    ts: float
    user: str | None
    session: str | None
    shown: tuple[str, ...]


class Impressions:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def searches(self, since: float, until: float) -> Iterator[Impression]:
        """The searches answered with since ≤ ts < until, oldest first, streamed."""
        cursor = self._db.connection().execute(
            "SELECT search_id, query, ts, shown FROM searches WHERE ts >= ? AND ts < ? ORDER BY ts", (since, until)
        )
        return (Impression(row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in cursor)

    def shelves(self, since: float, until: float) -> Iterator[ShownShelf]:
        """The shelves shown to somebody with since ≤ ts < until, oldest first, streamed."""
        cursor = self._db.connection().execute(
            f"{_SHELVES} ts >= ? AND ts < ? AND (user IS NOT NULL OR session IS NOT NULL) ORDER BY ts", (since, until)
        )
        return (_shelf(row) for row in cursor)

    def shelves_of(self, user: str | None, session: str | None, since: float, most: int) -> list[ShownShelf]:
        """The newest shelves with since ≤ ts that were shown to this user, or anonymously in this session."""
        found = []
        for whose, value in (("user = ?", user), ("user IS NULL AND session = ?", session)):
            if value is not None:
                asked = f"{_SHELVES} {whose} AND ts >= ? ORDER BY ts DESC LIMIT ?"
                found += [_shelf(row) for row in self._db.rows(asked, (value, since, most))]
        return sorted(found, key=lambda shelf: -shelf.ts)[:most]


_SHELVES = "SELECT ts, user, session, shown FROM recommendations WHERE"


def _shelf(row: Any) -> ShownShelf:
    return ShownShelf(row[0], row[1], row[2], tuple(json.loads(row[3])))
