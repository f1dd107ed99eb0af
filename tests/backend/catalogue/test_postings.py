"""Postings in memory: the same as the store's, forgotten when a text changes and kept when a price does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shelfwise.catalogue import postings as lexical_module
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.store import Store
from support.fake_generation import put, stocked

TITLES = ["red mug", "red mug for coffee", "blue mug", "red lantern", "alarm clock"]  # rows 1 to 5
ROWS = len(TITLES) + 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked(tmp_path / "shop", [{"id": f"{row}", "title": title} for row, title in enumerate(TITLES, 1)])
    yield opened
    opened.close()


@pytest.fixture
def lexical(store: Store) -> PostingsCache:
    made = PostingsCache(store)
    made.refresh()
    return made


@pytest.fixture
def asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The terms that the database was asked for."""
    terms: list[str] = []
    postings = store.fulltext.postings

    def counted(match: str) -> tuple[np.ndarray, np.ndarray]:
        terms.append(match)
        return postings(match)

    monkeypatch.setattr(store.fulltext, "postings", counted)
    return terms


def test_the_scores_of_the_terms_add_up(store: Store, lexical: PostingsCache) -> None:
    found = lexical.match(["red", "mug"], ROWS)
    expected = np.zeros(ROWS, np.float32)
    for term in ("red", "mug"):
        rows, scores = store.fulltext.postings(term)
        expected[rows] += scores
    assert found.bm25.tolist() == pytest.approx(expected.tolist())
    assert found.coverage.tolist() == pytest.approx([0, 1, 1, 0.5, 0.5, 0])
    assert (found.bm25.dtype, found.terms) == (np.float32, 2)


@pytest.mark.parametrize(
    ("terms", "every", "some"),
    [
        (["red", "mug"], [1, 2], [1, 2, 3, 4]),
        (["mug"], [1, 2, 3], [1, 2, 3]),
        (["red", "clock"], [], [1, 2, 4, 5]),
        (["red", "teapot"], [], [1, 2, 4]),
        (["teapot"], [], []),
        ([], [], []),
        (['("red" OR "blue")', "mug"], [1, 2, 3], [1, 2, 3, 4]),
    ],
)
def test_all_of_the_words_and_any_of_them(
    lexical: PostingsCache, terms: list[str], every: list[int], some: list[int]
) -> None:
    found = lexical.match(terms, ROWS)
    assert np.flatnonzero(found.all_words).tolist() == every
    assert np.flatnonzero(found.any_word).tolist() == some


@pytest.mark.parametrize("count", [1, 3, 7, 11, 31, 32])
def test_all_words_are_all_however_many_they_are(store: Store, lexical: PostingsCache, count: int) -> None:
    """Shares of a third or of a 31st don't add up to one exactly."""
    words = [f"word{number}" for number in range(count)]
    put(store, {"id": "all", "title": " ".join(words)}, {"id": "but one", "title": " ".join(words[1:]) or "none"})
    lexical.refresh()
    found = lexical.match(words, ROWS + 2)
    assert np.flatnonzero(found.all_words).tolist() == [ROWS]


@pytest.mark.parametrize(
    ("terms", "count"),
    [(["red"], 3), (["red", "mug"], 2), (["mug", "red", "coffee"], 1), (["red", "clock"], 0), (["x"], 0), ([], 0)],
)
def test_how_many_match_all_terms(lexical: PostingsCache, terms: list[str], count: int) -> None:
    assert lexical.count(terms) == count


def test_an_item_that_came_later_than_the_columns_is_left_out(store: Store, lexical: PostingsCache) -> None:
    put(store, {"id": "late", "title": "red mug"})
    lexical.refresh()
    found = lexical.match(["red", "mug"], ROWS)
    assert len(found.bm25) == ROWS
    assert np.flatnonzero(found.all_words).tolist() == [1, 2]
    assert found.bm25[1] > 0


def test_a_term_is_looked_up_once(lexical: PostingsCache, asked: list[str]) -> None:
    for _ in range(3):
        lexical.refresh()
        lexical.match(["red", "mug", "red"], ROWS)
        lexical.count(["mug", "teapot"])
    assert sorted(asked) == ["mug", "red", "teapot"]


def test_a_changed_price_is_not_looked_up_again(store: Store, lexical: PostingsCache, asked: list[str]) -> None:
    lexical.match(["red"], ROWS)
    put(store, {"id": "1", "price": 5, "in_stock": False, "url": "https://shop.example/1"})
    lexical.refresh()
    assert lexical.match(["red"], ROWS).any_word.any()
    assert asked == ["red"]


@pytest.mark.parametrize("change", ["text", "deletion", "new item", "another process"])
def test_what_a_change_made_wrong_is_forgotten(store: Store, lexical: PostingsCache, change: str) -> None:
    assert lexical.posting("red")[0].tolist() == [1, 2, 4]
    if change == "text":
        put(store, {"id": "1", "title": "green mug"})
    elif change == "deletion":
        store.items.delete(["1"])
    elif change == "new item":
        put(store, {"id": "6", "title": "red cup"})
    else:
        other = Store(store.path.parent)
        put(other, {"id": "1", "title": "green mug"})
        other.close()
    lexical.refresh()
    assert lexical.posting("red")[0].tolist() == ([1, 2, 4, 6] if change == "new item" else [2, 4])


def test_only_so_many_are_kept_those_asked_for_last(
    lexical: PostingsCache, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical_module, "_MOST_ENTRIES", 9)  # an entry a posting, and one for the term
    for term in ("mug", "red", "mug", "clock", "mug", "alarm"):
        lexical.posting(term)
    assert asked == ["mug", "red", "clock", "alarm"]
    lexical.posting("mug")
    lexical.posting("red")
    assert asked[4:] == ["red"], "the one not asked for since made way"
    assert lexical.posting("mug")[0].tolist() == [1, 2, 3]


def test_a_term_beyond_all_bounds_is_answered_all_the_same(
    lexical: PostingsCache, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical_module, "_MOST_ENTRIES", 2)
    assert [lexical.posting("mug")[0].tolist() for _ in range(2)] == [[1, 2, 3]] * 2
    assert asked == ["mug", "mug"]


def test_what_changed_while_it_was_read_is_not_kept(
    store: Store, lexical: PostingsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader must not put an old posting back after the others have forgotten it."""
    postings = store.fulltext.postings

    def slowly(match: str) -> tuple[np.ndarray, np.ndarray]:
        found = postings(match)
        put(store, {"id": "1", "title": "green mug"})
        lexical.refresh()
        return found

    monkeypatch.setattr(store.fulltext, "postings", slowly)
    lexical.posting("red")
    monkeypatch.undo()
    assert lexical.posting("red")[0].tolist() == [2, 4]


def test_threads_share_it_while_items_change(store: Store, lexical: PostingsCache) -> None:
    problems: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                lexical.refresh()
                found = lexical.match(["red", "mug"], ROWS)
                assert found.all_words[1], "its words never change"
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(40):
        put(store, {"id": "3", "title": f"{'red' if number % 2 else 'blue'} mug"})
    done.set()
    for thread in threads:
        thread.join()
    lexical.refresh()
    assert problems == []
    assert np.flatnonzero(lexical.match(["red", "mug"], ROWS).all_words).tolist() == [1, 2, 3]
