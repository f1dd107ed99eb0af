"""The shop's words for correcting and completing, made of its items and past queries, followed in the background.

Reading them takes a second for 50,000 items; the old ones serve until the new ones are ready. What is new meanwhile is
still found: an unknown word is always looked up in the index before it is corrected.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from shelfwise.generation.encoder import Encoder
from shelfwise.generation.popularity import Statistics
from shelfwise.generation.query_memory import Memory
from shelfwise.query.autocomplete import Suggester
from shelfwise.query.suggestions import build_suggester
from shelfwise.query.vocabulary import Vocabulary, build_vocabulary
from shelfwise.store import Store

__all__ = ["Wordbook", "Words"]

_LEAST_SECONDS = 30.0  # between two buildings
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """One state of them: as of a number of text changes and of a generation's memory."""

    changes: int
    memory: Memory
    vocabulary: Vocabulary
    suggester: Suggester


class Wordbook:
    """The words of one process. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._words: Words | None = None
        self._built = float("-inf")
        self._building = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def current(self, memory: Memory, statistics: Statistics, encoder: Encoder | None = None) -> Words:
        """The words, built at the first call; later ones start a new building where something changed.

        The words that the `encoder` knows are of the language, and no slips even where the shop lacks them.
        """
        words = self._words
        if words is None:
            with self._building:
                return self._words or self._build(memory, statistics, encoder)
        stale = words.memory is not memory or words.changes != self._store.text.changes()
        if stale and time.monotonic() - self._built > _LEAST_SECONDS and self._building.acquire(blocking=False):
            self._built = time.monotonic()
            if self._closed:
                self._building.release()
                return words
            given = memory, statistics, encoder
            self._thread = threading.Thread(target=self._rebuild, args=given, name="shelfwise-words", daemon=True)
            self._thread.start()
        return words

    def close(self) -> None:
        """Wait for what is being read, and read no more: the database is closed next."""
        self._closed = True
        if self._thread is not None:
            self._thread.join()

    def _rebuild(self, memory: Memory, statistics: Statistics, encoder: Encoder | None) -> None:
        """The caller holds the lock, which is let go here."""
        try:
            self._build(memory, statistics, encoder)
        except Exception:  # the old ones serve on; the next question tries again
            _log.exception("could not read the shop's words")
        finally:
            self._building.release()

    def _build(self, memory: Memory, statistics: Statistics, encoder: Encoder | None) -> Words:
        changes = self._store.text.changes()  # first: what changes meanwhile makes the words old
        queries = memory.followed()
        self._words = Words(
            changes,
            memory,
            build_vocabulary(self._store.vocabulary.stream(), queries, real=encoder.words if encoder else ()),
            build_suggester(queries, self._store.vocabulary.names(), statistics.popularity),
        )
        self._built = time.monotonic()
        return self._words
