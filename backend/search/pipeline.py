"""One search, step by step: understand, filter, retrieve, score, diversify, apply the shop's rules, page, count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shelfwise.catalogue.facets import count_facets
from shelfwise.catalogue.filters import Filter, evaluate
from shelfwise.catalogue.postings import Postings, PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.catalogue.sorting import sort_rows
from shelfwise.curation import merchandising
from shelfwise.curation.rule_index import PreparedRule
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.query.lexicon import Lexicon, LexiconCache
from shelfwise.query.synonyms import Synonyms
from shelfwise.query.understanding import Query, understand
from shelfwise.ranking.diversity import diversify
from shelfwise.ranking.exploration import apply_exploration
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.personalization import ShopperTaste, shopper_taste
from shelfwise.search.request import SearchRequest
from shelfwise.search.retrieval import SearchContext, retrieve
from shelfwise.search.retrieved import Retrieved
from shelfwise.search.scoring import RankedHits, ScoringTrace, score, with_remaining
from shelfwise.store import Event, Store
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
        """Return the page that the request asks for, from what the generation knows."""
        now, columns, curation = self._now(), self._catalogue.current(), self._curation.current()
        postings = self._postings.current()
        query, is_nonsense = self._understand(request, generation, postings, curation.synonyms)
        rules = _QueryRules(curation.rules.applying([request.query, query.text], now), columns)
        eligible = rules.eligible(request.filter)
        context = SearchContext(columns, postings, generation, request.sources)
        is_filtered = request.filter is not None or bool(rules.rules)
        retrieved = retrieve(query, eligible, context, is_filtered=is_filtered, is_nonsense=is_nonsense)
        named = _row_named_by_id(request.query, columns, eligible)
        retrieved = retrieved.with_rows(named)
        counts = self._counts.by_row(generation, columns, now)
        if request.sort != "relevance":
            result = np.flatnonzero(retrieved.result)
            rows = sort_rows(result, request.sort, columns, counts.popularity.astype(np.float64))
            return _outcome(request, retrieved, RankedHits(rows, np.zeros(len(rows)), len(rows)), columns)
        hits, trace = score(retrieved, counts, _taste(request.events, context, now), context)
        hits = _diversified(hits, columns, request.diversity)
        if rules.rules:  # they may be about any item of the result
            hits = with_remaining(retrieved, hits, columns)
        hits, applied = rules.apply(_with_named_first(named, hits, columns), eligible)
        retrieved = retrieved.with_rows(applied.inserted)
        hits = replace(hits, rows=apply_exploration(hits.rows, hits.available, counts.popularity, request.exploration))
        if hits.available < request.offset + request.limit:
            hits = with_remaining(retrieved, hits, columns)
        applied_rules = {columns.ids[row] or "": rules for row, rules in applied.applied.items()}
        outcome = _outcome(request, retrieved, hits, columns)
        return replace(outcome, applied_rules=applied_rules, trace=trace)

    def _understand(
        self, request: SearchRequest, generation: GenerationView, postings: Postings, synonyms: Synonyms
    ) -> tuple[Query, bool]:
        """Return the understood query, and whether no part of it is a word of the shop or of the language."""
        lexicon, count = self.lexicon(generation), postings.count
        fresh = lexicon.changes == postings.changes
        vocabulary = lexicon.vocabulary
        query = understand(request.query, vocabulary, count, synonyms, exact=request.exact, fresh=fresh)
        is_word = (
            word in vocabulary or vocabulary.is_language_word(word) or len(word) == 1 for word in words(query.text)
        )
        return query, not any(is_word) and not any(count([term.match]) for term in query.terms)


@dataclass(frozen=True, slots=True)
class _QueryRules:
    """The shop's rules that apply to one query, over one snapshot of the catalogue."""

    rules: Sequence[PreparedRule]
    columns: CatalogueSnapshot

    def eligible(self, filter: Filter | None) -> np.ndarray:
        """Return which live rows pass the shopper's filter and are not hidden, (n_rows,) bool."""
        eligible = evaluate(filter, self.columns)
        if any(rule.action == "hide" for rule in self.rules):
            eligible &= merchandising.hidden(self.rules, self.columns) == 0
        return eligible

    def apply(self, hits: RankedHits, eligible: np.ndarray) -> tuple[RankedHits, merchandising.AppliedRules]:
        """Return the hits pinned, boosted and buried, and what was done; `eligible` as returned above."""
        applied = merchandising.apply(self.rules, hits.rows, hits.scores, eligible=eligible, columns=self.columns)
        available = int(self.columns.in_stock[applied.rows].sum())
        return RankedHits(applied.rows, applied.scores, available), applied


def _taste(events: Sequence[Event], context: SearchContext, now: float) -> ShopperTaste | None:
    if not events:
        return None
    columns, generation = context.columns, context.generation
    return shopper_taste(events, columns, generation.index, generation.signals(columns), now)


def _row_named_by_id(query: str, columns: CatalogueSnapshot, eligible: np.ndarray) -> list[int]:
    """Return the row of the item whose id is the query, as a list of 0 or 1 eligible rows; letter case may differ."""
    row = next((row for id in (query, query.upper(), query.lower()) if (row := columns.row_of.get(id))), 0)
    return [row] if 0 < row < columns.size and eligible[row] else []


def _with_named_first(named: list[int], hits: RankedHits, columns: CatalogueSnapshot) -> RankedHits:
    """Return the hits with the item that the query names by its id in the first place, if it is in stock."""
    if not named or not columns.in_stock[named[0]]:
        return hits
    position = np.flatnonzero(hits.rows == named[0])
    top_score = max(1.0, float(hits.scores.max(initial=0.0))) + 1.0
    return RankedHits(
        np.insert(np.delete(hits.rows, position), 0, named[0]),
        np.insert(np.delete(hits.scores, position), 0, top_score),
        hits.available + (not len(position)),
    )


def _diversified(hits: RankedHits, columns: CatalogueSnapshot, diversity: float) -> RankedHits:
    order, scores = diversify(hits.scores, columns.family[hits.rows], diversity, hits.available)
    return RankedHits(hits.rows[order], scores, hits.available)


def _outcome(
    request: SearchRequest, retrieved: Retrieved, hits: RankedHits, columns: CatalogueSnapshot
) -> SearchOutcome:
    """Return the page of the hits that the request asks for, with the counts of the whole result."""
    page = slice(request.offset, request.offset + request.limit)
    return SearchOutcome(
        ids=[id for row in hits.rows[page].tolist() if (id := columns.ids[row]) is not None],
        scores=hits.scores[page],
        total=int(np.count_nonzero(retrieved.result)),
        query=retrieved.query,
        columns=columns,
        relaxed=retrieved.relaxed,
        facets=count_facets(retrieved.result, request.facets, columns) if request.facets else {},
    )
