"""One suite over every kind of index, compared with brute force in numpy on random data."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import shelfwise.index
from shelfwise.index import VectorIndex, load
from support.vectors import DIM, numbered_ids, unit_vectors

EXACT = {"flat", "gpu-rules"}
Build = Callable[..., VectorIndex]


def brute_force(items: dict[str, Any], queries: Any, k: int) -> list[list[str]]:
    ids = list(items)
    scores = queries @ np.stack([items[item] for item in ids]).T  # (q, n)
    return [[ids[row] for row in line[:k]] for line in np.argsort(-scores, axis=1)]


def nearest_ids(index: VectorIndex, queries: Any, k: int) -> list[list[str]]:
    return [[item for item, _ in hits] for hits in index.search(queries, k)]


def overlap(got: list[list[str]], wanted: list[list[str]]) -> float:
    return sum(len(set(g) & set(w)) for g, w in zip(got, wanted, strict=True)) / sum(map(len, wanted))


def test_exported_names() -> None:
    assert sorted(shelfwise.index.__all__) == ["IdFilter", "IndexCorrupt", "VectorIndex", "build", "load"]


def test_search_agrees_with_brute_force(make: Build, kind: str) -> None:
    ids, vectors, queries = numbered_ids(2000), unit_vectors(2000), unit_vectors(50, seed=1)
    index = make(ids, vectors)
    items = dict(zip(ids, vectors, strict=True))
    if kind in EXACT:
        assert nearest_ids(index, queries, 10) == brute_force(items, queries, 10)
    assert overlap(nearest_ids(index, queries, 10), brute_force(items, queries, 10)) >= 0.9
    for query, hits in zip(queries, index.search(queries, 10), strict=True):
        assert hits == sorted(hits, key=lambda hit: -hit[1])
        assert all(abs(score - float(query @ items[item])) < 0.02 for item, score in hits)


def test_random_changes_agree_with_brute_force(make: Build, kind: str) -> None:
    rng, fresh = np.random.default_rng(3), unit_vectors(4000, seed=4)
    ids, vectors, queries = numbered_ids(800), unit_vectors(800), unit_vectors(20, seed=5)
    index, items = make(ids, vectors), dict(zip(ids, vectors, strict=True))
    taken = itertools.count()
    for _ in range(40):
        some = [f"p{i}" for i in rng.choice(1000, size=int(rng.integers(1, 60)), replace=False)]
        if rng.random() < 0.5:
            changed = fresh[[next(taken) for _ in some]]
            index.upsert(some, changed)
            items.update(zip(some, changed, strict=True))
        else:
            assert index.delete(some) == sum(item in items for item in some)
            for item in some:
                items.pop(item, None)
        got, wanted = nearest_ids(index, queries, 10), brute_force(items, queries, 10)
        assert got == wanted if kind in EXACT else overlap(got, wanted) >= 0.85
        assert len(index) == len(items) and set(index.ids()) == set(items)
        assert {item for hits in got for item in hits} <= set(items)
    assert 0 < index.delta_share < 1 and 0 < index.tombstone_share < 1


def test_stale_vector_is_never_found(make: Build) -> None:
    vectors, fresh = unit_vectors(300), unit_vectors(300, seed=9)
    index = make(numbered_ids(300), vectors)
    for replacement in (fresh, -vectors):  # from the main segment, then from the delta
        index.upsert(numbered_ids(300), replacement)
        for item, hits in zip(numbered_ids(300), index.search(vectors, 300), strict=True):
            assert len({name for name, _ in hits}) == len(hits) == 300
            assert dict(hits)[item] < 0.9
    assert index.tombstone_share == index.delta_share == 1


def test_k_beyond_the_live_ones_gives_them_all(make: Build) -> None:
    index = make(numbered_ids(500), unit_vectors(500))
    index.delete(numbered_ids(450))
    index.upsert(["new"], unit_vectors(1, seed=2))
    for hits in nearest_ids(index, unit_vectors(3, seed=1), 1000):
        assert sorted(hits) == sorted([*numbered_ids(500)[450:], "new"])


def test_many_tombstones_near_the_query(make: Build) -> None:
    vectors = unit_vectors(5000)
    index, order = make(numbered_ids(5000), vectors), np.argsort(-(vectors @ vectors[0]))
    index.delete(f"p{row}" for row in order[:3000])
    got = nearest_ids(index, vectors[:1], 10)[0]
    assert len(got) == 10 and set(got) <= {f"p{row}" for row in order[3000:3030]}


def test_equal_scores_come_by_id(make: Build) -> None:
    twin = unit_vectors(1)
    index = make(
        [*numbered_ids(100, "m"), *numbered_ids(100)],
        np.vstack([np.repeat(twin, 100, axis=0), unit_vectors(100, seed=1)]),
    )
    assert nearest_ids(index, twin, 7)[0] == sorted(numbered_ids(100, "m"))[:7]
    index.delete(["m0", "m10"])
    assert nearest_ids(index, twin, 7)[0] == sorted(set(numbered_ids(100, "m")) - {"m0", "m10"})[:7]


def test_vectors(make: Build, kind: str) -> None:
    vectors, fresh = unit_vectors(200), unit_vectors(2, seed=1)
    index = make(numbered_ids(200), vectors)
    index.upsert(["new", "p5"], fresh)
    index.delete(["p6"])
    known, got = index.vectors(["p7", "unknown", "p5", "p6", "new", "p8"])
    assert known == ["p7", "p5", "new", "p8"]
    wanted = np.vstack([vectors[7], fresh[1], fresh[0], vectors[8]])
    np.testing.assert_allclose(got, wanted, atol=0 if kind in EXACT | {"gpu"} else 0.01)
    known, got = index.vectors([])
    assert known == [] and got.shape == (0, DIM)


def test_empty_index(make: Build, kind: str, tmp_path: Path) -> None:
    index = make([], np.empty((0, DIM)))
    index.save(tmp_path)
    for empty in (index, load(tmp_path, gpu=kind.startswith("gpu"))):
        assert (len(empty), empty.dim, empty.delta_share, empty.tombstone_share) == (0, DIM, 0, 0)
        assert empty.search(unit_vectors(2), 5) == [[], []] and list(empty.ids()) == [] and "p0" not in empty
        assert empty.delete(["p0"]) == 0 and empty.search(np.empty((0, DIM)), 5) == []
        empty.upsert(["p0"], unit_vectors(1))
        assert nearest_ids(empty, unit_vectors(2), 5) == [["p0"], ["p0"]] and empty.delta_share == 1


def test_threads(make: Build) -> None:
    """Two searchers, two writers: no exception, nothing after its delete, everything from its upsert on."""
    index, stop, errors = make(numbered_ids(500), unit_vectors(500)), threading.Event(), list[BaseException]()
    kept = set(numbered_ids(500)[380:])

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    def searcher() -> None:
        while not stop.is_set():
            for hits in nearest_ids(index, unit_vectors(4, seed=8), 600):
                assert len(set(hits)) == len(hits) and kept <= set(hits)
                # a pair comes in one call and goes in one call: never half of it
                assert all(("left" + t in hits) == ("right" + t in hits) for t in ("1", "2"))

    def writer(tag: str) -> None:
        pair, own_ids = ["left" + tag, "right" + tag], [f"p{i}" for i in range(int(tag), 500, 2)]
        for turn, item in enumerate(own_ids[:60]):
            vectors = unit_vectors(2, seed=1000 * int(tag) + turn)
            index.upsert(pair, vectors)
            assert [hits[0][0] for hits in index.search(vectors, 1)] == pair
            index.upsert([own_ids[-1 - turn]], vectors[:1])  # from main to delta, and always to be found
            index.delete([item, *pair])
            assert not {item, *pair} & set(nearest_ids(index, vectors, 600)[0])

    def start(work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=guarded, args=(work,))
        thread.start()
        return thread

    searchers = [start(searcher) for _ in range(2)]
    writers = [start(lambda tag=tag: writer(tag)) for tag in ("1", "2")]  # type: ignore[misc]
    for thread in writers:
        thread.join()
    stop.set()
    for thread in searchers:
        thread.join()
    assert not errors and len(index) == 500 - 2 * 60
