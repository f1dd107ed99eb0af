"""What a search reads of a generation, whoever provides it: the serving process, or a night at a past day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.index import VectorIndex
from shelfwise.search.ranker import Ranker

__all__ = ["GenerationView"]


class _Encoder(Protocol):
    @property
    def tokenizer_words(self) -> Sequence[str]: ...

    def query(self, text: str) -> np.ndarray: ...


class GenerationView(Protocol):
    """What a search asks of a generation: the door's, or what the night knew on an earlier day."""

    @property
    def encoder(self) -> _Encoder: ...

    @property
    def index(self) -> VectorIndex: ...

    @property
    def memory(self) -> QueryMemory: ...

    @property
    def ranker(self) -> Ranker: ...

    @property
    def statistics(self) -> PopularityCounts: ...

    @property
    def noise(self) -> float:
        """The cosine that the nearest item of a query without any meaning seldom exceeds."""
        ...

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """The catalogue's row of each of `memory.items`, 0 for one that is gone, (n,) int64."""
        ...

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts: ...

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow: ...
