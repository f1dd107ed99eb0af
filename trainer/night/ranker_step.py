"""What a night teaches the two rankers and counts for the shelves, once encoder and events are settled.

Each ranker learns from what the parent's generation, or an evening counted anew, knew before the searches and visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.snapshot import CatalogueCache as Columns
from shelfwise.events import CHOICE_TYPES
from shelfwise.generation.item_signals import ItemSignals, save_signals
from shelfwise.generation.registry import Generation
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Event
from shelfwise.trainer.data.basket_matrix import BasketMatrix
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.night.plan import Plan
from shelfwise.trainer.night.run_log import RunLog
from shelfwise.trainer.rankers.for_you_examples import (
    ExampleSources,
    ForYouExamples,
    PointInTime,
    build_for_you_examples,
    has_returning_shoppers,
    point_in_time,
    snapshot_times,
)
from shelfwise.trainer.rankers.for_you_ranker import fit_for_you_ranker
from shelfwise.trainer.rankers.search_examples import SearchExamples, build_search_examples
from shelfwise.trainer.rankers.search_ranker import fit_search_ranker
from shelfwise.trainer.statistics.item_signals import basket_event_types, item_numbers
from shelfwise.trainer.statistics.popularity import Links

__all__ = ["RankerStep"]


class RankerStep:
    """The lessons of one night on one parent; what they write goes into the child's `folder`."""

    def __init__(
        self, shop: Shop, parent: Generation, generation: LoadedGeneration, plan: Plan, folder: Path, run_log: RunLog
    ) -> None:
        self.shop, self.parent, self.generation, self.plan = shop, parent, generation, plan
        self.folder, self.run_log, self.seed = folder, run_log, int(run_log.report["seed"])

    def train_search_ranker(self, data: TrainingData) -> dict[str, Any]:
        """Teach the ranker of searches, on the parent's rows and on the searches since, as the parent saw them."""
        past = data.searches.known
        with self.run_log.timed("rank"):
            rows = (
                SearchExamples.load(self.parent.verified_path("ranker"))
                if self.parent.has_part("ranker")
                else SearchExamples.empty()
            )
            # Without rows to go on from, all searches that the parent's encoder did not learn from.
            card = self.parent.card
            seen = card.ranked if len(rows) and card.ranked else card.learned
            new = [search for search in past if search.ts >= seen.until or max(search.seqs) > seen.events_seq]
            made = build_search_examples(
                self.shop, self.generation, new, past, data.clean_events, self.run_log.count("rank")
            )
            rows = rows.extended(made)
            rows.save(self.folder / "ranker")
            return fit_search_ranker(rows, self.folder / "ranker", self.seed).to_dict()

    def train_for_you_ranker(
        self, honest: Sequence[Event], links: Links, ids: list[str], vectors: np.ndarray
    ) -> dict[str, Any]:
        """Count the child's signals, write them with the links, and teach the ranker of the shelves."""
        columns = Columns(self.shop.store).current()
        categories = columns.category[columns.rows(ids)]
        rows = {id: row for row, id in enumerate(ids)}
        with self.run_log.timed("signals"):
            now = self.plan.until
            chosen, bought = (
                BasketMatrix.from_events(honest, rows, types) for types in (CHOICE_TYPES, basket_event_types(honest))
            )
            numbers = item_numbers(chosen, bought, categories, vectors, now)
            save_signals(self.folder / "signals", ids, numbers, links)
        with self.run_log.timed("wishes"):
            known = (
                ForYouExamples.load(self.parent.verified_path("wishes"))
                if self.parent.has_part("wishes")
                else ForYouExamples.empty()
            )
            impressions = self.shop.store.impressions.recommendations_of
            sources = ExampleSources(columns, self.generation.index, impressions)
            for past in self._points_in_time(known, honest, ids, categories):
                made = build_for_you_examples(past, honest, sources, self.seed, self.run_log.count("wishes"))
                known = known.extended(made)
            known.save(self.folder / "wishes")
            return fit_for_you_ranker(known, self.folder / "wishes", self.seed, self.run_log.count("trees")).to_dict()

    def _points_in_time(
        self, known: ForYouExamples, honest: Sequence[Event], ids: list[str], categories: np.ndarray
    ) -> list[PointInTime]:
        """Where the rows go on from: the parent's own evening, or several of the past for a ranker that begins."""
        until = self.plan.until
        if len(known) and self.parent.has_part("signals"):
            counted = self.parent.card.ranked_until
            return (
                [PointInTime(counted, until, ItemSignals.load(self.parent.verified_path("signals")))]
                if counted < until
                else []
            )
        if not has_returning_shoppers(honest):
            return []
        return [point_in_time(at, end, honest, ids, categories) for at, end in snapshot_times(honest, until, len(ids))]
