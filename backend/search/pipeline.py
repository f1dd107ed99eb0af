"""One inquiry of a shopper, step by step: understand, filter, find, rank, spread, merchandise, sort, page, count.

Here the parts of a search meet; none of them knows the others. What can't be had is left out and said in `degraded`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shelfwise.catalogue.facets import count_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import Filter, evaluate
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.catalogue.sorting import order
from shelfwise.curation import merchandising
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.query.lexicon import Lexicon, LexiconCache
from shelfwise.query.understanding import Query, understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.ranking.diversity import diversify
from shelfwise.ranking.exploration import NO_EXPLORATION, ExplorationPolicy, apply_exploration
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.personalization import ShopperTaste, shopper_taste
from shelfwise.search.retrieval import Retrieved, retrieve
from shelfwise.search.scoring import RankedHits, score, with_remaining
from shelfwise.store import Event, Store
from shelfwise.text.normalize import words as split

__all__ = ["DIVERSITY", "SearchOutcome", "SearchPipeline", "SearchRequest"]

_NOTHING = QueryMemory()
DIVERSITY = 0.3  # docs/measurements.md: variants make way without costing relevance


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a shopper asks, every field checked."""

    query: str
    limit: int = 10
    offset: int = 0
    filter: Filter | None = None
    facets: Sequence[str] = ()
    sort: str = "relevance"
    diversity: float = DIVERSITY
    exact: bool = False
    events: Sequence[Event] = ()
    sources: SourceSwitches = ALL
    exploration: ExplorationPolicy = NO_EXPLORATION


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """One page of the answer, and what explains it."""

    ids: list[str]
    scores: np.ndarray  # (n,) float64
    total: int
    query: Query
    relaxed: str | None = None
    facets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    applied_rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # id → the rules that moved it
    retrieved: Retrieved | None = None
    ranked: RankedHits | None = None
    columns: CatalogueSnapshot | None = None


class SearchPipeline:
    """Answers the inquiries of one process. Safe for several threads."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self.catalogue = CatalogueCache(store)
        self.postings = PostingsCache(store)
        self.curation = CurationCache(store)
        self._now, self._lexicon_cache = now, LexiconCache(store)
        self._live: tuple[CatalogueSnapshot, PopularityCounts, ItemCounts] | None = (
            None  # what is counted before the first night
        )

    def lexicon(self, generation: GenerationView | None, statistics: PopularityCounts) -> Lexicon:
        """The shop's words as this process last read them."""
        if generation is None:
            return self._lexicon_cache.current(_NOTHING, statistics)
        return self._lexicon_cache.current(generation.memory, statistics, generation.encoder)

    def _is_nonsense(self, query: Query, vocabulary: Vocabulary) -> bool:
        """Whether no part of the query is a word of the shop's or of the language."""
        asked = split(query.text)
        known = (word in vocabulary or vocabulary.is_language_word(word) or len(word) == 1 for word in asked)
        return not any(known) and not any(self.postings.count([term.match]) for term in query.terms)

    def counts(
        self, generation: GenerationView | None, statistics: PopularityCounts, columns: CatalogueSnapshot, now: float
    ) -> ItemCounts:
        """Counts of each item: the generation's, or the newest events' until a night has counted any."""
        if generation is not None and (generation.statistics.popularity or not statistics.popularity):
            return generation.counts(columns, now)
        live = self._live
        if live is None or live[0] is not columns or live[1] is not statistics:
            live = self._live = columns, statistics, ItemCounts.of(statistics, columns, now)
        return live[2]

    def close(self) -> None:
        """End the background work."""
        self._lexicon_cache.close()

    def run(
        self, request: SearchRequest, generation: GenerationView | None, statistics: PopularityCounts
    ) -> SearchOutcome:
        """`statistics` are those to count by where no generation has any."""
        now, columns, said = self._now(), self.catalogue.current(), self.curation.current()
        self.postings.refresh()
        words = self.lexicon(generation, statistics)
        fresh = words.changes == self.postings.changes
        query = understand(
            request.query, words.vocabulary, self.postings.count, said.synonyms, exact=request.exact, fresh=fresh
        )
        rules = said.rules.applying([request.query, query.text], now)

        def passes(filter: str) -> np.ndarray:
            return evaluate(parse(filter), columns)

        eligible = evaluate(request.filter, columns)
        if any(rule.action == "hide" for rule in rules):
            eligible &= merchandising.hidden(rules, columns, passes) == 0
        narrowed = request.filter is not None or bool(rules)
        found = retrieve(
            query, eligible, columns, self.postings, generation, request.sources,
            is_filtered=narrowed, nonsense=self._is_nonsense(query, words.vocabulary),
        )  # fmt: skip
        named = _row_named_by_id(request.query, columns, eligible)
        found.result[named] = True
        counts = self.counts(generation, statistics, columns, now)
        if request.sort != "relevance":
            rows = order(np.flatnonzero(found.result), request.sort, columns, counts.popularity.astype(np.float64))
            return _page(request, rows, np.zeros(len(rows)), found, columns)
        taste = _taste(request.events, columns, generation, now) if request.events else None
        ranked = score(found, columns, counts, generation, taste, request.sources)
        spread = _diversified(ranked, columns, request.diversity)
        if rules:  # they may mean any item of the result
            spread = with_remaining(found, spread, columns)
        spread = _with_named_first(named, spread, columns)
        moved = merchandising.apply(
            rules, spread.rows, spread.scores, eligible=eligible, catalogue=columns, passes=passes
        )
        found.result[moved.inserted] = True
        available = int(columns.in_stock[moved.rows].sum())
        rows = apply_exploration(moved.rows, available, counts.popularity, request.exploration)
        head = RankedHits(rows, moved.scores, ranked.features, ranked.candidates, available)
        whole = head
        if head.available < request.offset + request.limit:
            whole = with_remaining(found, head, columns)
        touched = {id: done for row, done in moved.applied.items() if (id := columns.ids[row]) is not None}
        return _page(request, whole.rows, whole.scores, found, columns, touched, head)


