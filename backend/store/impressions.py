"""What shoppers were shown: the logged searches with the items of their answers, for learning from what was passed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from shelfwise.store.connection import Connections

__all__ = ["Impression", "Impressions"]


@dataclass(frozen=True, slots=True)
class Impression:
    """One answer as it was shown: item ids in their order. ts in seconds."""

    search_id: str
    query: str
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
