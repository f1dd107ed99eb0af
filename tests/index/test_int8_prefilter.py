"""Bytes before floats: what they promise of the rows that they leave out, and that exact search stays exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.index import build, flat
from shelfwise.index.flat import FlatIndex
from shelfwise.index.int8_prefilter import CHUNK_ROWS, Int8Prefilter
from support.vectors import normalized, unit_vectors


def alike(n: int, dim: int, spread: float) -> Any:
    """Vectors around one: the rounding of bytes is more than what sets them apart."""
    vectors = unit_vectors(1, dim=dim, seed=7) + spread * unit_vectors(n, dim=dim)
    return normalized(vectors)


DATA = {
    "spread": unit_vectors(3000, dim=48),
    "alike": alike(3000, 48, 0.01),
    "all but equal": alike(3000, 48, 1e-4),
    "long": 40 * unit_vectors(3000, dim=48),
    "one far": np.concatenate([unit_vectors(2999, dim=48), 1000 * unit_vectors(1, dim=48, seed=5)]),
    "of more than a chunk": unit_vectors(CHUNK_ROWS + 100, 16),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_no_row_left_out_reaches_the_score_promised(name: str, share: float) -> None:
    vectors = DATA[name]
    live = None if share == 1.0 else np.random.default_rng(1).random(len(vectors)) < share
    prefilter = Int8Prefilter(FlatIndex.make_segment(vectors))
    for query in [*unit_vectors(10, dim=vectors.shape[1], seed=2), vectors[0]]:
        rows, bound = prefilter.search(query[None], 50, live)
        assert len(set(rows.tolist())) == 50
        out = np.ones(len(vectors), dtype=np.bool_) if live is None else live.copy()
        assert out[rows].all(), "only live rows"
        out[rows] = False
        assert (vectors[out] @ query).max() < bound


def test_the_promise_is_worth_something() -> None:
    vectors = DATA["spread"]
    rows, bound = Int8Prefilter(FlatIndex.make_segment(vectors)).search(vectors[:1], 50, None)
    assert rows[0] == 0
    assert np.sort(vectors @ vectors[0])[-50] < bound < np.sort(vectors @ vectors[0])[-5]


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("k", [1, 10, 100])
def test_exact_stays_exact(name: str, k: int) -> None:
    vectors = DATA[name]
    index = build([f"p{row}" for row in range(len(vectors))], vectors)
    index.delete(f"p{row}" for row in range(0, len(vectors), 9))
    alive = np.arange(len(vectors)) % 9 != 0
    for query in [*unit_vectors(5, dim=vectors.shape[1], seed=3), vectors[1]]:
        (hits,) = index.search(query[None], k)
        wanted = np.sort((vectors @ query)[alive])[::-1][:k]
        assert [score for _, score in hits] == pytest.approx(wanted.tolist(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "deleted", "queries", "passes"),
    [("spread", 0, 1, 1), ("spread", 0, 2, 0), ("spread", 2000, 1, 0), ("alike", 0, 1, 2)],
)
def test_bytes_are_passed_over_where_that_saves_time(
    name: str, deleted: int, queries: int, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, searches = build([f"p{row}" for row in range(3000)], DATA[name]), []
    index.delete([f"p{row}" for row in range(deleted)])
    search = Int8Prefilter.search
    monkeypatch.setattr(
        flat.Int8Prefilter, "search", lambda *arguments: searches.append(arguments) or search(*arguments)
    )
    index.search(DATA[name][:queries], 10)
    assert len(searches) == passes


def test_nothing_but_zeros() -> None:
    prefilter = Int8Prefilter(FlatIndex.make_segment(np.zeros((100, 8), np.float32)))
    rows, bound = prefilter.search(np.zeros((1, 8), np.float32), 5, None)
    assert len(rows) == 5 and 0 < bound < 1e-3
