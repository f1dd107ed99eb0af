"""One inquiry of a shopper, step by step: understand, filter, find, rank, spread, merchandise, sort, page, count.

Here the parts of a search meet; none of them knows the others. What can't be had is left out and said in `degraded`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shelfwise.catalogue.facets import facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import Filter, evaluate
from shelfwise.catalogue.postings import Lexical
from shelfwise.catalogue.snapshot import Catalogue, Columns
from shelfwise.catalogue.sorting import order
from shelfwise.curation import merchandising
from shelfwise.curation.snapshot import Said
from shelfwise.generation.item_signals import Placed, Signals
from shelfwise.generation.popularity import Statistics
from shelfwise.generation.query_memory import Memory
from shelfwise.query.lexicon import Wordbook, Words
from shelfwise.query.understanding import Query, understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.ranking.diversity import diversify
from shelfwise.ranking.exploration import NO_EXPLORATION, Exploration, explored
from shelfwise.search.blend import ALL, Sources
from shelfwise.search.features import Counts
from shelfwise.search.personalization import Affinities, affinities
from shelfwise.search.retrieval import Found, Ranked, find, followed, rank
from shelfwise.serving.loaded_generation import Serving
from shelfwise.store import Event, Store
from shelfwise.text.normalize import words as split

__all__ = ["DIVERSITY", "Inquirer", "Inquiry", "Outcome"]

_NOTHING = Memory()
DIVERSITY = 0.3  # docs/measurements.md: variants make way without costing relevance


@dataclass(frozen=True, slots=True)
class Inquiry:
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
    sources: Sources = ALL
    exploration: Exploration = NO_EXPLORATION


@dataclass(frozen=True, slots=True)
class Outcome:
    """One page of the answer, and what explains it."""

    ids: list[str]
    scores: np.ndarray  # (n,) float64
    total: int
    query: Query
    relaxed: str | None = None
    facets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    touched: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # id → the rules that moved it
    found: Found | None = None
    ranked: Ranked | None = None
    columns: Columns | None = None


class Inquirer:
    """Answers the inquiries of one process. Safe for several threads."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self.catalogue = Catalogue(store)
        self.lexical = Lexical(store)
        self.said = Said(store)
        self._now, self._wordbook = now, Wordbook(store)
        self._live: tuple[Columns, Statistics, Counts] | None = None  # what is counted before the first night

    def words(self, serving: Serving | None, statistics: Statistics) -> Words:
        """The shop's words as this process last read them."""
        if serving is None:
            return self._wordbook.current(_NOTHING, statistics)
        return self._wordbook.current(serving.memory, statistics, serving.encoder)

    def _is_nonsense(self, query: Query, vocabulary: Vocabulary) -> bool:
        """Whether no part of the query is a word of the shop's or of the language."""
        asked = split(query.text)
        known = (word in vocabulary or vocabulary.real(word) or len(word) == 1 for word in asked)
        return not any(known) and not any(self.lexical.count([term.match]) for term in query.terms)

    def counts(self, serving: Serving | None, statistics: Statistics, columns: Columns, now: float) -> Counts:
        """Counts of each item: the generation's, or the newest events' until a night has counted any."""
        if serving is not None and (serving.statistics.popularity or not statistics.popularity):
            return serving.counts(columns, now)
        live = self._live
        if live is None or live[0] is not columns or live[1] is not statistics:
            live = self._live = columns, statistics, Counts.of(statistics, columns, now)
        return live[2]

    def close(self) -> None:
        """End the background work."""
        self._wordbook.close()

    def answer(self, asked: Inquiry, serving: Serving | None, statistics: Statistics) -> Outcome:
        """`statistics` are those to count by where no generation has any."""
        now, columns, said = self._now(), self.catalogue.current(), self.said.current()
        self.lexical.sync()
        words = self.words(serving, statistics)
        fresh = words.changes == self.lexical.changes
        query = understand(
            asked.query, words.vocabulary, self.lexical.count, said.synonyms, exact=asked.exact, fresh=fresh
        )
        rules = said.rules.applying([asked.query, query.text], now)

        def passes(filter: str) -> np.ndarray:
            return evaluate(parse(filter), columns)

        eligible = evaluate(asked.filter, columns)
        if any(rule.action == "hide" for rule in rules):
            eligible &= merchandising.hidden(rules, columns, passes) == 0
        narrowed = asked.filter is not None or bool(rules)
        found = find(
            query, eligible, columns, self.lexical, serving, asked.sources,
            narrowed=narrowed, nonsense=self._is_nonsense(query, words.vocabulary),
        )  # fmt: skip
        named = _named(asked.query, columns, eligible)
        found.result[named] = True
        counts = self.counts(serving, statistics, columns, now)
        if asked.sort != "relevance":
            rows = order(np.flatnonzero(found.result), asked.sort, columns, counts.popularity.astype(np.float64))
            return _page(asked, rows, np.zeros(len(rows)), found, columns)
        taste = _taste(asked.events, columns, serving, now) if asked.events else None
        ranked = rank(found, columns, counts, serving, taste, asked.sources)
        spread = _spread(ranked, columns, asked.diversity)
        if rules:  # they may mean any item of the result
            spread = followed(found, spread, columns)
        spread = _first(named, spread, columns)
        moved = merchandising.apply(
            rules, spread.rows, spread.scores, eligible=eligible, catalogue=columns, passes=passes
        )
        found.result[moved.brought] = True
        available = int(columns.in_stock[moved.rows].sum())
        rows = explored(moved.rows, available, counts.popularity, asked.exploration)
        head = Ranked(rows, moved.scores, ranked.features, ranked.candidates, available)
        whole = head
        if head.available < asked.offset + asked.limit:
            whole = followed(found, head, columns)
        touched = {id: done for row, done in moved.touched.items() if (id := columns.ids[row]) is not None}
        return _page(asked, whole.rows, whole.scores, found, columns, touched, head)


