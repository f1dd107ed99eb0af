"""The recall gate of ivfsq8, and which kind is chosen for how many vectors."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from shelfwise.index import IdFilter, IndexCorrupt, base, build, load, quantised
from shelfwise.index.build import choose
from shelfwise.index.quantised import RECALL, IvfParameters, IvfSq8Index, recall

DIM = 24


def clustered(n: int, spread: float, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(60, DIM))
    vectors = (centres[rng.integers(60, size=n)] + spread * rng.normal(size=(n, DIM))).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def names(n: int) -> list[str]:
    return [f"p{i}" for i in range(n)]


@pytest.mark.parametrize(
    ("n", "kind"),
    [(0, "flat"), (50_000, "flat"), (50_001, "sq8"), (300_000, "sq8"), (300_001, "ivfsq8"), (5_000_000, "ivfsq8")],
)
def test_kind_by_size(n: int, kind: str) -> None:
    assert choose(n) == kind


def test_build_chooses_and_obeys() -> None:
    vectors = clustered(50, 1.0)
    assert build(names(50), vectors).kind == "flat"
    assert build(names(50), vectors, kind="sq8").kind == "sq8"
    with pytest.raises(ValueError, match="'hnsw' is none of flat, sq8, ivfsq8, gpu"):
        build(names(50), vectors, kind="hnsw")


@pytest.mark.parametrize("spread", [0.3, 1.0, 5.0])
def test_gate_is_met_by_the_smallest_nprobe(spread: float) -> None:
    vectors = clustered(6000, spread)
    main = IvfSq8Index.make_segment(vectors)
    queries = vectors[::10]
    exact, _ = faiss.knn(queries, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)

    def measured(nprobe: int) -> float:
        _, rows = main.search(queries, 10, params=IvfParameters(nprobe=nprobe))
        return recall(queries, vectors, rows, exact[:, -1])

    assert main.nprobe == main.nlist or main.nprobe & (main.nprobe - 1) == 0
    assert measured(main.nprobe) >= RECALL - 0.02  # another sample than the one that chose
    assert main.nprobe == 1 or measured(main.nprobe // 2) < RECALL + 0.02


def test_harder_data_probes_more() -> None:
    easy, hard = (IvfSq8Index.make_segment(clustered(6000, spread)).nprobe for spread in (0.3, 5.0))
    assert easy < hard


def test_the_few_that_pass_are_compared_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """All lists are looked into then: what passes may lie in the farthest ones."""
    monkeypatch.setattr(base, "FEW", 0)
    monkeypatch.setattr(quantised, "choose_nprobe", lambda main, vectors: 1)
    vectors = clustered(6000, 0.3)
    index, numbers = build(names(6000), vectors, kind="ivfsq8"), {f"p{row}": row + 1 for row in range(6000)}
    for query in vectors[:20]:
        farthest = np.argsort(vectors @ query)[:120]
        mask = np.zeros(6001, dtype=np.bool_)
        mask[farthest + 1] = True
        known, kept = index.vectors(f"p{row}" for row in farthest)
        wanted = [known[row] for row in np.argsort(-(kept @ query))[:5]]
        assert [id for id, _ in index.search(query[None], 5, IdFilter(numbers, mask))[0]] == wanted


def test_twins_do_not_count_as_misses() -> None:
    vectors = np.repeat(clustered(300, 1.0), 30, axis=0)  # each item in thirty variants
    assert IvfSq8Index.make_segment(vectors).nprobe <= 4


def test_nprobe_is_saved(tmp_path: Path) -> None:
    index = build(names(3000), clustered(3000, 2.0), kind="ivfsq8")
    assert index.settings["nprobe"] > 1
    index.save(tmp_path)
    assert load(tmp_path).settings == index.settings
    meta = (tmp_path / "meta.json").read_text()
    (tmp_path / "meta.json").write_text(meta.replace('"nprobe": ', '"nprobe": 1'))
    with pytest.raises(IndexCorrupt, match="nprobe"):
        load(tmp_path)


@pytest.mark.parametrize("n", [1, 2, 39, 60, 200])
@pytest.mark.parametrize("kind", ["sq8", "ivfsq8"])
def test_very_small_ones(kind: str, n: int, capfd: pytest.CaptureFixture[str]) -> None:
    vectors = clustered(n, 5.0)
    index = build(names(n), vectors, kind=kind)
    assert [hits[0][0] for hits in index.search(vectors, 3)] == names(n)
    assert capfd.readouterr().err == ""  # FAISS warns there of too few training points


def test_a_quantised_kind_stays_on_the_cpu(tmp_path: Path) -> None:
    build(names(9), clustered(9, 1.0), kind="sq8").save(tmp_path)
    with pytest.raises(ValueError, match="build it with kind='flat'"):
        load(tmp_path, gpu=True)
    assert load(tmp_path).kind == "sq8"


@pytest.mark.skipif(hasattr(faiss, "index_cpu_to_gpu"), reason="this FAISS knows GPUs")
def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    index = build(names(9), clustered(9, 1.0))
    index.save(tmp_path)
    assert load(tmp_path).kind == "flat"
    with pytest.raises(ValueError, match="install faiss-gpu"):
        load(tmp_path, gpu=True)
    with pytest.raises(ValueError, match="install faiss-gpu"):
        build(names(9), clustered(9, 1.0), kind="gpu")
