"""Keep the shop's vocabulary and autocompleter, built from items and past queries, rebuilt in the background.

Building takes a second for 50,000 items; the old ones serve until the new ones are ready. New items are found
meanwhile: an unknown word is always looked up in the index before it is corrected.
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

_MIN_REBUILD_SECONDS = 30.0  # between two builds
_log = logging.getLogger(__name__)


class _KnowsWords(Protocol):
    @property
    def tokenizer_words(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What was built from the texts as of a number of changes, and from a generation's memory."""

    changes: int
    memory: QueryMemory
    vocabulary: Vocabulary
    autocompleter: Autocompleter


class LexiconCache:
    """The lexicon of one process. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lexicon: Lexicon | None = None
        self._built_at = float("-inf")  # seconds of the monotonic clock
        self._building = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def current(self, memory: QueryMemory, statistics: PopularityCounts, encoder: _KnowsWords | None = None) -> Lexicon:
        """Return the lexicon, built at the first call; where something changed, start a rebuild in the background.

        The words of the `encoder`'s tokenizer are of the language: not mistyped even where the shop lacks them.
        """
        lexicon = self._lexicon
        if lexicon is None:
            with self._building:
                return self._lexicon or self._build(memory, statistics, encoder)
        stale = lexicon.memory is not memory or lexicon.changes != self._store.fulltext.changes()
        if (
            stale
            and time.monotonic() - self._built_at > _MIN_REBUILD_SECONDS
            and self._building.acquire(blocking=False)
        ):
            self._built_at = time.monotonic()
            if self._closed:
                self._building.release()
                return lexicon
            sources = memory, statistics, encoder
            self._thread = threading.Thread(target=self._rebuild, args=sources, name="shelfwise-words", daemon=True)
            self._thread.start()
        return lexicon

    def close(self) -> None:
        """Wait for the current build and start no other: the database is closed next."""
        self._closed = True
        if self._thread is not None:
            self._thread.join()

    def _rebuild(self, memory: QueryMemory, statistics: PopularityCounts, encoder: _KnowsWords | None) -> None:
        """Build and release the lock, which the caller acquired."""
        try:
            self._build(memory, statistics, encoder)
        except Exception:  # the old lexicon serves on; a later query tries again
            _log.exception("could not read the shop's words")
        finally:
            self._building.release()

    def _build(self, memory: QueryMemory, statistics: PopularityCounts, encoder: _KnowsWords | None) -> Lexicon:
        changes = self._store.fulltext.changes()  # first: a change during the build makes it stale
        queries = memory.weighted_queries()
        language_words = encoder.tokenizer_words if encoder else ()
        self._lexicon = Lexicon(
            changes,
            memory,
            build_vocabulary(self._store.item_texts.stream(), queries, language_words),
            build_autocompleter(queries, self._store.item_texts.names(), statistics.popularity),
        )
        self._built_at = time.monotonic()
        return self._lexicon
