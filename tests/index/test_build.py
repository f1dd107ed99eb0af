"""Which kind is chosen for how many vectors, and which may go to a GPU."""

from __future__ import annotations

from pathlib import Path

import faiss
import pytest

from shelfwise.index import build, load
from shelfwise.index.build import choose_kind
from support.vectors import numbered_ids, unit_vectors


@pytest.mark.parametrize(
    ("n", "kind"),
    [(0, "flat"), (50_000, "flat"), (50_001, "sq8"), (300_000, "sq8"), (300_001, "ivfsq8"), (5_000_000, "ivfsq8")],
)
def test_kind_by_size(n: int, kind: str) -> None:
    assert choose_kind(n) == kind


def test_build_chooses_and_obeys() -> None:
    vectors = unit_vectors(50)
    assert build(numbered_ids(50), vectors).kind == "flat"
    assert build(numbered_ids(50), vectors, kind="sq8").kind == "sq8"
    with pytest.raises(ValueError, match="kind: expected one of flat, sq8, ivfsq8, gpu, got 'hnsw'"):
        build(numbered_ids(50), vectors, kind="hnsw")


def test_a_quantised_kind_stays_on_the_cpu(tmp_path: Path) -> None:
    build(numbered_ids(9), unit_vectors(9), kind="sq8").save(tmp_path)
    with pytest.raises(ValueError, match="build it with kind='flat'"):
        load(tmp_path, gpu=True)
    assert load(tmp_path).kind == "sq8"


@pytest.mark.skipif(hasattr(faiss, "index_cpu_to_gpu"), reason="this FAISS knows GPUs")
def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    index = build(numbered_ids(9), unit_vectors(9))
    index.save(tmp_path)
    assert load(tmp_path).kind == "flat"
    with pytest.raises(ValueError, match="install faiss-gpu"):
        load(tmp_path, gpu=True)
    with pytest.raises(ValueError, match="install faiss-gpu"):
        build(numbered_ids(9), unit_vectors(9), kind="gpu")
