"""SQLite connections: one a thread, WAL, and `write()`, the only way to write anything but a migration.

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

from shelfwise.errors import ShelfwiseError
from shelfwise.files import locked

__all__ = ["SCHEMA", "Connections", "Repository"]

SCHEMA = 6  # the number of migrations in schema.py; a database that has had them all has it as its user_version

_BUSY_SECONDS = 60  # how long a writer waits for the others


class Connections:
    """The connections of one process to one database file. Not to be used across fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, Any]] = []
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._closed = False
        self._migrate()

    def connection(self) -> Any:
        """Return this thread's connection, opened at first use. Raises ShelfwiseError after `close` and a fork."""
        if os.getpid() != self._pid:
            raise ShelfwiseError("Shop: expected the process that opened it, got a fork of it; open a new one there")
        if self._closed:
            raise ShelfwiseError("Shop: expected an open one, got one that was closed; open a new one")
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
        return connection

    def rows(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> list[Any]:
        """Return all rows of a SELECT, as sqlite Row objects."""
        return self.connection().execute(sql, parameters).fetchall()  # type: ignore[no-any-return]

    def value(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """Return the first column of the first row, or None."""
        row = self.connection().execute(sql, parameters).fetchone()
        return row[0] if row else None

    def tuples(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a SELECT as plain tuples, one at a time: there may be thousands."""
        cursor = self.connection().cursor()
        cursor.row_factory = None
        return cursor.execute(sql, parameters)  # type: ignore[no-any-return]

    @contextmanager
    def write(self) -> Iterator[Any]:
        """Run one transaction, committed at the end or rolled back whole; it waits for other writers."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite may have rolled back by itself, on a full disk say
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connections of all threads, for good."""
        self._closed = True
        with self._guard:
            for _, connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    def _migrate(self) -> None:
        version = int(self.value("PRAGMA user_version"))
        if version > SCHEMA:
            raise ShelfwiseError(f"{self.path}: expected schema {SCHEMA} at most, got {version}: upgrade shelfwise")
        if version < SCHEMA:
            # Imported only where it is needed: sqlite-utils brings pandas along when it finds it, 66 MB a process.
            from sqlite_utils import Database

            from shelfwise.store.schema import migrations

            with locked(self.path.with_suffix(".migrate")):
                migrations.apply(Database(self.connection()))
                self.connection().execute(f"PRAGMA user_version = {SCHEMA}")

    def _open(self) -> Any:
        connection = sqlite.connect(
            str(self.path), timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an acknowledged event survives a power cut
        connection.execute("PRAGMA cache_size = -16000")
        with self._guard:
            for entry in [entry for entry in self._opened if not entry[0].is_alive()]:
                entry[1].close()  # of a thread that ended
                self._opened.remove(entry)
            self._opened.append((threading.current_thread(), connection))
        return connection


class Repository:
    """The base of each topic of the store: its statements over the connections of this process."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections
