"""The shop's words: made of items and of what was asked, renewed when they change, the old ones serving meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shelfwise import Shop
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.query import lexicon
from shelfwise.query.lexicon import Lexicon, LexiconCache


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.upsert([{"id": "1", "title": "Hanging lantern", "brand": "Northlight"}])
    return shop


def soon(words: Callable[[], Lexicon], holds: Callable[[Lexicon], bool]) -> bool:
    for _ in range(200):
        if holds(words()):
            return True
        time.sleep(0.02)
    return False


def test_current_knows_words_of_items_and_of_queries(shop: Shop) -> None:
    memory = QueryMemory.build(["1"], [("candle light", 0, 2.0)])
    words = LexiconCache(shop.store).current(memory, PopularityCounts())
    assert "lantern" in words.vocabulary and "candle" in words.vocabulary and "mug" not in words.vocabulary
    assert [suggestion.text for suggestion in words.autocompleter.suggest("cand")] == ["candle light"]


def test_current_follows_the_shop_in_the_background(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_MIN_REBUILD_SECONDS", 0.0)
    book, nothing = LexiconCache(shop.store), QueryMemory()
    before = book.current(nothing, PopularityCounts())
    assert book.current(nothing, PopularityCounts()) is before
    shop.upsert([{"id": "2", "title": "Teapot"}])
    assert soon(lambda: book.current(nothing, PopularityCounts()), lambda words: "teapot" in words.vocabulary)
    memory = QueryMemory.build(["1"], [("candle", 0, 1.0)])
    assert soon(lambda: book.current(memory, PopularityCounts()), lambda words: "candle" in words.vocabulary)


def test_current_rebuilds_at_most_every_half_minute(shop: Shop) -> None:
    book, nothing = LexiconCache(shop.store), QueryMemory()
    before = book.current(nothing, PopularityCounts())
    shop.upsert([{"id": "2", "title": "Teapot"}])
    assert book.current(nothing, PopularityCounts()) is before


def test_current_serves_the_old_lexicon_when_a_build_fails(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_MIN_REBUILD_SECONDS", 0.0)
    book, nothing = LexiconCache(shop.store), QueryMemory()
    before = book.current(nothing, PopularityCounts())
    monkeypatch.setattr(lexicon, "build_vocabulary", lambda *_: 1 / 0)
    shop.upsert([{"id": "2", "title": "Teapot"}])
    for _ in range(3):
        assert book.current(nothing, PopularityCounts()) is before
        time.sleep(0.05)
