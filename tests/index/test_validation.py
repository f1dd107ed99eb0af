"""Ids, vectors and questions that are refused, by every kind of index and without a change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.index import VectorIndex
from support.vectors import numbered_ids, unit_vectors

Build = Callable[..., VectorIndex]


NAN, INFINITE = unit_vectors(2), unit_vectors(2)
NAN[1, 3], INFINITE[1, 3] = np.nan, -np.inf


@pytest.mark.parametrize(
    ("ids", "vectors", "reason"),
    [
        (["a", "b"], NAN, "expected finite numbers, got NaN"),
        (["a", "b"], INFINITE, "NaN or infinity in row 1"),
        (["a", "a"], unit_vectors(2), "got 'a' twice"),
        (["a"], unit_vectors(2), "expected 1, one an id, got 2"),
        (["a", 7], unit_vectors(2), "expected strings, got 7"),
        (["a"], unit_vectors(1)[0], "expected shape"),
    ],
)
def test_bad_input_changes_nothing(make: Build, ids: Any, vectors: Any, reason: str) -> None:
    index = make(["a"], unit_vectors(1))
    before = index.search(unit_vectors(1), 5)
    with pytest.raises(ValueError, match=reason):
        index.upsert(ids, vectors)
    with pytest.raises(ValueError, match=reason):
        make(ids, vectors)
    assert index.search(unit_vectors(1), 5) == before and index.delta_share == 0


def test_bad_query_is_refused(make: Build, tmp_path: Path) -> None:
    index = make(numbered_ids(2), unit_vectors(2))
    with pytest.raises(ValueError, match="vectors: expected dimension 32, got 3"):
        index.upsert(["a"], np.ones((1, 3)))
    with pytest.raises(ValueError, match="queries: expected dimension 32, got 3"):
        index.search(np.ones((1, 3)), 5)
    with pytest.raises(ValueError, match="queries: expected finite numbers"):
        index.search(NAN, 5)
    with pytest.raises(ValueError, match="k: expected 1 or more, got 0"):
        index.search(unit_vectors(1), 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        index.save(tmp_path / "file")
