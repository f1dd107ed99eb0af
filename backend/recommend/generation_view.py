"""The part of a generation that recommendations read."""

from __future__ import annotations

from typing import Protocol

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.current_counts import CountedGeneration
from shelfwise.generation.item_signals import SignalsByRow
from shelfwise.index import VectorIndex
from shelfwise.recommend.ranker import ForYouRanker

__all__ = ["RecommendGeneration"]


class RecommendGeneration(CountedGeneration, Protocol):
    """A generation as a recommendation reads it: loaded from disk, empty, or made in memory by a test."""

    @property
    def index(self) -> VectorIndex: ...

    @property
    def for_you_ranker(self) -> ForYouRanker: ...

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow: ...
