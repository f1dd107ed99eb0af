"""What a shop answers from before its first generation, or where none can be opened: words, rules and events alone."""

from __future__ import annotations

import numpy as np

from shelfwise.caching import CachedBy
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.item_counts import MAX_COUNTS_AGE_SECONDS, ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.index import VectorIndex, build
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.search.ranker import Ranker

__all__ = ["EmptyEncoder", "EmptyGeneration"]

_DIM = 1


class EmptyEncoder:
    """An encoder that gives every text the zero vector."""

    id = None
    tokenizer_words: tuple[str, ...] = ()

    def query(self, text: str) -> np.ndarray:
        """Return zeros, (1,) float32."""
        return np.zeros(_DIM, np.float32)


class EmptyGeneration:
    """A generation that learned and counted nothing: no vectors, no memory, no signals, fixed blends as rankers."""

    number = None
    index_kind = None
    noise = 0.0
    pending = 0
    degraded: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.encoder = EmptyEncoder()
        self.index: VectorIndex = build([], np.zeros((0, _DIM), np.float32))
        self.statistics = PopularityCounts()
        self.memory = QueryMemory()
        self.ranker = Ranker()
        self.for_you_ranker = ForYouRanker()
        self._counts = CachedBy[ItemCounts](MAX_COUNTS_AGE_SECONDS)
        self._signals = CachedBy[SignalsByRow]()

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """Return no rows, (0,) int64: the memory has no items."""
        return np.zeros(0, np.int64)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """Return popularity 0 for every row, and its age where the catalogue gives it, at most an hour off at `now`."""
        return self._counts.get(lambda: ItemCounts.of(self.statistics, columns, now), columns, now=now)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        """Return signals that are 0 for every row."""
        return self._signals.get(lambda: SignalsByRow(ItemSignals(), columns), columns)

    def refresh(self) -> None:
        """Do nothing: there are no vectors to keep current."""

    def encode_backlog(self) -> None:
        """Do nothing: there is no encoder."""

    def close(self, *, wait: bool) -> None:
        """Do nothing: there is no background work."""
