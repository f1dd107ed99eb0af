"""A search among some ids only, compared with brute force over exactly those, for every kind of index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shelfwise.index import IdFilter, VectorIndex, base
from support.vectors import DIM, numbered_ids, unit_vectors

Build = Callable[..., VectorIndex]


def numbers_of(ids: list[str]) -> dict[str, int]:
    """Return numbers from 1 on, in an order that is not the index's."""
    return {id: position + 1 for position, id in enumerate(sorted(ids, key=lambda id: id[::-1]))}


def mask_of(numbers: dict[str, int], ids: set[str]) -> Any:
    mask = np.zeros(len(numbers) + 1, dtype=np.bool_)
    mask[[numbers[id] for id in ids]] = True
    return mask


def brute_force(index: VectorIndex, ids: set[str], queries: Any, k: int) -> list[dict[str, float]]:
    """Return the best k of these ids by the index's own vectors: a quantised kind is compared with what it keeps."""
    known, vectors = index.vectors(sorted(ids))
    scores = queries @ vectors.T  # (q, n)
    return [{known[row]: float(line[row]) for row in np.argsort(-line)[:k]} for line in scores]


def changed_index(make: Build) -> VectorIndex:
    """Return an index of 3,000 ids, some of them changed, gone or new since it was built."""
    index = make(numbered_ids(3000), unit_vectors(3000))
    index.upsert([f"p{i}" for i in (*range(0, 300, 3), *range(3000, 3050))], unit_vectors(150, seed=1))
    index.delete(f"p{i}" for i in range(1, 900, 3))
    return index


