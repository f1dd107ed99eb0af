"""The snapshot of what is said follows every process that changes it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shelfwise.curation.snapshot import CurationCache
from shelfwise.store import Store

RULE = {
    "action": "hide", "match": "exact", "query": "mug", "items": ["a"], "filter": None, "strength": 0.0,
    "starts": None, "ends": None, "note": None,
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "shop")
    yield opened
    opened.close()


def meanings(said: CurationCache, *words: str) -> tuple[int, list[str]]:
    covered, matches = said.current().synonyms.find(words)
    return covered, list(matches)


def test_an_empty_shop_says_nothing(store: Store) -> None:
    said = CurationCache(store)
    assert meanings(said, "tv") == (0, [])
    assert said.current().rules.applying(["mug"], 0.0) == []


def test_another_process_is_heard(store: Store) -> None:
    said, other = CurationCache(store), Store(store.path.parent)
    try:
        assert said.current().rules.applying(["mug"], 0.0) == []
        rule = other.rules.add([RULE])[0][0]
        assert said.current().rules.applying(["mug"], 0.0) == [rule]
        other.synonyms.add([("running shoes", "trainers", False)])
        assert meanings(said, "running", "shoes") == (2, ['"trainers"'])
        assert meanings(said, "trainers") == (0, [])
        other.synonyms.add([("running shoes", "trainers", True)])
        assert meanings(said, "trainers") == (1, ['"running shoes"'])
        other.rules.remove(rule.id)
        assert said.current().rules.applying(["mug"], 0.0) == []
    finally:
        other.close()


def test_nothing_is_read_again_when_nothing_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said = CurationCache(store)
    before = said.current()
    monkeypatch.setattr(store.rules, "all", lambda: pytest.fail("the rules were read again"))
    store.items.upsert([])
    assert said.current() is before


def test_a_change_while_the_lists_are_read_is_not_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said, read = CurationCache(store), store.rules.all

    def slow() -> list[object]:
        rules = list(read())
        monkeypatch.setattr(store.rules, "all", read)
        store.rules.add([RULE])
        return rules

    monkeypatch.setattr(store.rules, "all", slow)
    store.synonyms.add([("tv", "television", False)])
    said.current()
    assert len(said.current().rules.applying(["mug"], 0.0)) == 1


def test_threads_see_their_own_changes(store: Store) -> None:
    said = CurationCache(store)

    def add_and_look(number: int) -> bool:
        store.rules.add([RULE | {"query": f"mug {number}"}])
        return bool(said.current().rules.applying([f"mug {number}"], 0.0))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(add_and_look, range(20)))
