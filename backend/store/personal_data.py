"""The rows of shop.db about one person: to export them, and to erase them for good.

A person is a user id. A row without one is theirs too when it belongs to a session that was never seen with another
user, or when a search or a shelf ties it to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pysqlite3.dbapi2 as sqlite

from shelfwise.store.connection import Repository
from shelfwise.text.normalize import words
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["PersonalData", "PersonalDataStore"]

_ANSWERS = {"searches": "search_id", "recommendations": "recommendation_id"}  # table → its key, which events cite
_KEYS = {"events": "seq", **_ANSWERS}
_Predicate = Callable[[Any], bool]
_GENERATION_VERDICTS = ("published", "refused", "compacted", "nothing to learn")  # of nights that may make a generation
_VACUUM_WAIT_MS = 5_000  # for other processes
_MAX_VACUUM_BYTES = 2**29  # VACUUM holds the whole file in memory


@dataclass(frozen=True, slots=True)
class PersonalData:
    """All rows about a person, in the order of time, and the sessions that are theirs alone."""

    sessions: list[str]
    events: list[Row]
    searches: list[Row]
    recommendations: list[Row]

    def learned_by(self, learned_ranges: Mapping[int, tuple[float, int]]) -> list[int]:
        """Return the generations that may have learned or counted any of these events.

        `learned_ranges` holds (until, events_seq) by generation: it learned of ts < until and seq ≤ events_seq.
        """
        return sorted(
            number
            for number, (until, events_seq) in learned_ranges.items()
            if any(event["ts"] < until and event["seq"] <= events_seq for event in self.events)
        )

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of rows by table."""
        return {table: len(getattr(self, table)) for table in _KEYS}

    def to_dict(self) -> Row:
        """Return all rows for export: times in ISO 8601, the items shown as lists."""
        rows: Row = {table: [_export_row(row) for row in getattr(self, table)] for table in _KEYS}
        return rows | {"sessions": self.sessions}


class PersonalDataStore(Repository):
    """Reads and deletions over all tables that name a person, and the table of erasures."""

    def find(self, user: str) -> PersonalData:
        """Return the person's whole rows as they are stored; empty lists for an unknown user."""
        return _find(self._db.connection(), user)

    def erase(self, user: str, at: float, learned_ranges: Mapping[int, tuple[float, int]]) -> Row:
        """Delete all rows about a person and mark the ledger, in one transaction.

        `at` is in epoch seconds, `learned_ranges` as `learned_by` takes them. Returns {"erasure", "events", "searches",
        "recommendations", "generations"}; `erasure` is None where there was nothing to erase. Called under the night's
        lock, so that no generation is made meanwhile.
        """
        with self._overwriting(), self._db.write() as connection:
            data = _find(connection, user)
            generations = data.learned_by(learned_ranges)
            erasure = None
            if any(data.counts.values()):
                erasure = _delete(connection, data, at, generations)
                _mark_nights(connection, erasure, generations, _is_about(user, data))
        return {"erasure": erasure, **data.counts, "generations": generations}

    def generations_to_retire(self) -> set[int]:
        """Return the numbers of all generations that learned from a person who was erased since."""
        return {row[0] for row in self._db.rows("SELECT value FROM erasures, json_each(erasures.generations)")}

    def last_generation(self) -> int:
        """Return the highest generation that the ledger or an erasure names, on disk or not; -1 without any."""
        return int(
            self._db.value(
                "SELECT coalesce(max(number), -1) FROM (SELECT max(generation) AS number FROM nights"
                " UNION ALL SELECT max(parent) FROM nights"
                " UNION ALL SELECT max(value) FROM erasures, json_each(erasures.generations))"
            )
        )

    def vacuum(self) -> bool:
        """Write the file anew, so that no copy of a deleted row stays in its gaps or in the WAL.

        Returns whether that succeeded. It fails while another process reads or writes for long, and for a file too
        large to hold in memory: then deleted rows themselves are overwritten, but a copy that a split page left behind
        may stay.
        """
        connection = self._db.connection()
        busy_timeout = connection.execute("PRAGMA busy_timeout").fetchall()[0][0]
        connection.execute(f"PRAGMA busy_timeout = {_VACUUM_WAIT_MS}").fetchall()
        try:
            small = self.size() <= _MAX_VACUUM_BYTES
            if small:
                connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
            return small and not busy
        except sqlite.OperationalError:  # locked, or no room on the disk
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout = {busy_timeout}").fetchall()

    def size(self) -> int:
        """Return the bytes of the database."""
        return int(self._db.value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))

    @contextmanager
    def _overwriting(self) -> Iterator[None]:
        """Overwrite deleted bytes with zeros (`secure_delete`) on this thread's connection within the block."""
        connection = self._db.connection()
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        try:
            yield
        finally:
            connection.execute("PRAGMA secure_delete = OFF").fetchall()