def _taste(events: Sequence[Event], columns: Columns, serving: Serving | None, now: float) -> Affinities | None:
    if serving is None:
        return affinities(events, columns, None, Placed(Signals(), columns), now)
    return affinities(events, columns, serving.index, serving.signals(columns), now)


def _named(query: str, columns: Columns, eligible: np.ndarray) -> list[int]:
    """The row of the item whose id the query is, where it may be found."""
    row = next((row for id in (query, query.upper(), query.lower()) if (row := columns.row_of.get(id))), 0)
    return [row] if 0 < row < columns.size and eligible[row] else []


def _first(named: list[int], ranked: Ranked, columns: Columns) -> Ranked:
    """The item that was asked for by its id stands first, if it can be had."""
    if not named or not columns.in_stock[named[0]]:
        return ranked
    place = np.flatnonzero(ranked.rows == named[0])
    top = max(1.0, float(ranked.scores.max(initial=0.0))) + 1.0
    rows, scores = (
        np.insert(np.delete(part, place), 0, one) for part, one in ((ranked.rows, named[0]), (ranked.scores, top))
    )
    return Ranked(rows, scores, ranked.features, ranked.candidates, ranked.available + (not len(place)))


def _spread(ranked: Ranked, columns: Columns, diversity: float) -> Ranked:
    places, scores = diversify(ranked.scores, columns.family[ranked.rows], diversity, ranked.available)
    return Ranked(ranked.rows[places], scores, ranked.features, ranked.candidates, ranked.available)


def _page(
    asked: Inquiry,
    rows: np.ndarray,
    scores: np.ndarray,
    found: Found,
    columns: Columns,
    touched: dict[str, list[dict[str, Any]]] | None = None,
    ranked: Ranked | None = None,
) -> Outcome:
    page = slice(asked.offset, asked.offset + asked.limit)
    ids = [columns.ids[row] for row in rows[page].tolist()]
    return Outcome(
        [id for id in ids if id is not None],
        scores[page],
        int(np.count_nonzero(found.result)),
        found.query,
        found.relaxed,
        facets(found.result, asked.facets, columns) if asked.facets else {},
        touched or {},
        found,
        ranked,
        columns,
    )
