"""A value is built once for a key, and again when the key or its age moves on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from shelfwise.caching import CachedBy


def test_get_builds_again_only_when_a_part_of_the_key_moves() -> None:
    cache, numbers, columns = CachedBy[int](), count(), [1, 2]
    keys = [(columns, 1), (columns, 1), (columns, 2), ([1, 2], 2), (columns, 2), (columns,), (columns,)]
    assert [cache.get(lambda: next(numbers), *key) for key in keys] == [0, 0, 1, 2, 3, 4, 4]


def test_get_compares_large_numbers_and_texts_by_value() -> None:
    cache, numbers = CachedBy[int](), count()
    assert [cache.get(lambda: next(numbers), int("1000000"), "".join(["a", "b"])) for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(("now", "value"), [(100.0, 0), (159.9, 0), (160.0, 1), (99.9, 0), (40.0, 1)])
def test_get_builds_again_what_is_too_old_or_of_the_future(now: float, value: int) -> None:
    cache, numbers = CachedBy[int](max_age_seconds=60), count()
    assert [cache.get(lambda: next(numbers), now=at) for at in (100.0, now)] == [0, value]


def test_get_keeps_the_last_value_when_a_build_fails() -> None:
    cache = CachedBy[int]()
    assert cache.get(lambda: 7, 1) == 7
    with pytest.raises(ZeroDivisionError):
        cache.get(lambda: 1 // 0, 2)
    assert cache.get(lambda: 1 // 0, 1) == 7


def test_get_from_several_threads_builds_once() -> None:
    """Each with a `now` of its own: a thread that waits for the builder may have come a moment earlier."""
    cache, built, ready = CachedBy[int](max_age_seconds=60), [], threading.Barrier(8)

    def build() -> int:
        built.append(len(built))
        return built[-1]

    def get(now: float) -> int:
        ready.wait()
        return cache.get(build, "key", now=now)

    with ThreadPoolExecutor(8) as pool:
        values = [future.result() for future in [pool.submit(get, 100.0 - index / 1000) for index in range(8)]]
    assert (values, built) == ([0] * 8, [0])
