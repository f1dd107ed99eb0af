"""A login: an anonymous session's rows become the user's. No other fact about a shopper is ever changed.

Only the user of the rows changes, never their `seq` or `ts`: what a night has learned stays learned.
"""

from __future__ import annotations

from shelfwise.store.answer_log import AnswerLog
from shelfwise.store.connection import Connections, Repository

__all__ = ["SessionMerge"]

_TABLES = ("events", "searches", "recommendations")


class SessionMerge(Repository):
    """The change of owner of logged rows at a login."""

    def __init__(self, connections: Connections, answer_log: AnswerLog) -> None:
        super().__init__(connections)
        self._answer_log = answer_log

    def merge(self, session: str, user: str) -> dict[str, int]:
        """Give the session's rows without a user to this one, in one transaction; return how many, by table.

        An answer that another process has yet to log stays without a user. Its events are joined by its id all the
        same, and it is the user's to erase and export like anything in a session that is theirs alone.
        """
        self._answer_log.close()  # writes the queue; the next answer starts the log again
        with self._db.write() as connection:
            return {
                table: int(
                    connection.execute(
                        f"UPDATE {table} SET user = ? WHERE session = ? AND user IS NULL", (user, session)
                    ).rowcount
                )
                for table in _TABLES
            }
