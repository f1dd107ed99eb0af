"""One search, step by step: understand, filter, retrieve, score, diversify, apply the shop's rules, sort, page, count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shelfwise.catalogue.facets import count_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.catalogue.sorting import sort_rows
from shelfwise.curation import merchandising
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.query.lexicon import Lexicon, LexiconCache
from shelfwise.query.synonyms import Synonyms
from shelfwise.query.understanding import Query, understand
from shelfwise.ranking.diversity import diversify
from shelfwise.ranking.exploration import apply_exploration
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.personalization import shopper_taste
from shelfwise.search.request import SearchRequest
from shelfwise.search.retrieval import SearchContext, retrieve
from shelfwise.search.retrieved import Retrieved
from shelfwise.search.scoring import RankedHits, ScoringTrace, score, with_remaining
from shelfwise.store import Rule, Store
from shelfwise.text.normalize import words
from shelfwise.types import Row

__all__ = ["SearchOutcome", "SearchPipeline"]


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """One page of a result, and what explains it."""

    ids: list[str]
    scores: np.ndarray  # (n,) float64, 0 where another order than relevance is asked for
    total: int
    query: Query
    columns: CatalogueSnapshot
    relaxed: str | None = None
    facets: dict[str, list[Row]] = field(default_factory=dict)
    applied_rules: dict[str, list[Row]] = field(default_factory=dict)  # id → the rules that moved it
    trace: ScoringTrace | None = None  # of the candidates; None where they were not scored


class SearchPipeline:
    """Runs the searches of one process. Safe for several threads.

    Args:
        store: where the postings of words and the words themselves are read from
        catalogue: the items by row
        curation: the shop's synonyms and rules
        counts: the popularity that applies
        now: returns epoch seconds
    """

    def __init__(
        self,
        store: Store,
        catalogue: CatalogueCache,
        curation: CurationCache,
        counts: CurrentCounts,
        now: Callable[[], float],
    ) -> None:
        self._catalogue, self._curation, self._counts, self._now = catalogue, curation, counts, now
        self._postings, self._lexicons = PostingsCache(store), LexiconCache(store)

    def lexicon(self, generation: GenerationView) -> Lexicon:
        """Return the shop's words as this process last read them."""
        return self._lexicons.current(generation.memory, self._counts.statistics(generation), generation.encoder)

    def close(self) -> None:
        """Wait for the thread that reads the words."""
        self._lexicons.close()

    def run(self, request: SearchRequest, generation: GenerationView) -> SearchOutcome:
        """Return the page of the request."""
        now, columns, curation = self._now(), self._catalogue.current(), self._curation.current()
        query, is_nonsense = self._understand(request, generation, curation.synonyms)
        rules = curation.rules.applying([request.query, query.text], now)
        eligible = evaluate(request.filter, columns)
        if any(rule.action == "hide" for rule in rules):
            eligible &= merchandising.hidden(rules, columns, _passes(columns)) == 0
        context = SearchContext(columns, self._postings, generation, request.sources)
        is_filtered = request.filter is not None or bool(rules)
        retrieved = retrieve(query, eligible, context, is_filtered=is_filtered, is_nonsense=is_nonsense)
        named = _row_named_by_id(request.query, columns, eligible)
        retrieved = retrieved.with_rows(named)
        counts = self._counts.by_row(generation, columns, now)
        if request.sort != "relevance":
            result = np.flatnonzero(retrieved.result)
            rows = sort_rows(result, request.sort, columns, counts.popularity.astype(np.float64))
            return _outcome(request, columns, retrieved, rows, np.zeros(len(rows)))
        taste = shopper_taste(request.events, columns, generation.index, generation.signals(columns), now)
        hits, trace = score(retrieved, counts, taste, context)
        hits = _diversified(hits, columns, request.diversity)
        if rules:  # they may be about any item of the result
            hits = with_remaining(retrieved, hits, columns)
        hits = _with_named_first(named, hits, columns)
        moved = merchandising.apply(
            rules, hits.rows, hits.scores, eligible=eligible, catalogue=columns, passes=_passes(columns)
        )
        retrieved = retrieved.with_rows(moved.inserted)
        available = int(columns.in_stock[moved.rows].sum())
        rows = apply_exploration(moved.rows, available, counts.popularity, request.exploration)
        hits = RankedHits(rows, moved.scores, available)
        if available < request.offset + request.limit:
            hits = with_remaining(retrieved, hits, columns)
        return _outcome(request, columns, retrieved, hits.rows, hits.scores, moved.applied, trace)