@pytest.mark.parametrize("max_exact_rows", [base.MAX_EXACT_ROWS, 0], ids=["gathered", "scanned"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.3, 0.7, 1.0])
def test_agrees_with_brute_force(
    make: Build, kind: str, share: float, max_exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_EXACT_ROWS", max_exact_rows)
    index, numbers, queries = changed_index(make), numbers_of(numbered_ids(3050)), unit_vectors(10, seed=2)
    rng = np.random.default_rng(3)
    for k in (1, 20, 200):
        chosen = {id for id in numbers if rng.random() < share}
        wanted = brute_force(index, chosen & set(index.ids()), queries, k)
        got = [dict(hits) for hits in index.search(queries, k, IdFilter(numbers, mask_of(numbers, chosen)))]
        shared = sum(len(g.keys() & w.keys()) for g, w in zip(got, wanted, strict=True))
        assert [len(g) for g in got] == [len(w) for w in wanted]
        near_enough = (
            0.95 if kind == "gpu" else 0.9 if kind == "ivfsq8" and share > 0.02 else 1
        )  # a GPU halves precision
        assert shared >= near_enough * sum(map(len, wanted))
        for g, w in zip(got, wanted, strict=True):
            assert all(abs(g[id] - w[id]) < 1e-3 for id in g.keys() & w.keys())
            assert list(g.values()) == sorted(g.values(), reverse=True)


def test_far_ids_are_found_when_only_they_pass(make: Build) -> None:
    vectors = unit_vectors(3000)
    index, numbers = make(numbered_ids(3000), vectors), numbers_of(numbered_ids(3000))
    farthest = {f"p{row}" for row in np.argsort(vectors @ vectors[0])[:7]}
    (hits,) = index.search(vectors[:1], 5, IdFilter(numbers, mask_of(numbers, farthest)))
    assert len(hits) == 5 and {id for id, _ in hits} <= farthest


@pytest.mark.parametrize("changed", [False, True], ids=["main", "delta"])
def test_an_id_is_found_as_soon_as_it_has_a_number(make: Build, changed: bool) -> None:
    index, numbers = make(numbered_ids(50), unit_vectors(50)), {f"p{i}": i for i in range(1, 50)}
    if changed:
        index.upsert(["p0"], unit_vectors(1))
    all_pass = np.arange(60) > 0
    id_filter = IdFilter(numbers, all_pass)
    assert index.search(unit_vectors(1), 1, id_filter)[0][0][0] != "p0"
    numbers["p0"] = 59
    assert index.search(unit_vectors(1), 1, id_filter)[0][0][0] == "p0"
    assert index.search(unit_vectors(1), 1, IdFilter(numbers, all_pass[:59]))[0][0][0] != "p0", (
        "its number is beyond the mask"
    )
    other = {"p0": 2, "p1": 1}
    assert {id for id, _ in index.search(unit_vectors(1), 9, IdFilter(other, all_pass[:3]))[0]} == {"p0", "p1"}


def test_a_change_keeps_the_number(make: Build) -> None:
    index, numbers = make(numbered_ids(50), unit_vectors(50)), numbers_of(numbered_ids(50))
    id_filter = IdFilter(numbers, mask_of(numbers, {"p3", "p4", "p5"}))
    assert [id for id, _ in index.search(unit_vectors(50)[3:4], 1, id_filter)[0]] == ["p3"]
    index.upsert(["p3"], -unit_vectors(50)[3:4])
    index.delete(["p4"])
    hits = dict(index.search(unit_vectors(50)[3:4], 10, id_filter)[0])
    assert set(hits) == {"p3", "p5"} and hits["p3"] < -0.9
    index.upsert(["p3"], unit_vectors(50)[3:4])  # and once more, now in the delta already
    assert dict(index.search(unit_vectors(50)[3:4], 10, id_filter)[0])["p3"] > 0.9
    index.delete(["p3", "p5"])
    assert index.search(unit_vectors(1), 10, id_filter) == [[]]


def test_equal_scores_come_by_id(make: Build) -> None:
    ids, numbers = numbered_ids(700), numbers_of(numbered_ids(700))
    index = make(ids, np.repeat(unit_vectors(1), 700, axis=0))
    for chosen in (set(ids[:100]), set(ids[50:])):
        hits = index.search(unit_vectors(1), 7, IdFilter(numbers, mask_of(numbers, chosen)))[0]
        assert [id for id, _ in hits] == sorted(chosen)[:7]


def test_empty_mask_finds_nothing(make: Build) -> None:
    numbers = numbers_of(numbered_ids(20))
    for index in (make(numbered_ids(20), unit_vectors(20)), make([], np.empty((0, DIM)))):
        for mask in (np.zeros(21, dtype=np.bool_), np.zeros(0, dtype=np.bool_)):
            assert index.search(unit_vectors(2), 5, IdFilter(numbers, mask)) == [[], []]


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.ones(3, dtype=np.bool_), "expected False for number 0"),
        (np.zeros(3, dtype=np.int8), r"got \(3,\) of int8"),
        (np.zeros((1, 3), dtype=np.bool_), r"got \(1, 3\) of bool"),
    ],
)
def test_mask_of_wrong_shape_is_refused(mask: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        IdFilter({"p1": 1}, mask)


@pytest.mark.parametrize("share", [None, 0.0, 0.01, 0.3, 1.0])
def test_nearest_rows_agrees_with_search(make: Build, share: float | None) -> None:
    index, numbers, queries = changed_index(make), numbers_of(numbered_ids(3050)), unit_vectors(10, seed=2)
    rng = np.random.default_rng(3)
    mask = None if share is None else mask_of(numbers, {id for id in numbers if rng.random() < share})
    for query in queries:
        wanted = index.search(query[None], 20, None if mask is None else IdFilter(numbers, mask))[0]
        rows, scores = index.nearest_rows(query, 20, numbers, mask)
        assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == {numbers[id]: score for id, score in wanted}
        assert scores.tolist() == sorted(scores.tolist(), reverse=True)
        assert (rows.dtype, scores.dtype) == (np.int64, np.float32)


def test_nearest_rows_orders_equals_by_number(make: Build) -> None:
    index = make(numbered_ids(4), np.repeat(unit_vectors(1), 4, axis=0))
    index.upsert(["p9", "late"], np.repeat(unit_vectors(1), 2, axis=0))
    rows, _ = index.nearest_rows(unit_vectors(1)[0], 9, {"p0": 5, "p1": 4, "p2": 7, "p9": 6})
    assert rows.tolist() == [0, 0, 4, 5, 6, 7], "p3 and late have no number"


@pytest.mark.parametrize(("query", "k"), [(np.ones(3), 5), (np.full(DIM, np.nan), 5), (np.ones(DIM), 0)])
def test_nearest_rows_refuses_what_search_refuses(make: Build, query: Any, k: int) -> None:
    with pytest.raises(ValueError, match=r"got 3|NaN|k: expected 1 or more"):
        make(numbered_ids(5), unit_vectors(5)).nearest_rows(query, k, {})
