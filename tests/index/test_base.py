"""One suite over every kind of index, compared with brute force in numpy on random data."""

import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shelfwise.index
from shelfwise.index import IndexCorrupt, VectorIndex, build, load

DIM = 32
EXACT = {"flat", "gpu-rules"}
Build = Callable[..., VectorIndex]


def unit(n: int, seed: int = 0) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)  # (n, DIM)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def names(n: int, prefix: str = "p") -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


def brute(items: dict[str, Any], queries: Any, k: int) -> list[list[str]]:
    ids = list(items)
    scores = queries @ np.stack([items[item] for item in ids]).T  # (q, n)
    return [[ids[row] for row in line[:k]] for line in np.argsort(-scores, axis=1)]


def found(index: VectorIndex, queries: Any, k: int) -> list[list[str]]:
    return [[item for item, _ in hits] for hits in index.search(queries, k)]


def overlap(got: list[list[str]], wanted: list[list[str]]) -> float:
    return sum(len(set(g) & set(w)) for g, w in zip(got, wanted, strict=True)) / sum(map(len, wanted))


def test_exported_names() -> None:
    assert sorted(shelfwise.index.__all__) == ["Among", "IndexCorrupt", "VectorIndex", "build", "load"]


def test_search_agrees_with_brute_force(make: Build, kind: str) -> None:
    ids, vectors, queries = names(2000), unit(2000), unit(50, seed=1)
    index = make(ids, vectors)
    items = dict(zip(ids, vectors, strict=True))
    if kind in EXACT:
        assert found(index, queries, 10) == brute(items, queries, 10)
    assert overlap(found(index, queries, 10), brute(items, queries, 10)) >= 0.9
    for query, hits in zip(queries, index.search(queries, 10), strict=True):
        assert hits == sorted(hits, key=lambda hit: -hit[1])
        assert all(abs(score - float(query @ items[item])) < 0.02 for item, score in hits)


def test_random_changes_agree_with_brute_force(make: Build, kind: str) -> None:
    rng, fresh = np.random.default_rng(3), unit(4000, seed=4)
    ids, vectors, queries = names(800), unit(800), unit(20, seed=5)
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
        got, wanted = found(index, queries, 10), brute(items, queries, 10)
        assert got == wanted if kind in EXACT else overlap(got, wanted) >= 0.85
        assert len(index) == len(items) and set(index.ids()) == set(items)
        assert {item for hits in got for item in hits} <= set(items)
    assert 0 < index.delta_share < 1 and 0 < index.tombstone_share < 1


def test_stale_vector_is_never_found(make: Build) -> None:
    vectors, fresh = unit(300), unit(300, seed=9)
    index = make(names(300), vectors)
    for replacement in (fresh, -vectors):  # from the main segment, then from the delta
        index.upsert(names(300), replacement)
        for item, hits in zip(names(300), index.search(vectors, 300), strict=True):
            assert len({name for name, _ in hits}) == len(hits) == 300
            assert dict(hits)[item] < 0.9
    assert index.tombstone_share == index.delta_share == 1


def test_k_beyond_the_live_ones_gives_them_all(make: Build) -> None:
    index = make(names(500), unit(500))
    index.delete(names(450))
    index.upsert(["new"], unit(1, seed=2))
    for hits in found(index, unit(3, seed=1), 1000):
        assert sorted(hits) == sorted([*names(500)[450:], "new"])


def test_many_tombstones_near_the_query(make: Build) -> None:
    vectors = unit(5000)
    index, order = make(names(5000), vectors), np.argsort(-(vectors @ vectors[0]))
    index.delete(f"p{row}" for row in order[:3000])
    got = found(index, vectors[:1], 10)[0]
    assert len(got) == 10 and set(got) <= {f"p{row}" for row in order[3000:3030]}


def test_equal_scores_come_by_id(make: Build) -> None:
    twin = unit(1)
    index = make([*names(100, "m"), *names(100)], np.vstack([np.repeat(twin, 100, axis=0), unit(100, seed=1)]))
    assert found(index, twin, 7)[0] == sorted(names(100, "m"))[:7]
    index.delete(["m0", "m10"])
    assert found(index, twin, 7)[0] == sorted(set(names(100, "m")) - {"m0", "m10"})[:7]


