"""Shoppers' events: append-only, idempotent by `event_id`, kept whatever item or answer they cite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shelfwise.events import shopper_key, visit_key
from shelfwise.store.connection import Repository
from shelfwise.types import EVENT_FIELDS, Row

__all__ = ["Event", "Events"]


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event as training and ranking read it; `query` is joined from the search it cites. ts in seconds."""

    seq: int
    ts: float
    type: str
    item: str
    user: str | None
    session: str | None
    query: str | None
    search_id: str | None = None
    position: int | None = None  # 1-based, within the answer it came from

    @property
    def shopper(self) -> str:
        """Return the user, else the session, else ""."""
        return shopper_key(self.user, self.session)

    @property
    def visit(self) -> str | int:
        """Return a key that is equal for the events of one visit of a shopper."""
        return visit_key(self.session, self.ts)


_SELECT = """SELECT events.seq, events.ts, events.type, events.item, events.user, events.session,
    coalesce(events.query, searches.query), events.search_id, events.position FROM events
    LEFT JOIN searches ON searches.search_id = events.search_id"""


class Events(Repository):
    """The `events` table."""

    def add(self, rows: Sequence[Row]) -> int:
        """Append clean rows in one transaction; return how many were new."""
        with self._db.write() as connection:
            before = connection.total_changes
            connection.executemany(_INSERT, [[row[name] for name in EVENT_FIELDS] for row in rows])
            return int(connection.total_changes - before)

    def count(self) -> int:
        """Return how many events there are."""
        return int(self._db.value("SELECT count(*) FROM events"))

    def last_seq(self) -> int:
        """Return the highest `seq`, 0 without events."""
        return int(self._db.value("SELECT coalesce(max(seq), 0) FROM events"))

    def before(self, until: float, up_to_seq: int) -> Iterator[Event]:
        """Yield every event with ts < until and seq ≤ up_to_seq, in the order of ts."""
        cursor = self._db.connection().execute(
            f"{_SELECT} WHERE events.ts < ? AND events.seq <= ? ORDER BY events.ts, events.seq", (until, up_to_seq)
        )
        return (Event(*row) for row in cursor)

    def between(self, start: float, end: float) -> list[Row]:
        """Return the events with start ≤ ts < end, in the order of ts, as the whole rows that `add` takes."""
        rows = self._db.rows(
            f"SELECT {', '.join(EVENT_FIELDS)} FROM events WHERE ts >= ? AND ts < ? ORDER BY ts, seq", (start, end)
        )
        return [dict(row) for row in rows]

    def span(self) -> tuple[float, float] | None:
        """Return the first and the last ts; None without events."""
        first, last = self._db.rows("SELECT min(ts), max(ts) FROM events")[0]
        return None if first is None else (first, last)

    def of_user(self, user: str, before: float, limit: int) -> list[Event]:
        """Return the user's newest events up to `before` (inclusive: an event of this instant counts), newest first."""
        return self._newest_of("user", user, before, limit)

    def of_session(self, session: str, before: float, limit: int) -> list[Event]:
        """Return the session's newest events up to `before` (inclusive), newest first."""
        return self._newest_of("session", session, before, limit)

    def items_of(self, user: str | None, session: str | None, type: str, before: float) -> set[str]:
        """Return the items of all events of a type, up to `before` (inclusive), by this user or in this session."""
        return {
            row[0]
            for column, value in (("user", user), ("session", session))
            if value is not None
            for row in self._db.rows(
                f"SELECT DISTINCT item FROM events WHERE {column} = ? AND type = ? AND ts <= ?", (value, type, before)
            )
        }

    def newest(self, before: float, limit: int) -> list[Event]:
        """Return the shop's newest events up to `before` (inclusive), newest first, without their queries."""
        rows = self._db.rows(
            "SELECT seq, ts, type, item, user, session, NULL FROM events WHERE ts <= ? ORDER BY ts DESC LIMIT ?",
            (before, limit),
        )
        return [Event(*row) for row in rows]

    def busiest_users(self, limit: int) -> list[tuple[str, int]]:
        """Return (user, number of events) of the users with the most events."""
        rows = self._db.rows(
            "SELECT user, count(*) FROM events WHERE user IS NOT NULL GROUP BY user ORDER BY 2 DESC, 1 LIMIT ?",
            (limit,),
        )
        return [(row[0], row[1]) for row in rows]

    def _newest_of(self, column: str, value: str, before: float, limit: int) -> list[Event]:
        rows = self._db.rows(
            f"{_SELECT} WHERE events.{column} = ? AND events.ts <= ? ORDER BY events.ts DESC LIMIT ?",
            (value, before, limit),
        )
        return [Event(*row) for row in rows]


_INSERT = (
    f"INSERT INTO events ({', '.join(EVENT_FIELDS)}) VALUES ({', '.join('?' * len(EVENT_FIELDS))})"
    " ON CONFLICT (event_id) DO NOTHING"
)
