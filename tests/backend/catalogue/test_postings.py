"""Postings in memory: the same as the store's, forgotten when a text changes and kept when a price does."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from shelfwise.catalogue import postings as postings_module
from shelfwise.catalogue.postings import Postings, PostingsCache
from shelfwise.store import Store
from support.stores import store_fixture, upsert_rows

TITLES = ["red mug", "red mug for coffee", "blue mug", "red lantern", "alarm clock"]  # rows 1 to 5
ROWS = len(TITLES) + 1


store = store_fixture({"id": f"{row}", "title": title} for row, title in enumerate(TITLES, 1))


@pytest.fixture
def cache(store: Store) -> PostingsCache:
    return PostingsCache(store)


@pytest.fixture
def postings(cache: PostingsCache) -> Postings:
    return cache.current()


@pytest.fixture
def looked_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The terms that the database was asked for."""
    terms: list[str] = []
    postings = store.fulltext.postings

    def counted(match: str) -> tuple[np.ndarray, np.ndarray]:
        terms.append(match)
        return postings(match)

    monkeypatch.setattr(store.fulltext, "postings", counted)
    return terms


def test_match_sums_the_scores_of_the_terms(store: Store, postings: Postings) -> None:
    matches = postings.match(["red", "mug"], ROWS)
    expected = np.zeros(ROWS, np.float32)
    for term in ("red", "mug"):
        rows, scores = store.fulltext.postings(term)
        expected[rows] += scores
    assert matches.bm25.tolist() == pytest.approx(expected.tolist())
    assert matches.coverage.tolist() == pytest.approx([0, 1, 1, 0.5, 0.5, 0])
    assert (matches.bm25.dtype, matches.terms) == (np.float32, 2)


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
def test_match_all_words_and_any_word(postings: Postings, terms: list[str], every: list[int], some: list[int]) -> None:
    matches = postings.match(terms, ROWS)
    assert np.flatnonzero(matches.all_words).tolist() == every
    assert np.flatnonzero(matches.any_word).tolist() == some


@pytest.mark.parametrize("count", [1, 3, 7, 11, 31, 32])
def test_match_all_words_holds_for_any_number_of_terms(store: Store, cache: PostingsCache, count: int) -> None:
    """Shares of a third or of a 31st don't add up to one exactly."""
    words = [f"word{number}" for number in range(count)]
    upsert_rows(
        store, {"id": "all", "title": " ".join(words)}, {"id": "but one", "title": " ".join(words[1:]) or "none"}
    )
    matches = cache.current().match(words, ROWS + 2)
    assert np.flatnonzero(matches.all_words).tolist() == [ROWS]


@pytest.mark.parametrize(
    ("terms", "count"),
    [(["red"], 3), (["red", "mug"], 2), (["mug", "red", "coffee"], 1), (["red", "clock"], 0), (["x"], 0), ([], 0)],
)
def test_count_is_of_items_with_all_terms(postings: Postings, terms: list[str], count: int) -> None:
    assert postings.count(terms) == count


def test_match_leaves_out_rows_beyond_the_catalogue(store: Store, cache: PostingsCache) -> None:
    upsert_rows(store, {"id": "late", "title": "red mug"})
    matches = cache.current().match(["red", "mug"], ROWS)
    assert len(matches.bm25) == ROWS
    assert np.flatnonzero(matches.all_words).tolist() == [1, 2]
    assert matches.bm25[1] > 0


def test_posting_is_looked_up_once(cache: PostingsCache, looked_up: list[str]) -> None:
    for _ in range(3):
        cache.current().match(["red", "mug", "red"], ROWS)
        cache.current().count(["mug", "teapot"])
    assert sorted(looked_up) == ["mug", "red", "teapot"]


def test_current_keeps_postings_when_a_price_changes(store: Store, cache: PostingsCache, looked_up: list[str]) -> None:
    cache.current().match(["red"], ROWS)
    upsert_rows(store, {"id": "1", "price": 5, "in_stock": False, "url": "https://shop.example/1"})
    assert cache.current().match(["red"], ROWS).any_word.any()
    assert looked_up == ["red"]


@pytest.mark.parametrize("change", ["text", "deletion", "new item", "another process"])
def test_current_reads_postings_anew_after_a_change(store: Store, cache: PostingsCache, change: str) -> None:
    assert cache.current().posting("red")[0].tolist() == [1, 2, 4]
    if change == "text":
        upsert_rows(store, {"id": "1", "title": "green mug"})
    elif change == "deletion":
        store.items.delete(["1"])
    elif change == "new item":
        upsert_rows(store, {"id": "6", "title": "red cup"})
    else:
        other = Store(store.path.parent)
        upsert_rows(other, {"id": "1", "title": "green mug"})
        other.close()
    assert cache.current().posting("red")[0].tolist() == ([1, 2, 4, 6] if change == "new item" else [2, 4])


def test_posting_cache_drops_the_least_recent(
    postings: Postings, looked_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings_module, "_MAX_ENTRIES", 9)  # an entry a posting, and one for the term
    for term in ("mug", "red", "mug", "clock", "mug", "alarm"):
        postings.posting(term)
    assert looked_up == ["mug", "red", "clock", "alarm"]
    postings.posting("mug")
    postings.posting("red")
    assert looked_up[4:] == ["red"], "the one not asked for since made way"
    assert postings.posting("mug")[0].tolist() == [1, 2, 3]


def test_posting_larger_than_the_cache_is_returned(
    postings: Postings, looked_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings_module, "_MAX_ENTRIES", 2)
    assert [postings.posting("mug")[0].tolist() for _ in range(2)] == [[1, 2, 3]] * 2
    assert looked_up == ["mug", "mug"]


def test_posting_read_during_a_change_is_not_kept(
    store: Store, cache: PostingsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader must not put an old posting back after the others have forgotten it."""
    postings = store.fulltext.postings

    def slowly(match: str) -> tuple[np.ndarray, np.ndarray]:
        posting = postings(match)
        upsert_rows(store, {"id": "1", "title": "green mug"})
        cache.current()
        return posting

    monkeypatch.setattr(store.fulltext, "postings", slowly)
    cache.current().posting("red")
    monkeypatch.undo()
    assert cache.current().posting("red")[0].tolist() == [2, 4]


def test_threads_share_the_cache_while_items_change(store: Store, cache: PostingsCache) -> None:
    problems: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                matches = cache.current().match(["red", "mug"], ROWS)
                assert matches.all_words[1], "its words never change"
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(40):
        upsert_rows(store, {"id": "3", "title": f"{'red' if number % 2 else 'blue'} mug"})
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert np.flatnonzero(cache.current().match(["red", "mug"], ROWS).all_words).tolist() == [1, 2, 3]
