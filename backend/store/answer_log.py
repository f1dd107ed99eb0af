"""The log of answers, written by a background thread in batches, so that logging never slows an answer.

The last half second may be lost in a crash; when the disk can't keep up, the newest answers are dropped and counted.
"""

from __future__ import annotations

import json
import logging
import queue
import threading

from shelfwise.store.connection import Connections, Repository
from shelfwise.types import Row

__all__ = ["AnswerLog"]

_FLUSH_SECONDS = 0.4
_CAPACITY = 20_000  # answers
_STATEMENTS = {
    "searches": "INSERT INTO searches (search_id, ts, query, user, session, generation, shown)"
    " VALUES (:id, :ts, :query, :user, :session, :generation, :shown)",
    "recommendations": "INSERT INTO recommendations"
    " (recommendation_id, ts, kind, item, user, session, generation, shown)"
    " VALUES (:id, :ts, :kind, :item, :user, :session, :generation, :shown)",
}
_log = logging.getLogger(__name__)


class AnswerLog(Repository):
    """The queue of answers and its writer, which starts with the first answer and ends with `close`; thread-safe."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections)
        self._queue: queue.Queue[tuple[str, Row] | None] = queue.Queue(_CAPACITY)
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self.dropped = 0

    def add(self, table: str, row: Row, shown: list[str]) -> None:
        """Queue one answer for a table, `searches` or `recommendations`; `shown` are the item ids in their order."""
        if self._thread is None:
            self._start()
        try:
            self._queue.put_nowait((table, row | {"shown": json.dumps(shown)}))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write the queue and stop the writer; the next answer starts it again. Threads may call it at once."""
        with self._guard:
            if self._thread is not None:
                self._closing.set()
                self._queue.put(None)
                self._thread.join()
                self._thread = None
            self._write(self._queued())  # answers that came while the thread ended

    def _start(self) -> None:
        with self._guard:
            if self._thread is None:
                self._closing.clear()
                self._thread = threading.Thread(target=self._run, name="shelfwise-answer-log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        closing = False
        while not closing:
            batch = [self._queue.get()]
            self._closing.wait(_FLUSH_SECONDS)
            batch += self._queued()
            closing = None in batch
            self._write(batch)

    def _queued(self) -> list[tuple[str, Row] | None]:
        entries = []
        while not self._queue.empty():
            entries.append(self._queue.get_nowait())
        return entries

    def _write(self, batch: list[tuple[str, Row] | None]) -> None:
        entries = [entry for entry in batch if entry]
        if not entries:
            return
        try:
            with self._db.write() as connection:
                for table, row in entries:
                    connection.execute(_STATEMENTS[table], row)
        except Exception:  # a full or locked disk must not end the thread: later answers may be written again
            self.dropped += len(entries)
            _log.exception("could not log %d answers", len(entries))