def _taste(
    events: Sequence[Event], columns: CatalogueSnapshot, generation: GenerationView | None, now: float
) -> ShopperTaste | None:
    if generation is None:
        return shopper_taste(events, columns, None, SignalsByRow(ItemSignals(), columns), now)
    return shopper_taste(events, columns, generation.index, generation.signals(columns), now)


def _row_named_by_id(query: str, columns: CatalogueSnapshot, eligible: np.ndarray) -> list[int]:
    """The row of the item whose id the query is, where it may be found."""
    row = next((row for id in (query, query.upper(), query.lower()) if (row := columns.row_of.get(id))), 0)
    return [row] if 0 < row < columns.size and eligible[row] else []


def _with_named_first(named: list[int], ranked: RankedHits, columns: CatalogueSnapshot) -> RankedHits:
    """The item that was asked for by its id stands first, if it can be had."""
    if not named or not columns.in_stock[named[0]]:
        return ranked
    position = np.flatnonzero(ranked.rows == named[0])
    top = max(1.0, float(ranked.scores.max(initial=0.0))) + 1.0
    rows, scores = (
        np.insert(np.delete(part, position), 0, one) for part, one in ((ranked.rows, named[0]), (ranked.scores, top))
    )
    return RankedHits(rows, scores, ranked.features, ranked.candidates, ranked.available + (not len(position)))


def _diversified(ranked: RankedHits, columns: CatalogueSnapshot, diversity: float) -> RankedHits:
    places, scores = diversify(ranked.scores, columns.family[ranked.rows], diversity, ranked.available)
    return RankedHits(ranked.rows[places], scores, ranked.features, ranked.candidates, ranked.available)


def _page(
    request: SearchRequest,
    rows: np.ndarray,
    scores: np.ndarray,
    retrieved: Retrieved,
    columns: CatalogueSnapshot,
    touched: dict[str, list[dict[str, Any]]] | None = None,
    ranked: RankedHits | None = None,
) -> SearchOutcome:
    page = slice(request.offset, request.offset + request.limit)
    ids = [columns.ids[row] for row in rows[page].tolist()]
    return SearchOutcome(
        [id for id in ids if id is not None],
        scores[page],
        int(np.count_nonzero(retrieved.result)),
        retrieved.query,
        retrieved.relaxed,
        count_facets(retrieved.result, request.facets, columns) if request.facets else {},
        touched or {},
        retrieved,
        ranked,
        columns,
    )
