"""The part of a generation that a search reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.current_counts import CountedGeneration
from shelfwise.generation.item_signals import SignalsByRow
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.index import VectorIndex
from shelfwise.search.ranker import Ranker

__all__ = ["GenerationView"]


class _Encoder(Protocol):
    @property
    def tokenizer_words(self) -> Sequence[str]: ...

    def query(self, text: str) -> np.ndarray: ...


class GenerationView(CountedGeneration, Protocol):
    """A generation as a search reads it: loaded from disk, empty, or as known at a past time."""

    @property
    def encoder(self) -> _Encoder: ...

    @property
    def index(self) -> VectorIndex: ...

    @property
    def memory(self) -> QueryMemory: ...

    @property
    def ranker(self) -> Ranker: ...

    @property
    def noise(self) -> float:
        """Return the cosine that the nearest item of a query without any meaning seldom exceeds."""
        ...

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """Return the catalogue's row of each of `memory.items`, 0 for deleted ones, (n,) int64."""
        ...

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow: ...
