"""Keep a value that is costly to make until what it was made of changes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["CachedBy"]

Value = TypeVar("Value")


class CachedBy(Generic[Value]):
    """The last value that was built and its key. Safe for several threads, of which one builds.

    Numbers and texts of a key are compared by value, all else by identity: a snapshot or an array is the same only if
    it is the same object. `max_age_seconds`: a value that is older is built again.
    """

    def __init__(self, max_age_seconds: float = math.inf) -> None:
        self._max_age_seconds = max_age_seconds
        self._guard = threading.Lock()
        self._entry: tuple[tuple[object, ...], float, Value] | None = None

    def get(self, build: Callable[[], Value], *key: object, now: float = 0.0) -> Value:
        """Return the value kept for `key` if it isn't too old at `now` (epoch seconds), else that of `build()`."""
        entry = self._entry
        if entry is None or not self._holds(entry, key, now):
            with self._guard:
                entry = self._entry
                if entry is None or not self._holds(entry, key, now):
                    entry = self._entry = key, now, build()
        return entry[2]

    def _holds(self, entry: tuple[tuple[object, ...], float, Value], key: tuple[object, ...], now: float) -> bool:
        built_key, built_at, _ = entry
        # A thread that waited for the builder asks with an earlier `now`: it takes what was built.
        fresh = abs(now - built_at) < self._max_age_seconds
        return fresh and len(key) == len(built_key) and all(map(_same, key, built_key))


def _same(part: object, built_part: object) -> bool:
    return part is built_part or (isinstance(part, int | float | str) and part == built_part)
