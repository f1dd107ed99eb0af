"""A generation made in memory, in which every cosine can be computed by hand, and the pipeline that searches it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.index import VectorIndex, build
from shelfwise.search.pipeline import SearchPipeline
from shelfwise.search.ranker import Ranker
from shelfwise.store import Store


class WordEncoder:
    """An encoder of unit vectors in which each word is an axis; words joined by | share one.

    The cosine of two texts of m and n different words is how many they share over √(m·n). Other words mean nothing.
    """

    tokenizer_words: ClassVar[list[str]] = []  # of no language

    def __init__(self, words: str) -> None:
        groups = words.split()
        self.dim = len(groups)
        self._axes = {word: axis for axis, group in enumerate(groups) for word in group.split("|")}

    def query(self, text: str) -> np.ndarray:
        """Return (dim,) float32, zeros for a text without a known word."""
        vector = np.zeros(self.dim, np.float32)
        vector[[self._axes[word] for word in text.lower().split() if word in self._axes]] = 1.0
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector

    def items(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, dim) float32."""
        return np.array([self.query(text) for text in texts], np.float32).reshape(-1, self.dim)


@dataclass
class FakeGeneration:
    """A `GenerationView` made in memory."""

    encoder: Any
    index: VectorIndex
    memory: QueryMemory = field(default_factory=QueryMemory)
    ranker: Ranker = field(default_factory=Ranker)
    statistics: PopularityCounts = field(default_factory=PopularityCounts)
    noise: float = 0.0

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        return columns.rows(self.memory.items)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        return SignalsByRow(ItemSignals(), columns)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        return ItemCounts.of(self.statistics, columns, now)


def fake_generation(encoder: WordEncoder, titles: Mapping[str, str], **parts: Any) -> FakeGeneration:
    """Return a generation with items by id, each with the vector of its title."""
    return FakeGeneration(encoder, build(list(titles), encoder.items(list(titles.values()))), **parts)


def make_query_memory(encoder: WordEncoder, choices: Iterable[tuple[str, str, float]]) -> QueryMemory:
    """Return the memory of (query, id of the item chosen, weight), with the vectors of its queries."""
    chosen = list(choices)
    ids = list(dict.fromkeys(id for _, id, _ in chosen))
    memory = QueryMemory.build(ids, [(query, ids.index(id), weight) for query, id, weight in chosen])
    return QueryMemory(memory.items, memory.queries, memory.words, memory.texts, encoder.items(memory.texts))


def search_pipeline(store: Store, now: float) -> SearchPipeline:
    """Return the pipeline of one process over the store; it is always `now` (epoch seconds)."""
    counts = CurrentCounts(store, lambda: now)
    return SearchPipeline(store, CatalogueCache(store), CurationCache(store), counts, lambda: now)
