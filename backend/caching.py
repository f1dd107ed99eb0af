"""Keep the last result of a computation for as long as its inputs are the same objects."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["CachedBy"]

Value = TypeVar("Value")


class CachedBy(Generic[Value]):
    """The last value of `build(*key)`. Safe for several threads; two may build at once, and the later one is kept.

    Args:
        build: called with the key, and with `now` as its last argument where `get` has one.
        ttl_seconds: how long a value is kept, by the `now` of each call.
    """

    def __init__(self, build: Callable[..., Value], ttl_seconds: float = math.inf) -> None:
        self._build, self._ttl_seconds = build, ttl_seconds
        self._kept: tuple[tuple[object, ...], float, Value] | None = None

    def get(self, *key: object, now: float | None = None) -> Value:
        """Return the value kept if each part of the key is the same object and it is not too old, else build it."""
        kept, at = self._kept, 0.0 if now is None else now
        if (
            kept is None
            or not 0 <= at - kept[1] < self._ttl_seconds
            or any(part is not before for part, before in zip(key, kept[0], strict=True))
        ):
            kept = self._kept = key, at, self._build(*key) if now is None else self._build(*key, now)
        return kept[2]