# ---- finding a person's rows --------------------------------------------------------------------------------

_LOGS = ("events", *_ANSWERS)
_SESSIONS = f"""WITH
    own AS ({" UNION ".join(f"SELECT session FROM {log} WHERE user = :user AND session <> ''" for log in _LOGS)})
    SELECT session FROM own EXCEPT SELECT session FROM (
        {" UNION ALL ".join(f"SELECT session, user FROM {log} WHERE session IN own" for log in _LOGS)})
    WHERE user <> :user"""


def _find(connection: Any, user: str) -> PersonalData:
    sessions = [row[0] for row in connection.execute(_SESSIONS, {"user": user})]
    parameters = {"user": user, "sessions": json.dumps(sessions)}
    answers = {table: _rows(connection, _select_answers(table, key), parameters) for table, key in _ANSWERS.items()}
    cited = {table: json.dumps([row[_ANSWERS[table]] for row in rows]) for table, rows in answers.items()}
    return PersonalData(sessions, _rows(connection, _SELECT_EVENTS, parameters | cited), **answers)


def _select_answers(table: str, key: str) -> str:
    """Return the SQL of a person's searches or shelves, also those without a user that only they cite in events."""
    return f"""SELECT * FROM {table} WHERE user = :user OR user IS NULL AND (
            session IN (SELECT value FROM json_each(:sessions))
            OR {key} IN (SELECT {key} FROM events WHERE user = :user AND {key} IS NOT NULL
                EXCEPT SELECT {key} FROM events WHERE user <> :user AND {key} IS NOT NULL))
        ORDER BY ts, rowid"""


_SELECT_EVENTS = """SELECT * FROM events WHERE user = :user OR user IS NULL AND (
        session IN (SELECT value FROM json_each(:sessions))
        OR search_id IN (SELECT value FROM json_each(:searches))
        OR recommendation_id IN (SELECT value FROM json_each(:recommendations)))
    ORDER BY ts, seq"""


def _export_row(row: Row) -> Row:
    shown = {"shown": json.loads(row["shown"])} if "shown" in row else {}
    return row | {"ts": to_iso(row["ts"])} | shown


def _rows(connection: Any, sql: str, parameters: Mapping[str, object]) -> list[Row]:
    return [dict(row) for row in connection.execute(sql, parameters)]


# ---- erasing them -------------------------------------------------------------------------------------------


def _delete(connection: Any, data: PersonalData, at: float, generations: list[int]) -> int:
    """Delete the rows; return the id of the erasure that counts them."""
    for table, key in _KEYS.items():
        keys = json.dumps([row[key] for row in getattr(data, table)])
        connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT value FROM json_each(?))", (keys,))
    cursor = connection.execute(
        "INSERT INTO erasures (at, events, searches, recommendations, generations)"
        " VALUES (:at, :events, :searches, :recommendations, :generations)",
        data.counts | {"at": at, "generations": json.dumps(generations)},
    )
    return int(cursor.lastrowid)


def _mark_nights(connection: Any, erasure: int, generations: Collection[int], is_about: _Predicate) -> None:
    """Note the erasure at the nights that made these generations, and drop the person's entries from all reports."""
    for night in connection.execute("SELECT night, verdict, generation, report FROM nights").fetchall():
        report = json.loads(night["report"] or "{}")
        after = _without(report, is_about)
        if night["generation"] in generations and night["verdict"] in _GENERATION_VERDICTS:
            after["erased"] = [*report.get("erased", []), erasure]
        if after != report:
            connection.execute("UPDATE nights SET report = ? WHERE night = ?", (json.dumps(after), night["night"]))


def _is_about(user: str, data: PersonalData) -> _Predicate:
    """Return a test of report entries: examples of the person's queries, {"query": …}, or sentences that name them."""
    queries = {tuple(words(row["query"])) for row in [*data.events, *data.searches] if row["query"]}
    names = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, [user, *data.sessions]))})(?!\w)")

    def is_about(entry: Any) -> bool:
        if isinstance(entry, dict):
            return isinstance(entry.get("query"), str) and tuple(words(entry["query"])) in queries
        return isinstance(entry, str) and names.search(entry) is not None

    return is_about


def _without(value: Any, is_about: _Predicate) -> Any:
    """Return the report without the entries of its lists that pass the test."""
    if isinstance(value, dict):
        return {name: _without(part, is_about) for name, part in value.items()}
    if isinstance(value, list):
        return [_without(part, is_about) for part in value if not is_about(part)]
    return value
