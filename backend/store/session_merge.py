"""A login: what an anonymous session did becomes the user's. No other fact about a shopper is ever changed.

Only whose the rows are changes, never their `seq` or `ts`: what a night has learned stays learned.
"""

from __future__ import annotations

from shelfwise.store.answer_log import AnswerLog
from shelfwise.store.connection import Connections

__all__ = ["SessionMerge"]

_TABLES = ("events", "searches", "recommendations")


class SessionMerge:
    def __init__(self, connections: Connections, shown: AnswerLog) -> None:
        self._db = connections
        self._shown = shown

    def merge(self, session: str, user: str) -> dict[str, int]:
        """Give the session's rows that have no user to this one, in one transaction; returns how many, by table.

        An answer that another process has yet to log stays without a user. Its events are joined by its id all the
        same, and it is the user's to erase and export like anything in a session that is theirs alone.
        """
        self._shown.close()  # writes what is queued; the next answer opens it again
        with self._db.write() as connection:
            return {
                table: int(
                    connection.execute(
                        f"UPDATE {table} SET user = ? WHERE session = ? AND user IS NULL", (user, session)
                    ).rowcount
                )
                for table in _TABLES
            }
