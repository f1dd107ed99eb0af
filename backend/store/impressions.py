"""What shoppers were shown: the logged answers with their items, for learning from what was passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from shelfwise.store.connection import Connections

__all__ = ["Impression", "Impressions", "ShownRecommendation"]


@dataclass(frozen=True, slots=True)
class Impression:
    """One answer to a search as it was shown: item ids in their order. ts in seconds."""

    search_id: str
    query: str
    ts: float
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownRecommendation:
    """One shelf as it was shown to somebody: item ids in their order. ts in seconds."""

    ts: float
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

    def recommendations_of(
        self, user: str | None, session: str | None, since: float, until: float, limit: int
    ) -> list[ShownRecommendation]:
        """The newest shelves with since ≤ ts ≤ until that were shown to this user; without one, in this session while
        nobody was logged in. Newest first.
        """
        if user is None and session is None:
            return []
        whose = "user IS NULL AND session = ?" if user is None else "user = ?"
        rows = self._db.rows(_SHELVES_OF.format(whose=whose), (user or session, since, until, limit))
        return [ShownRecommendation(ts, tuple(json.loads(shown))) for ts, shown in rows]


_SHELVES_OF = """SELECT ts, shown FROM recommendations
    WHERE {whose} AND ts >= ? AND ts <= ? ORDER BY ts DESC LIMIT ?"""
