"""The ledger: one row a night, whatever its end."""

from __future__ import annotations

import json
import math
from typing import Any

from shelfwise.errors import NotFound
from shelfwise.store.connection import Connections
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["Ledger"]


class Ledger:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def begin(self, started: float, parent: int | None) -> int:
        """Open a row with the verdict `running`; rows that a killed night left running become `killed`.

        Called under the night's lock, so no other night can be running. A killed row keeps what was noted in it.
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

    def note(self, night: int, report: Row) -> None:
        """Keep the report so far, so that the row of a night that is killed holds what was known."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE nights SET report = ? WHERE night = ? AND verdict = 'running'", (_to_json(report), night)
            )

    def end(self, night: int, finished: float, verdict: str, reason: str, generation: int | None, report: Row) -> None:
        with self._db.write() as connection:
            connection.execute(
                "UPDATE nights SET finished = ?, verdict = ?, reason = ?, generation = ?, report = ? WHERE night = ?",
                (finished, verdict, reason, generation, _to_json(report), night),
            )

    def latest(self, limit: int) -> list[Row]:
        """The newest nights first; of their reports only what a line shows.

        That is `measure`, the main measure as [parent, child] on the first exam that asked anything, `seconds`, the
        sum over all stages, and `warnings`; None and an empty list where there are none.
        """
        rows = self._db.rows("SELECT * FROM nights ORDER BY night DESC LIMIT ?", (limit,))
        return [_shown(row) | _summary(_report(row)) for row in rows]

    def get(self, night: int) -> Row:
        """One whole night. Raises NotFound."""
        rows = self._db.rows("SELECT * FROM nights WHERE night = ?", (night,))
        if not rows:
            raise NotFound(f"there is no night {night}; `shelfwise nights` lists them", "night")
        return _shown(rows[0]) | {"report": _report(rows[0])}

    def warnings(self) -> list[str]:
        """What the latest night that came to its end warned of."""
        rows = self._db.rows(
            "SELECT report FROM nights WHERE verdict IN ('published', 'refused', 'nothing to learn')"
            " ORDER BY night DESC LIMIT 1"
        )
        return [warning for row in rows for warning in _report(row).get("warnings", [])]

    def pace(self) -> dict[str, float]:
        """Seconds by stage, in their order, of the latest night that trained; empty without one."""
        rows = self._db.rows(
            "SELECT report FROM nights WHERE verdict IN ('published', 'refused')"
            " AND json_extract(report, '$.seconds.train') IS NOT NULL ORDER BY night DESC LIMIT 1"
        )
        return dict(_report(rows[0])["seconds"]) if rows else {}


def _shown(row: Row) -> Row:
    times = {name: row[name] and to_iso(row[name]) for name in ("started", "finished")}
    return {name: row[name] for name in ("night", "verdict", "reason", "parent", "generation")} | times


def _to_json(report: Row) -> str:
    """What is no number, a loss that ran away say, becomes null: JSON knows no NaN."""

    def sound(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: sound(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [sound(part) for part in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(sound(report))


def _report(row: Row) -> dict[str, Any]:
    return json.loads(row["report"] or "{}")  # type: ignore[no-any-return]


def _summary(report: Row) -> Row:
    verdict: Row = next((one for one in report.get("verdicts") or [] if one.get("questions")), {})
    seconds = report.get("seconds")
    return {
        "measure": [verdict["parent"], verdict["child"]] if {"parent", "child"} <= set(verdict) else None,
        "seconds": round(sum(seconds.values()), 2) if seconds else None,
        "warnings": report.get("warnings") or [],
    }
