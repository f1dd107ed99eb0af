"""The last value is kept while the parts of its key are the same objects and it is not too old."""

from __future__ import annotations

from shelfwise.caching import CachedBy


def test_cached_by_builds_again_only_for_another_object() -> None:
    built: list[tuple[object, ...]] = []
    cached = CachedBy(lambda *key: built.append(key) or len(built))
    first, second, equal = [1], [2], [1]
    assert [cached.get(first, second), cached.get(first, second)] == [1, 1]
    assert [cached.get(equal, second), cached.get(first, second)] == [2, 3], "equal is not the same"


def test_cached_by_with_ttl_builds_again_when_too_old_or_of_the_future() -> None:
    cached = CachedBy(lambda key, now: now, ttl_seconds=60)
    key = object()
    assert [cached.get(key, now=now) for now in (100, 159, 160, 219, 110)] == [100, 100, 160, 160, 110]


def test_cached_by_without_a_key_builds_once() -> None:
    built = iter("ab")
    cached = CachedBy(lambda: next(built))
    assert [cached.get(), cached.get()] == ["a", "a"]