def test_vectors(make: Build, kind: str) -> None:
    vectors, fresh = unit(200), unit(2, seed=1)
    index = make(names(200), vectors)
    index.upsert(["new", "p5"], fresh)
    index.delete(["p6"])
    known, got = index.vectors(["p7", "nobody", "p5", "p6", "new", "p8"])
    assert known == ["p7", "p5", "new", "p8"]
    wanted = np.vstack([vectors[7], fresh[1], fresh[0], vectors[8]])
    np.testing.assert_allclose(got, wanted, atol=0 if kind in EXACT | {"gpu"} else 0.01)
    known, got = index.vectors([])
    assert known == [] and got.shape == (0, DIM)


@pytest.mark.parametrize("item", ["", " ", "ü/../ß", "a\nb", "\x00", "\ud800", '"', "日本", "x" * 5000])
def test_any_text_is_an_id(item: str, tmp_path: Path) -> None:
    build([item], unit(1)).save(tmp_path)
    index = load(tmp_path, gpu=False)
    index.upsert([item], unit(1, seed=1))
    index.save(tmp_path)
    assert item in load(tmp_path, gpu=False) and found(index, unit(1), 1) == [[item]]


def test_empty_index(make: Build, kind: str, tmp_path: Path) -> None:
    index = make([], np.empty((0, DIM)))
    index.save(tmp_path)
    for empty in (index, load(tmp_path, gpu=kind.startswith("gpu"))):
        assert (len(empty), empty.dim, empty.delta_share, empty.tombstone_share) == (0, DIM, 0, 0)
        assert empty.search(unit(2), 5) == [[], []] and list(empty.ids()) == [] and "p0" not in empty
        assert empty.delete(["p0"]) == 0 and empty.search(np.empty((0, DIM)), 5) == []
        empty.upsert(["p0"], unit(1))
        assert found(empty, unit(2), 5) == [["p0"], ["p0"]] and empty.delta_share == 1


def test_round_trip(make: Build, kind: str, tmp_path: Path) -> None:
    index, queries = make(names(1000), unit(1000)), unit(20, seed=1)
    plain, changed, again = tmp_path / "plain", tmp_path / "changed", tmp_path / "again"
    gpu = kind.startswith("gpu")
    index.save(plain)
    assert {path.name for path in plain.iterdir()} == {"main.faiss", "ids.json", "meta.json"}
    index.upsert([*names(50), *names(50, "new")], unit(100, seed=2))
    index.delete(["p7", "p77", "new7"])
    index.save(changed)
    loaded = load(changed, gpu)
    assert (loaded.kind, loaded.dim, len(loaded)) == (index.kind, index.dim, len(index))
    assert (loaded.delta_share, loaded.tombstone_share) == (index.delta_share, index.tombstone_share)
    assert loaded.search(queries, 10) == index.search(queries, 10)
    np.testing.assert_array_equal(loaded.vectors(names(1000))[1], index.vectors(names(1000))[1])
    loaded.upsert(["late"], queries[:1])  # a mapped index still takes changes
    loaded.delete(["p100"])
    loaded.save(again)
    assert load(again, gpu).search(queries, 10) == loaded.search(queries, 10)
    loaded.save(changed)  # over the very files that are mapped
    assert load(changed, gpu).search(queries, 10) == loaded.search(queries, 10)


def damage(folder: Path, name: str, how: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[:-5], "noise": bytes(range(256)) * 4}[how])


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "noise"])
@pytest.mark.parametrize("name", ["meta.json", "ids.json", "main.faiss", "delta.npy", "tombstones.npy"])
def test_damaged_file_is_named(make: Build, tmp_path: Path, name: str, how: str) -> None:
    index = make(names(100), unit(100))
    index.upsert(["p1", "new"], unit(2, seed=1))
    index.save(tmp_path)
    damage(tmp_path, name, how)
    with pytest.raises(IndexCorrupt, match=name):
        load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", 99), ("kind", "hnsw"), ("kind", "sq8"), ("dim", 8), ("main", 3), ("delta", 7), ("tombstones", 9)],
)
def test_inconsistent_meta(tmp_path: Path, key: str, value: object) -> None:
    index = build(names(10), unit(10))
    index.upsert(["p1", "new"], unit(2, seed=1))
    index.save(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps({**meta, key: value}))
    with pytest.raises(IndexCorrupt, match=str(tmp_path)):
        load(tmp_path)


