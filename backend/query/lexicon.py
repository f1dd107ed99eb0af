"""The shop's words for correcting and completing, made of its items and past queries, followed in the background.

Reading them takes a second for 50,000 items; the old ones serve until the new ones are ready. What is new meanwhile is
still found: an unknown word is always looked up in the index before it is corrected.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.query.autocomplete import Autocompleter
from shelfwise.query.suggestions import build_autocompleter
from shelfwise.query.vocabulary import Vocabulary, build_vocabulary
from shelfwise.store import Store

__all__ = ["Lexicon", "LexiconCache"]

_LEAST_SECONDS = 30.0  # between two buildings
_log = logging.getLogger(__name__)


class _KnowsWords(Protocol):
    @property
    def tokenizer_words(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One state of them: as of a number of text changes and of a generation's memory."""

    changes: int
    memory: QueryMemory
    vocabulary: Vocabulary
    autocompleter: Autocompleter


class LexiconCache:
    """The words of one process. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._words: Lexicon | None = None
        self._built = float("-inf")
        self._building = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def current(self, memory: QueryMemory, statistics: PopularityCounts, encoder: _KnowsWords | None = None) -> Lexicon:
        """The words, built at the first call; later ones start a new building where something changed.

        The words that the `encoder` knows are of the language, and no slips even where the shop lacks them.
        """
        words = self._words
        if words is None:
            with self._building:
                return self._words or self._build(memory, statistics, encoder)
        stale = words.memory is not memory or words.changes != self._store.fulltext.changes()
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

    def _rebuild(self, memory: QueryMemory, statistics: PopularityCounts, encoder: _KnowsWords | None) -> None:
        """The caller holds the lock, which is let go here."""
        try:
            self._build(memory, statistics, encoder)
        except Exception:  # the old ones serve on; the next question tries again
            _log.exception("could not read the shop's words")
        finally:
            self._building.release()

    def _build(self, memory: QueryMemory, statistics: PopularityCounts, encoder: _KnowsWords | None) -> Lexicon:
        changes = self._store.fulltext.changes()  # first: what changes meanwhile makes the words old
        queries = memory.followed()
        self._words = Lexicon(
            changes,
            memory,
            build_vocabulary(self._store.item_texts.stream(), queries, real=encoder.tokenizer_words if encoder else ()),
            build_autocompleter(queries, self._store.item_texts.names(), statistics.popularity),
        )
        self._built = time.monotonic()
        return self._words
