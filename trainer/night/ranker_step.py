"""Build the query memory and the item signals of a night, and train its two rankers.

Each ranker learns from what was known before the searches and visits: by the parent's generation, or by counts of a
past time.
"""

from __future__ import annotations

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.events import CHOICE_TYPES
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_signals import ItemSignals, save_signals
from shelfwise.night_report_parts import RankerReport
from shelfwise.trainer.data.basket_matrix import BasketMatrix
from shelfwise.trainer.night.state import NightState
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
from shelfwise.trainer.statistics.query_memory import build_query_memory, with_vectors

__all__ = ["train_for_you_ranker", "train_search_ranker", "write_query_memory"]


def write_query_memory(state: NightState) -> None:
    """Write the memory of all known searches, with vectors by the encoder in the folder."""
    with state.run_log.timed("remember"):
        memory = build_query_memory(state.data.searches.known, state.catalogue.ids, state.plan.until)
        with_vectors(memory, Encoder(state.folder / "serving")).save(state.folder / "memory")


def train_search_ranker(state: NightState) -> RankerReport:
    """Train the ranker of searches on the parent's examples and on the searches since, as the parent saw them."""
    parent, known = state.parent.generation, state.data.searches.known
    with state.run_log.timed("rank"):
        has_part = parent.has_part("ranker")
        examples = SearchExamples.load(parent.verified_path("ranker")) if has_part else SearchExamples.empty()
        # Without examples to go on from, all searches that the parent's encoder did not learn from.
        seen = parent.card.ranked if len(examples) and parent.card.ranked else parent.card.learned
        new = [search for search in known if search.ts >= seen.until or max(search.seqs) > seen.events_seq]
        examples = examples.extended(
            build_search_examples(
                state.shop, state.parent.loaded, new, known, state.data.clean_events, state.run_log.count("rank")
            )
        )
        examples.save(state.folder / "ranker")
        return fit_search_ranker(examples, state.folder / "ranker", state.seed)


def train_for_you_ranker(state: NightState, links: Links, vectors: np.ndarray) -> RankerReport:
    """Write the item signals with the links, and train the ranker of recommendations.

    `vectors` are those of the night's items by the encoder in the folder, (n_items, dim) float32.
    """
    columns, ids, events = CatalogueCache(state.shop.store).current(), state.catalogue.ids, state.data.clean_events
    categories = columns.category[columns.rows(ids)]  # (n_items,)
    with state.run_log.timed("signals"):
        rows = {id: row for row, id in enumerate(ids)}
        chosen, bought = (
            BasketMatrix.from_events(events, rows, types) for types in (CHOICE_TYPES, basket_event_types(events))
        )
        numbers = item_numbers(chosen, bought, categories, vectors, state.plan.until)
        save_signals(state.folder / "signals", ids, numbers, links)
    with state.run_log.timed("wishes"):
        parent, folder = state.parent.generation, state.folder / "wishes"
        has_part = parent.has_part("wishes")
        examples = ForYouExamples.load(parent.verified_path("wishes")) if has_part else ForYouExamples.empty()
        impressions = state.shop.store.impressions.recommendations_of
        sources = ExampleSources(columns, state.parent.loaded.index, impressions)
        for past in _points_in_time(state, is_first=not len(examples), categories=categories):
            progress = state.run_log.count("wishes")
            examples = examples.extended(build_for_you_examples(past, events, sources, state.seed, progress))
        examples.save(folder)
        return fit_for_you_ranker(examples, folder, state.seed, state.run_log.count("trees"))


def _points_in_time(state: NightState, *, is_first: bool, categories: np.ndarray) -> list[PointInTime]:
    """Return the times to build examples from: the parent's night, or several past ones for a ranker's first examples.

    `categories` are the items' category codes, (n_items,).
    """
    parent, until, events = state.parent.generation, state.plan.until, state.data.clean_events
    if not is_first and parent.has_part("signals"):
        counted = parent.card.ranked_until
        if counted >= until:
            return []
        return [PointInTime(counted, until, ItemSignals.load(parent.verified_path("signals")))]
    if not has_returning_shoppers(events):
        return []
    ids = state.catalogue.ids
    return [point_in_time(at, end, events, ids, categories) for at, end in snapshot_times(events, until, len(ids))]
