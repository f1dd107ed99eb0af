"""The snapshot of synonyms and rules follows every process that changes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shelfwise.curation.rule_index import PreparedRule
from shelfwise.curation.snapshot import CurationCache
from shelfwise.store import Store
from support.stores import store_fixture

RULE = {
    "action": "hide", "match": "exact", "query": "mug", "items": ["a"], "filter": None, "strength": 0.0,
    "starts": None, "ends": None, "note": None,
}  # fmt: skip


store = store_fixture()


def meanings(cache: CurationCache, *words: str) -> tuple[int, list[str]]:
    covered, matches = cache.current().synonyms.find(words)
    return covered, list(matches)


def test_current_of_an_empty_shop_is_empty(store: Store) -> None:
    cache = CurationCache(store)
    assert meanings(cache, "tv") == (0, [])
    assert cache.current().rules.applying(["mug"], 0.0) == []


def test_current_follows_another_process(store: Store) -> None:
    cache, other = CurationCache(store), Store(store.path.parent)
    try:
        assert cache.current().rules.applying(["mug"], 0.0) == []
        rule = other.rules.add([RULE])[0][0]
        assert cache.current().rules.applying(["mug"], 0.0) == [PreparedRule.of(rule)]
        other.synonyms.add([("running shoes", "trainers", False)])
        assert meanings(cache, "running", "shoes") == (2, ['"trainers"'])
        assert meanings(cache, "trainers") == (0, [])
        other.synonyms.add([("running shoes", "trainers", True)])
        assert meanings(cache, "trainers") == (1, ['"running shoes"'])
        other.rules.remove(rule.id)
        assert cache.current().rules.applying(["mug"], 0.0) == []
    finally:
        other.close()


def test_current_reads_nothing_when_nothing_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CurationCache(store)
    before = cache.current()
    monkeypatch.setattr(store.rules, "all", lambda: pytest.fail("the rules were read again"))
    store.items.upsert([])
    assert cache.current() is before


def test_current_keeps_a_change_made_while_it_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, read = CurationCache(store), store.rules.all

    def slow() -> list[object]:
        rules = list(read())
        monkeypatch.setattr(store.rules, "all", read)
        store.rules.add([RULE])
        return rules

    monkeypatch.setattr(store.rules, "all", slow)
    store.synonyms.add([("tv", "television", False)])
    cache.current()
    assert len(cache.current().rules.applying(["mug"], 0.0)) == 1


def test_current_shows_threads_their_own_changes(store: Store) -> None:
    cache = CurationCache(store)

    def add_and_look(number: int) -> bool:
        store.rules.add([RULE | {"query": f"mug {number}"}])
        return bool(cache.current().rules.applying([f"mug {number}"], 0.0))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(add_and_look, range(20)))
