"""The ledger: one row a night, however it ended."""

from __future__ import annotations

import json
import math

from shelfwise.errors import NotFound
from shelfwise.night_report import NightReport
from shelfwise.store.connection import Repository
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["Ledger"]


class Ledger(Repository):
    """The `nights` table."""

    def begin(self, started: float, parent: int | None) -> int:
        """Open a row with the verdict `running`; rows that a killed night left running become `killed`.

        Called under the night's lock, so no other night can be running. A killed row keeps the report noted in it.
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

    def note(self, night: int, report: NightReport) -> None:
        """Keep the report so far, so that the row of a night that is killed has it."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE nights SET report = ? WHERE night = ? AND verdict = 'running'", (_to_json(report), night)
            )

    def end(
        self, night: int, finished: float, verdict: str, reason: str, generation: int | None, report: NightReport
    ) -> None:
        """Fill in the row of a night.

        Args:
            night: its number, as `begin` returned it.
            finished: epoch seconds.
            verdict: published, refused, compacted, nothing to learn or failed.
            reason: one sentence that says why.
            generation: the generation that serves from now on.
            report: the figures of the night.
        """
        with self._db.write() as connection:
            connection.execute(
                "UPDATE nights SET finished = ?, verdict = ?, reason = ?, generation = ?, report = ? WHERE night = ?",
                (finished, verdict, reason, generation, _to_json(report), night),
            )

    def latest(self, limit: int) -> list[Row]:
        """Return the newest nights first, each with the figures of its report that a line shows.

        They are `measure`, the main measure as [parent, candidate] on the first evaluation set with any question,
        `seconds`, the sum over all stages, and `warnings`; None and an empty list where there are none.
        """
        rows = self._db.rows("SELECT * FROM nights ORDER BY night DESC LIMIT ?", (limit,))
        return [_shown(row) | _summary(NightReport.from_dict(_json(row))) for row in rows]

    def get(self, night: int) -> Row:
        """Return one whole night. Raises NotFound."""
        rows = self._db.rows("SELECT * FROM nights WHERE night = ?", (night,))
        if not rows:
            raise NotFound(f"night: expected one that `shelfwise nights` lists, got {night}", "night")
        return _shown(rows[0]) | {"report": _json(rows[0])}

    def warnings(self) -> list[str]:
        """Return the warnings of the latest night that neither failed nor was killed."""
        rows = self._db.rows(
            "SELECT report FROM nights WHERE verdict IN ('published', 'refused', 'nothing to learn')"
            " ORDER BY night DESC LIMIT 1"
        )
        return [warning for row in rows for warning in NightReport.from_dict(_json(row)).warnings]

    def pace(self) -> dict[str, float]:
        """Return the seconds by stage, in their order, of the latest night that trained; empty without one."""
        rows = self._db.rows(
            "SELECT report FROM nights WHERE verdict IN ('published', 'refused')"
            " AND json_extract(report, '$.seconds.train') IS NOT NULL ORDER BY night DESC LIMIT 1"
        )
        return NightReport.from_dict(_json(rows[0])).seconds if rows else {}


def _shown(row: Row) -> Row:
    times = {name: row[name] and to_iso(row[name]) for name in ("started", "finished")}
    return {name: row[name] for name in ("night", "verdict", "reason", "parent", "generation")} | times


def _to_json(report: NightReport) -> str:
    """Return the report as JSON, with null for NaN and infinities (of a loss that diverged, say)."""
    return json.dumps(json.loads(json.dumps(report.to_dict()), parse_constant=lambda constant: None))


def _json(row: Row) -> Row:
    return json.loads(row["report"] or "{}")  # type: ignore[no-any-return]


def _summary(report: NightReport) -> Row:
    gate = next((gate for gate in report.verdicts if gate.questions), None)
    return {
        "measure": gate and [value if math.isfinite(value) else None for value in (gate.parent, gate.child)],
        "seconds": round(sum(report.seconds.values()), 2) if report.seconds else None,
        "warnings": report.warnings,
    }