def test_files_of_two_indexes_do_not_mix(tmp_path: Path) -> None:
    for n in (10, 11):
        build(names(n), unit(n)).save(tmp_path / str(n))
    (tmp_path / "10" / "ids.json").write_bytes((tmp_path / "11" / "ids.json").read_bytes())
    with pytest.raises(IndexCorrupt, match=r"ids\.json"):
        load(tmp_path / "10")


def test_an_id_is_not_live_twice(tmp_path: Path) -> None:
    index = build(names(10), unit(10))
    index.upsert(["new"], unit(1, seed=1))
    index.save(tmp_path)
    path = tmp_path / "ids.json"
    path.write_text(path.read_text().replace("new", "p1"))
    with pytest.raises(IndexCorrupt, match=r"ids\.json: an id is live twice"):
        load(tmp_path)


NAN, INFINITE = unit(2), unit(2)
NAN[1, 3], INFINITE[1, 3] = np.nan, -np.inf


@pytest.mark.parametrize(
    ("ids", "vectors", "reason"),
    [
        (["a", "b"], NAN, "row 1 holds NaN"),
        (["a", "b"], INFINITE, "row 1 holds NaN or infinity"),
        (["a", "a"], unit(2), "'a' appears twice"),
        (["a"], unit(2), "1 ids, but 2 vectors"),
        (["a", 7], unit(2), "7 is not a string"),
        (["a"], unit(1)[0], "expected shape"),
    ],
)
def test_bad_input_changes_nothing(make: Build, ids: Any, vectors: Any, reason: str) -> None:
    index = make(["a"], unit(1))
    before = index.search(unit(1), 5)
    with pytest.raises(ValueError, match=reason):
        index.upsert(ids, vectors)
    with pytest.raises(ValueError, match=reason):
        make(ids, vectors)
    assert index.search(unit(1), 5) == before and index.delta_share == 0


def test_bad_questions(make: Build, tmp_path: Path) -> None:
    index = make(names(2), unit(2))
    with pytest.raises(ValueError, match="dimension 3, but this index has 32"):
        index.upsert(["a"], np.ones((1, 3)))
    with pytest.raises(ValueError, match="queries: dimension 3"):
        index.search(np.ones((1, 3)), 5)
    with pytest.raises(ValueError, match="queries: row 1"):
        index.search(NAN, 5)
    with pytest.raises(ValueError, match="k: 0"):
        index.search(unit(1), 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        index.save(tmp_path / "file")


def test_threads(make: Build) -> None:
    """Two searchers, two writers: no exception, nothing after its delete, everything from its upsert on."""
    index, stop, errors = make(names(500), unit(500)), threading.Event(), list[BaseException]()
    kept = set(names(500)[380:])

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    def searcher() -> None:
        while not stop.is_set():
            for hits in found(index, unit(4, seed=8), 600):
                assert len(set(hits)) == len(hits) and kept <= set(hits)
                # a pair comes in one call and goes in one call: never half of it
                assert all(("left" + t in hits) == ("right" + t in hits) for t in ("1", "2"))

    def writer(tag: str) -> None:
        pair, mine = ["left" + tag, "right" + tag], [f"p{i}" for i in range(int(tag), 500, 2)]
        for turn, item in enumerate(mine[:60]):
            vectors = unit(2, seed=1000 * int(tag) + turn)
            index.upsert(pair, vectors)
            assert [hits[0][0] for hits in index.search(vectors, 1)] == pair
            index.upsert([mine[-1 - turn]], vectors[:1])  # from main to delta, and always to be found
            index.delete([item, *pair])
            assert not {item, *pair} & set(found(index, vectors, 600)[0])

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
