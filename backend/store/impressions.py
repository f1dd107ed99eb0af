"""Logged answers with the items that they showed, for learning from items that were shown and not chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from shelfwise.store.connection import Repository

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
    """One shelf as it was shown to a shopper: item ids in their order. ts in seconds."""

    ts: float
    shown: tuple[str, ...]


class Impressions(Repository):
    """Reads of the logged answers; `AnswerLog` writes them."""

    def searches(self, since: float, until: float) -> Iterator[Impression]:
        """Yield the searches answered with since ≤ ts < until, oldest first."""
        cursor = self._db.connection().execute(
            "SELECT search_id, query, ts, shown FROM searches WHERE ts >= ? AND ts < ? ORDER BY ts", (since, until)
        )
        return (Impression(row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in cursor)

    def recommendations_of(
        self, user: str | None, session: str | None, since: float, until: float, limit: int
    ) -> list[ShownRecommendation]:
        """Return the newest shelves shown to a shopper, newest first.

        Args:
            user: the shelves are those that were shown to this user.
            session: without a user, those of this session that were shown before a login; without both, none.
            since: lowest `ts`, in epoch seconds.
            until: highest `ts`, inclusive.
            limit: how many at most.
        """
        if user is None and session is None:
            return []
        condition = "user IS NULL AND session = ?" if user is None else "user = ?"
        rows = self._db.rows(_SELECT_SHELVES.format(condition=condition), (user or session, since, until, limit))
        return [ShownRecommendation(ts, tuple(json.loads(shown))) for ts, shown in rows]


_SELECT_SHELVES = """SELECT ts, shown FROM recommendations
    WHERE {condition} AND ts >= ? AND ts <= ? ORDER BY ts DESC LIMIT ?"""
