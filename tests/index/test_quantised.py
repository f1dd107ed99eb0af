"""The recall gate of ivfsq8, and small or saved indexes of the quantised kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from shelfwise.index import IdFilter, IndexCorrupt, base, build, load, quantised
from shelfwise.index.quantised import MIN_RECALL, IvfParameters, IvfSq8Index, recall
from support.vectors import normalized, numbered_ids

DIM = 24


def clustered(n: int, spread: float, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(60, DIM))
    vectors = (centres[rng.integers(60, size=n)] + spread * rng.normal(size=(n, DIM))).astype(np.float32)
    return normalized(vectors)


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
    assert measured(main.nprobe) >= MIN_RECALL - 0.02  # another sample than the one that chose
    assert main.nprobe == 1 or measured(main.nprobe // 2) < MIN_RECALL + 0.02


def test_harder_data_probes_more() -> None:
    easy, hard = (IvfSq8Index.make_segment(clustered(6000, spread)).nprobe for spread in (0.3, 5.0))
    assert easy < hard


def test_the_few_that_pass_are_compared_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """All lists are looked into then: what passes may lie in the farthest ones."""
    monkeypatch.setattr(base, "MAX_EXACT_ROWS", 0)
    monkeypatch.setattr(quantised, "_choose_nprobe", lambda main, vectors: 1)
    vectors = clustered(6000, 0.3)
    index, numbers = build(numbered_ids(6000), vectors, kind="ivfsq8"), {f"p{row}": row + 1 for row in range(6000)}
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
    index = build(numbered_ids(3000), clustered(3000, 2.0), kind="ivfsq8")
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
    index = build(numbered_ids(n), vectors, kind=kind)
    assert [hits[0][0] for hits in index.search(vectors, 3)] == numbered_ids(n)
    assert capfd.readouterr().err == ""  # FAISS warns there of too few training points
