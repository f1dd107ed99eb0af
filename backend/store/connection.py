"""SQLite connections: one a thread, WAL, and `write()`, the only way anything but a migration is written.

`write()` takes BEGIN IMMEDIATE, because a plain BEGIN that reads before it writes fails with "database is locked"
as soon as two processes do so at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
from sqlite_utils import Database

from shelfwise.errors import ShelfwiseError
from shelfwise.locks import locked
from shelfwise.store.schema import migrations

__all__ = ["Connections"]

_BUSY_SECONDS = 60  # how long a writer waits for the others


class Connections:
    """The connections of one process to one database file. Not to be used across fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._all: list[tuple[threading.Thread, Any]] = []
        self._guard = threading.Lock()
        self._pid = os.getpid()
        with locked(path.with_suffix(".migrate")):
            migrations.apply(Database(self.connection()))

    def connection(self) -> Any:
        """This thread's connection, opened at first use."""
        if os.getpid() != self._pid:
            raise ShelfwiseError("a Shop can't be used across fork; open a new one in the child process")
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
        return connection

    def rows(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> list[Any]:
        """All rows of a SELECT, as sqlite Row objects."""
        return self.connection().execute(sql, parameters).fetchall()  # type: ignore[no-any-return]

    def value(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.connection().execute(sql, parameters).fetchone()
        return row[0] if row else None

    @contextmanager
    def write(self) -> Iterator[Any]:
        """One transaction, committed at the end or rolled back whole; it waits for other writers."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        with self._guard:
            for _, connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()

    def _open(self) -> Any:
        connection = sqlite.connect(
            str(self.path), timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an acknowledged event survives a power cut
        connection.execute("PRAGMA cache_size = -16000")
        with self._guard:
            for ended in [held for held in self._all if not held[0].is_alive()]:
                ended[1].close()
                self._all.remove(ended)
            self._all.append((threading.current_thread(), connection))
        return connection
