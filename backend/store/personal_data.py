"""What shop.db keeps about one person: giving it out, and taking it out for good.

A person is a user id. What was logged without one is theirs too when it belongs to a session that was never seen with
another user, or when a search or a shelf ties it to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pysqlite3.dbapi2 as sqlite

from shelfwise.store.connection import Connections
from shelfwise.text.normalize import words
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["PersonalData", "PersonalDataStore"]

_ANSWERS = {"searches": "search_id", "recommendations": "recommendation_id"}  # table → its key, which events cite
_KEYS = {"events": "seq", **_ANSWERS}
_MADE = ("published", "refused", "compacted", "nothing to learn")  # the verdicts of nights that may make a generation
_SCRUB_MS = 5_000  # how long the scrubbing waits for other processes
_MOST_BYTES = 2**29  # VACUUM holds the whole file in memory
_Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """All rows about a person, in the order of time, and the sessions that are theirs alone."""

    sessions: list[str]
    events: list[Row]
    searches: list[Row]
    recommendations: list[Row]

    def learned_by(self, reaches: Mapping[int, tuple[float, int]]) -> list[int]:
        """The generations that may have learned or counted any of these events.

        `reaches` gives for each generation (until, events_seq): within reach are ts < until and seq ≤ events_seq.
        """
        return sorted(
            number
            for number, (until, last_seq) in reaches.items()
            if any(event["ts"] < until and event["seq"] <= last_seq for event in self.events)
        )

    @property
    def counts(self) -> dict[str, int]:
        return {table: len(getattr(self, table)) for table in _KEYS}

    def to_dict(self) -> Row:
        """For giving out: times in ISO 8601, the items shown as lists."""
        return {table: [_given_out(row) for row in getattr(self, table)] for table in _KEYS} | {
            "sessions": self.sessions
        }


class PersonalDataStore:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def find(self, user: str) -> PersonalData:
        """Whole rows as they are stored; empty lists for a person whom nothing is known of."""
        return _find(self._db.connection(), user)

    def erase(self, user: str, at: float, reaches: Mapping[int, tuple[float, int]]) -> Row:
        """Delete all rows about a person and mark the ledger, in one transaction; `reaches` as in `learned_by`.

        Returns {"erasure", "events", "searches", "recommendations", "generations"}; `erasure` is None where there was
        nothing to erase. Called under the night's lock, so that no generation is made meanwhile.
        """
        with self._overwriting(), self._db.write() as connection:
            theirs = _find(connection, user)
            generations = theirs.learned_by(reaches)
            erasure = None
            if any(theirs.counts.values()):
                erasure = _delete(connection, theirs, at, generations)
                _mark_nights(connection, erasure, generations, _told_of(user, theirs))
        return {"erasure": erasure, **theirs.counts, "generations": generations}

    def generations_to_retire(self) -> set[int]:
        """The numbers of all generations that learned from anybody who was erased since."""
        return {row[0] for row in self._db.rows("SELECT value FROM erasures, json_each(erasures.generations)")}

    def last_generation(self) -> int:
        """The highest number of a generation that the ledger or an erasure names, on disk or not; -1 without any."""
        return int(
            self._db.value(
                "SELECT coalesce(max(number), -1) FROM (SELECT max(generation) AS number FROM nights"
                " UNION ALL SELECT max(parent) FROM nights"
                " UNION ALL SELECT max(value) FROM erasures, json_each(erasures.generations))"
            )
        )

    def vacuum(self) -> bool:
        """Write the file anew, so that no copy of a deleted row stays in its gaps or in the WAL; whether it succeeded.

        It does not while another process reads or writes for long, and not for a file too large to hold in memory:
        then deleted rows themselves are overwritten, but a copy that a split page left behind may stay.
        """
        connection = self._db.connection()
        waited = connection.execute("PRAGMA busy_timeout").fetchall()[0][0]
        connection.execute(f"PRAGMA busy_timeout = {_SCRUB_MS}").fetchall()
        try:
            small = self.size() <= _MOST_BYTES
            if small:
                connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
            return small and not busy
        except sqlite.OperationalError:  # locked, or no room on the disk
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout = {waited}").fetchall()

    def size(self) -> int:
        """Bytes of the database."""
        return int(self._db.value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))

    @contextmanager
    def _overwriting(self) -> Iterator[None]:
        """This thread's deletions overwrite what they delete with zeros."""
        connection = self._db.connection()
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        try:
            yield
        finally:
            connection.execute("PRAGMA secure_delete = OFF").fetchall()


