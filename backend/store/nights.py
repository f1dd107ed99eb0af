"""The ledger: one row a night, whatever its end."""

from __future__ import annotations

import json

from shelfwise.errors import NotFound
from shelfwise.records import Row
from shelfwise.store.connection import Connections
from shelfwise.times import to_iso

__all__ = ["Nights"]


class Nights:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def begin(self, started: float, parent: int | None) -> int:
        """Open a row with the verdict `running`; rows that a killed night left running become `killed`.

        Called under the night's lock, so no other night can be running.
        """
        with self._db.write() as connection:
            connection.execute(
                "UPDATE nights SET verdict = 'killed', reason = 'the process ended before the night did'"
                " WHERE verdict = 'running'"
            )
            cursor = connection.execute(
                "INSERT INTO nights (started, verdict, parent) VALUES (?, 'running', ?)", (started, parent)
            )
            return int(cursor.lastrowid)

    def end(self, night: int, finished: float, verdict: str, reason: str, generation: int | None, report: Row) -> None:
        with self._db.write() as connection:
            connection.execute(
                "UPDATE nights SET finished = ?, verdict = ?, reason = ?, generation = ?, report = ? WHERE night = ?",
                (finished, verdict, reason, generation, json.dumps(report), night),
            )

    def latest(self, limit: int) -> list[Row]:
        """The newest nights first, without their reports."""
        return [_shown(row) for row in self._db.rows("SELECT * FROM nights ORDER BY night DESC LIMIT ?", (limit,))]

    def get(self, night: int) -> Row:
        """One whole night. Raises NotFound."""
        rows = self._db.rows("SELECT * FROM nights WHERE night = ?", (night,))
        if not rows:
            raise NotFound(f"there is no night {night}; `shelfwise nights` lists them", "night")
        return _shown(rows[0]) | {"report": json.loads(rows[0]["report"] or "{}")}


def _shown(row: Row) -> Row:
    times = {name: row[name] and to_iso(row[name]) for name in ("started", "finished")}
    return {name: row[name] for name in ("night", "verdict", "reason", "parent", "generation")} | times
