"""Follow the generation pointer: open what CURRENT names, and keep answering from the one before until that is open."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from shelfwise.errors import GenerationError, NotFound
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.index import IndexCorrupt
from shelfwise.serving.empty_generation import EmptyGeneration
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Store

__all__ = ["GenerationReloader", "ServedGeneration"]

ServedGeneration = LoadedGeneration | EmptyGeneration

_WATCH_SECONDS = 0.3
_UNREADABLE = -1  # stands for the number in a pointer that can't be read
_log = logging.getLogger(__name__)


class GenerationReloader:
    """The generation that one process answers from: empty until one is open. Safe for several threads."""

    def __init__(self, generations: GenerationRegistry, store: Store, shop_folder: Path) -> None:
        self._generations = generations
        self._store = store
        self._folder = shop_folder
        self._generation: ServedGeneration = EmptyGeneration()
        self._broken: int | None = None  # the number of a generation that could not be opened
        self._opening = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()

    def get(self) -> tuple[ServedGeneration, list[str]]:
        """Return the generation to answer from, up to date, and the names of the parts that this answer lacks."""
        generation = self._generation if self._watcher is not None else self.reload()
        generation.refresh()
        if self._broken is not None:
            return generation, [*generation.degraded, "generation"]
        return generation, [*generation.degraded, *(["encoder"] if generation.number is None else [])]

    def reload(self) -> ServedGeneration:
        """Open the generation that CURRENT names, if it is another; return the one to answer from.

        One that can't be opened is logged, and the one before stays.
        """
        try:
            number = self._generations.current()
        except GenerationError as problem:
            self._note_broken(_UNREADABLE, problem)
            return self._generation
        if number is not None and number == self._generation.number:
            self._broken = None  # rolled back to the open one
        elif number is not None and number != self._broken:
            with self._opening:
                if number != self._generation.number:
                    self._open(number)
        return self._generation

    def start_watching(self) -> None:
        """Reload in a background thread from now on, so that no request waits for a generation to open."""
        self.reload()

        def watch() -> None:
            while not self._closed.wait(_WATCH_SECONDS):
                try:
                    self.reload()
                except Exception:  # whatever it was: the next reload may succeed, and the thread must not end
                    _log.exception("could not follow the generation pointer")

        self._watcher = threading.Thread(target=watch, name="shelfwise-watch", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching, and the background work of the generation."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()
        self._generation.close(wait=True)

    def _open(self, number: int) -> None:
        try:
            opened = LoadedGeneration(self._generations.open(number), self._store, self._folder)
            opened.refresh()
        except (GenerationError, NotFound, IndexCorrupt) as problem:
            self._note_broken(number, problem)
            return
        except OSError:  # no more file descriptors, say: tried again at the next reload
            _log.exception("could not open generation %d yet", number)
            return
        before, self._generation, self._broken = self._generation, opened, None
        before.close(wait=False)

    def _note_broken(self, number: int, problem: Exception) -> None:
        if number != self._broken:
            self._broken = number
            _log.error("generation %d can't be served: %s", number, problem)