# ---- which rows are theirs ------------------------------------------------------------------------------------

_LOGS = ("events", *_ANSWERS)
_SESSIONS = f"""WITH
    theirs AS ({" UNION ".join(f"SELECT session FROM {log} WHERE user = :user AND session <> ''" for log in _LOGS)})
    SELECT session FROM theirs EXCEPT SELECT session FROM (
        {" UNION ALL ".join(f"SELECT session, user FROM {log} WHERE session IN theirs" for log in _LOGS)})
    WHERE user <> :user"""


def _find(connection: Any, user: str) -> PersonalData:
    sessions = [row[0] for row in connection.execute(_SESSIONS, {"user": user})]
    given = {"user": user, "sessions": json.dumps(sessions)}
    answers = {table: _rows(connection, _answers_of(table, key), given) for table, key in _ANSWERS.items()}
    cited = {table: json.dumps([row[_ANSWERS[table]] for row in rows]) for table, rows in answers.items()}
    return PersonalData(sessions, _rows(connection, _EVENTS, given | cited), **answers)


def _answers_of(table: str, key: str) -> str:
    """Their searches or shelves; one without a user is theirs too when they, and nobody else, went on from it."""
    return f"""SELECT * FROM {table} WHERE user = :user OR user IS NULL AND (
            session IN (SELECT value FROM json_each(:sessions))
            OR {key} IN (SELECT {key} FROM events WHERE user = :user AND {key} IS NOT NULL
                EXCEPT SELECT {key} FROM events WHERE user <> :user AND {key} IS NOT NULL))
        ORDER BY ts, rowid"""


_EVENTS = """SELECT * FROM events WHERE user = :user OR user IS NULL AND (
        session IN (SELECT value FROM json_each(:sessions))
        OR search_id IN (SELECT value FROM json_each(:searches))
        OR recommendation_id IN (SELECT value FROM json_each(:recommendations)))
    ORDER BY ts, seq"""


def _given_out(row: Row) -> Row:
    shown = {"shown": json.loads(row["shown"])} if "shown" in row else {}
    return row | {"ts": to_iso(row["ts"])} | shown


def _rows(connection: Any, sql: str, given: Mapping[str, object]) -> list[Row]:
    return [dict(row) for row in connection.execute(sql, given)]


# ---- taking them out ------------------------------------------------------------------------------------------


def _delete(connection: Any, theirs: PersonalData, at: float, generations: list[int]) -> int:
    for table, key in _KEYS.items():
        keys = json.dumps([row[key] for row in getattr(theirs, table)])
        connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT value FROM json_each(?))", (keys,))
    cursor = connection.execute(
        "INSERT INTO erasures (at, events, searches, recommendations, generations)"
        " VALUES (:at, :events, :searches, :recommendations, :generations)",
        theirs.counts | {"at": at, "generations": json.dumps(generations)},
    )
    return int(cursor.lastrowid)


def _mark_nights(connection: Any, erasure: int, generations: Collection[int], is_theirs: _Test) -> None:
    """Note the erasure at the nights that made these generations, and take what is theirs out of all reports."""
    for night in connection.execute("SELECT night, verdict, generation, report FROM nights").fetchall():
        report = json.loads(night["report"] or "{}")
        after = _without(report, is_theirs)
        if night["generation"] in generations and night["verdict"] in _MADE:
            after["erased"] = [*report.get("erased", []), erasure]
        if after != report:
            connection.execute("UPDATE nights SET report = ? WHERE night = ?", (json.dumps(after), night["night"]))


def _told_of(user: str, theirs: PersonalData) -> _Test:
    """Whether an entry of a report is an example of a query of theirs, {"query": …}, or a sentence that names them."""
    queries = {tuple(words(row["query"])) for row in [*theirs.events, *theirs.searches] if row["query"]}
    names = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, [user, *theirs.sessions]))})(?!\w)")

    def is_theirs(entry: Any) -> bool:
        if isinstance(entry, dict):
            return isinstance(entry.get("query"), str) and tuple(words(entry["query"])) in queries
        return isinstance(entry, str) and names.search(entry) is not None

    return is_theirs


def _without(value: Any, is_theirs: _Test) -> Any:
    """The report without the entries of its lists that are theirs."""
    if isinstance(value, dict):
        return {name: _without(part, is_theirs) for name, part in value.items()}
    if isinstance(value, list):
        return [_without(part, is_theirs) for part in value if not is_theirs(part)]
    return value
