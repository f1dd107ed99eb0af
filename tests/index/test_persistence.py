"""An index saved and loaded again, and files that are damaged or don't belong together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shelfwise.index import IndexCorrupt, VectorIndex, build, load
from support.vectors import numbered_ids, unit_vectors

Build = Callable[..., VectorIndex]


@pytest.mark.parametrize("item", ["", " ", "ü/../ß", "a\nb", "\x00", "\ud800", '"', "日本", "x" * 5000])
def test_any_text_is_an_id(item: str, tmp_path: Path) -> None:
    build([item], unit_vectors(1)).save(tmp_path)
    index = load(tmp_path, gpu=False)
    index.upsert([item], unit_vectors(1, seed=1))
    index.save(tmp_path)
    assert item in load(tmp_path, gpu=False) and [hits[0][0] for hits in index.search(unit_vectors(1), 1)] == [item]


def test_round_trip(make: Build, kind: str, tmp_path: Path) -> None:
    index, queries = make(numbered_ids(1000), unit_vectors(1000)), unit_vectors(20, seed=1)
    plain, changed, again = tmp_path / "plain", tmp_path / "changed", tmp_path / "again"
    gpu = kind.startswith("gpu")
    index.save(plain)
    assert {path.name for path in plain.iterdir()} == {"main.faiss", "ids.json", "meta.json"}
    index.upsert([*numbered_ids(50), *numbered_ids(50, "new")], unit_vectors(100, seed=2))
    index.delete(["p7", "p77", "new7"])
    index.save(changed)
    loaded = load(changed, gpu)
    assert (loaded.kind, loaded.dim, len(loaded)) == (index.kind, index.dim, len(index))
    assert (loaded.delta_share, loaded.tombstone_share) == (index.delta_share, index.tombstone_share)
    assert loaded.search(queries, 10) == index.search(queries, 10)
    np.testing.assert_array_equal(loaded.vectors(numbered_ids(1000))[1], index.vectors(numbered_ids(1000))[1])
    loaded.upsert(["late"], queries[:1])  # a mapped index still takes changes
    loaded.delete(["p100"])
    loaded.save(again)
    assert load(again, gpu).search(queries, 10) == loaded.search(queries, 10)
    loaded.save(changed)  # over the very files that are mapped
    assert load(changed, gpu).search(queries, 10) == loaded.search(queries, 10)


def damage_file(folder: Path, name: str, how: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[:-5], "noise": bytes(range(256)) * 4}[how])


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "noise"])
@pytest.mark.parametrize("name", ["meta.json", "ids.json", "main.faiss", "delta.npy", "tombstones.npy"])
def test_damaged_file_is_named(make: Build, tmp_path: Path, name: str, how: str) -> None:
    index = make(numbered_ids(100), unit_vectors(100))
    index.upsert(["p1", "new"], unit_vectors(2, seed=1))
    index.save(tmp_path)
    damage_file(tmp_path, name, how)
    with pytest.raises(IndexCorrupt, match=name):
        load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", 99), ("kind", "hnsw"), ("kind", "sq8"), ("dim", 8), ("main", 3), ("delta", 7), ("tombstones", 9)],
)
def test_inconsistent_meta(tmp_path: Path, key: str, value: object) -> None:
    index = build(numbered_ids(10), unit_vectors(10))
    index.upsert(["p1", "new"], unit_vectors(2, seed=1))
    index.save(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps({**meta, key: value}))
    with pytest.raises(IndexCorrupt, match=str(tmp_path)):
        load(tmp_path)


def test_files_of_two_indexes_do_not_mix(tmp_path: Path) -> None:
    for n in (10, 11):
        build(numbered_ids(n), unit_vectors(n)).save(tmp_path / str(n))
    (tmp_path / "10" / "ids.json").write_bytes((tmp_path / "11" / "ids.json").read_bytes())
    with pytest.raises(IndexCorrupt, match=r"ids\.json"):
        load(tmp_path / "10")


def test_an_id_is_not_live_twice(tmp_path: Path) -> None:
    index = build(numbered_ids(10), unit_vectors(10))
    index.upsert(["new"], unit_vectors(1, seed=1))
    index.save(tmp_path)
    path = tmp_path / "ids.json"
    path.write_text(path.read_text().replace("new", "p1"))
    with pytest.raises(IndexCorrupt, match=r"ids\.json: expected each live id once"):
        load(tmp_path)
