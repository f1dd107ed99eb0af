"""The generation of a shop that has none: it has every part that answers read, and each says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.recommend.generation_view import RecommendGeneration
from shelfwise.search.generation_view import GenerationView
from shelfwise.serving.empty_generation import EmptyGeneration
from support.stores import store_with


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[CatalogueSnapshot]:
    store = store_with(tmp_path, [{"id": "mug", "title": "Mug"}, {"id": "pot", "title": "Pot"}])
    yield CatalogueCache(store).current()
    store.close()


def test_empty_generation_is_read_as_any_other(columns: CatalogueSnapshot) -> None:
    empty = EmptyGeneration()
    for_search: GenerationView = empty
    for_recommend: RecommendGeneration = empty
    vector = for_search.encoder.query("mug")
    rows, cosines = for_search.index.nearest_rows(vector, 10, columns.row_of, columns.live)
    assert (vector.dtype, len(rows), len(cosines), len(empty.index)) == (np.float32, 0, 0, 0)
    assert (len(for_search.memory.items), len(for_search.remembered_rows(columns))) == (0, 0)
    assert (for_search.ranker.kind, for_recommend.for_you_ranker.kind) == ("blend", "blend")
    counts = for_search.counts(columns, 0.0)
    assert (counts.popularity.tolist(), for_search.noise) == ([0.0] * columns.size, 0.0)
    assert counts is for_search.counts(columns, 1.0), "kept for an hour, as long as the catalogue does not change"
    assert counts is not for_search.counts(columns, 3600.0)
    signals = for_recommend.signals(columns)
    assert signals is empty.signals(columns), "kept as long as the catalogue does not change"
    assert not signals.spread("together", np.array([1]), np.ones(1)).any()


def test_empty_generation_has_no_number_and_nothing_to_do(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        generation = shop.generation
        assert isinstance(generation, EmptyGeneration)
        assert (generation.number, generation.encoder.id, generation.index_kind, generation.pending) == (None,) * 3 + (
            0,
        )
        generation.refresh()
        generation.encode_backlog()
        generation.close(wait=True)
        assert shop.search("mug").degraded == ["encoder"]
