"""Following the generation pointer: which generation this process answers from, and when it changes to another."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from shelfwise.errors import GenerationError, NotFound
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.index import IndexCorrupt
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Store

__all__ = ["GenerationReloader"]

_WATCH_SECONDS = 0.3
_UNREADABLE = -1
_log = logging.getLogger(__name__)


class GenerationReloader:
    """The opened generation of one process. Safe for several threads."""

    def __init__(self, generations: GenerationRegistry, store: Store, shop_folder: Path) -> None:
        self._generations = generations
        self._store = store
        self._folder = shop_folder
        self._serving: LoadedGeneration | None = None
        self._broken: int | None = None  # a generation that would not open
        self._opening = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()

    def get(self) -> tuple[LoadedGeneration | None, list[str]]:
        """The generation to answer from, up to date, and what this answer has to do without."""
        generation = self._serving if self._watcher is not None else self.reload()
        if generation is None:
            return None, ["encoder" if self._broken is None else "generation"]
        generation.refresh()
        return generation, [*generation.degraded, *([] if self._broken is None else ["generation"])]

    def reload(self) -> LoadedGeneration | None:
        """Open what CURRENT names, if it is new. One that can't be opened is logged, and the one before serves on."""
        try:
            number = self._generations.current()
        except GenerationError as problem:
            self._note_broken(_UNREADABLE, problem)
            return self._serving
        if number is not None and self._is_open(number):
            self._broken = None  # rolled back to what serves already
        elif number is not None and number != self._broken:
            with self._opening:
                if not self._is_open(number):
                    self._open(number)
        return self._serving

    def start_watching(self) -> None:
        """Follow in the background from now on, so that no request waits for a generation to open."""
        self.reload()

        def run() -> None:
            while not self._closed.wait(_WATCH_SECONDS):
                try:
                    self.reload()
                except Exception:  # whatever it was, the next look may succeed, and the watch must go on
                    _log.exception("could not follow the generation pointer")

        self._watcher = threading.Thread(target=run, name="shelfwise-watch", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._serving is not None:
            self._serving.close(wait=True)

    def _is_open(self, number: int) -> bool:
        return self._serving is not None and self._serving.number == number

    def _open(self, number: int) -> None:
        try:
            opened = LoadedGeneration(self._generations.open(number), self._store, self._folder)
            opened.refresh()
        except (GenerationError, NotFound, IndexCorrupt) as problem:
            self._note_broken(number, problem)
            return
        except OSError:  # no more file descriptors, say: tried again at the next look
            _log.exception("could not open generation %d yet", number)
            return
        before, self._serving, self._broken = self._serving, opened, None
        if before is not None:
            before.close(wait=False)

    def _note_broken(self, number: int, problem: Exception) -> None:
        if number != self._broken:
            self._broken = number
            _log.error("generation %d can't be served: %s", number, problem)
