"""What the search ranker is trained on: for past searches the features of their candidates, as of the day's beginning.

Every search is looked at once, by an encoder, a query memory and counts that did not know it yet, and then kept from
generation to generation, so that the ranker learns what evidence weighs for searches to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shelfwise import Shop
from shelfwise.caching import CachedBy
from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory, query_key
from shelfwise.index import VectorIndex
from shelfwise.query.understanding import understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.ranking.arrays import ranks
from shelfwise.search.blend import TOP
from shelfwise.search.features import NAMES
from shelfwise.search.personalization import shopper_taste
from shelfwise.search.ranker import Ranker
from shelfwise.search.retrieval import SearchContext, retrieve
from shelfwise.search.scoring import score
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.serving.shopper_data import MAX_HISTORY_EVENTS
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.rankers.examples import Group, RankingExamples
from shelfwise.trainer.statistics.popularity import count_popularity
from shelfwise.trainer.statistics.query_memory import build_query_memory

__all__ = ["PointInTimeView", "SearchExamples", "build_search_examples"]

_MAX_PERIODS = 30
_STANDING = NAMES.index("standing")


class SearchExamples(RankingExamples):
    """A group for each query of a day; groups of equal queries are one cluster."""

    NAMES = NAMES
    MAX_GROUPS = 6_000


@dataclass(frozen=True)
class PointInTimeView:
    """A `GenerationView` of what was known on a past day, without a trained ranker."""

    encoder: Encoder
    index: VectorIndex
    memory: QueryMemory
    statistics: PopularityCounts
    ranker: Ranker = field(default_factory=Ranker)
    noise: float = 0.0
    _remembered_rows: CachedBy[np.ndarray] = field(default_factory=CachedBy, init=False, repr=False)
    _counts: CachedBy[ItemCounts] = field(default_factory=CachedBy, init=False, repr=False)
    _signals: CachedBy[SignalsByRow] = field(default_factory=CachedBy, init=False, repr=False)

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """Return the catalogue's row of each of `memory.items`, 0 for one that is gone, (n,) int64."""
        return self._remembered_rows.get(lambda: columns.rows(self.memory.items), columns)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """Return the counts by row of the catalogue."""
        return self._counts.get(lambda: ItemCounts.of(self.statistics, columns, now), columns, now)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        """Return no signals: co-purchases are added to the blend, their weight is not learned here."""
        return self._signals.get(lambda: SignalsByRow(ItemSignals(), columns), columns)


def build_search_examples(
    shop: Shop,
    parent: LoadedGeneration,
    searches: Sequence[QueryClick],
    past: Sequence[QueryClick],
    events: Sequence[Event],
    progress: Callable[[int, int], object],
) -> SearchExamples:
    """Return a group for each query of a day; days are put together beyond thirty.

    Args:
        shop: Its catalogue, postings and synonyms are taken as they are now.
        parent: The generation that embeds queries and items; its encoder did not learn from the searches.
        searches: What the groups are made of, the newest MAX_GROUPS of it.
        past: All searches that may be remembered, `searches` among them; of each day only what lies before it is used.
        events: All events that count; of each day only what lies before it is used.
        progress: Called with (done, total) periods.
    """
    searcher = _PastSearcher(shop, parent)
    groups: list[Group] = []
    periods = _periods(sorted(searches, key=lambda search: search.ts)[-SearchExamples.MAX_GROUPS :])
    for number, (start, clicks) in enumerate(periods):
        progress(number, len(periods))
        groups += searcher.groups(start, clicks, past, [event for event in events if event.ts < start])
    progress(len(periods), len(periods))
    return SearchExamples.from_groups(groups)


class _PastSearcher:
    """The shop's own search, asked with what was known at a point in time."""

    def __init__(self, shop: Shop, parent: LoadedGeneration) -> None:
        self.columns = CatalogueCache(shop.store).current()
        self.postings = PostingsCache(shop.store).current()
        self.synonyms = CurationCache(shop.store).current().synonyms
        self.eligible = evaluate(None, self.columns)
        self.parent, self.vocabulary = parent, Vocabulary()
        self.items = {id: row for row, id in enumerate(self.columns.ids[: self.columns.size]) if id is not None}
        self.vectors = dict(zip(parent.memory.texts, parent.memory.vectors, strict=True))

    def groups(
        self, start: float, clicks: Sequence[QueryClick], past: Sequence[QueryClick], events: Sequence[Event]
    ) -> Iterator[Group]:
        """Yield a group for each query for which a candidate was chosen, by what was known at `start`."""
        statistics = count_popularity(events, start)
        view = PointInTimeView(self.parent.encoder, self.parent.index, self._memory(past, start), statistics)
        histories: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            if event.user:
                histories[event.user].append(event)
        by_query: defaultdict[tuple[str, str], list[QueryClick]] = defaultdict(list)
        for click in clicks:
            # Shoppers who have a history are asked for by themselves, all others together.
            by_query[query_key(click.query), click.shopper if click.shopper in histories else ""].append(click)
        for (_, shopper), chosen in by_query.items():
            group = self._group(start, chosen, view, histories[shopper][-MAX_HISTORY_EVENTS:] if shopper else [])
            if group is not None:
                yield group

    def _group(
        self, start: float, clicks: Sequence[QueryClick], view: PointInTimeView, history: Sequence[Event]
    ) -> Group | None:
        columns = self.columns
        query = understand(clicks[0].query, self.vocabulary, self.postings.count, self.synonyms)
        context = SearchContext(columns, self.postings, view)
        retrieved = retrieve(query, self.eligible, context, is_filtered=False)
        taste = None
        if history:
            taste = shopper_taste(history[::-1], columns, view.index, view.signals(columns), start)
        _, trace = score(retrieved, view.counts(columns, start), taste, context)
        weights = np.zeros(columns.size, np.float32)
        for click in clicks:
            weights[self.items.get(click.item, 0)] += click.weight
        weights[0] = 0.0
        # The best by the blend and the best by embedding: the former alone would not show what words are worth.
        orders = view.ranker.scores(trace.features), trace.features[:, _STANDING]
        top = np.flatnonzero(np.any([ranks(scores) < TOP for scores in orders], axis=0))
        chosen = weights[trace.candidates[top]]
        return Group(trace.features[top], chosen, query_key(query.text)) if chosen.any() else None

    def _memory(self, past: Sequence[QueryClick], now: float) -> QueryMemory:
        memory = build_query_memory((click for click in past if click.ts < now), list(self.items), now)
        missing = [text for text in memory.texts if text not in self.vectors]
        if missing:
            self.vectors |= dict(zip(missing, self.parent.encoder.queries(missing), strict=True))
        if not memory.texts:
            return memory
        return replace(memory, vectors=np.stack([self.vectors[text] for text in memory.texts]))


def _periods(searches: Iterable[QueryClick]) -> list[tuple[float, list[QueryClick]]]:
    """Return the searches by day, each with the moment the day began; neighbouring days together beyond thirty."""
    days: defaultdict[int, list[QueryClick]] = defaultdict(list)
    for search in searches:
        days[int(search.ts // DAY)].append(search)
    step = -(-len(days) // _MAX_PERIODS) or 1
    ordered = sorted(days)
    return [
        (ordered[start] * DAY, [search for day in ordered[start : start + step] for search in days[day]])
        for start in range(0, len(ordered), step)
    ]
