"""One search, from the understood query to the order of its hits: which items it finds, and which comes first.

The result of a query is every item that has all its words (or any of them where none has all), the 200 nearest by
meaning above a floor, and what earlier shoppers chose for it; all after the filter. Totals, facets, sorting and paging
speak of that set. The best candidates of each source are ranked; the rest follows by its words. A row is an item's pk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from shelfwise.catalogue.postings import LexicalMatches, PostingsCache
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.index import VectorIndex
from shelfwise.query.understanding import Query
from shelfwise.search.blend import ALL, SourceSwitches, mask_sources
from shelfwise.search.features import ItemCounts, MemoryFeatures, build_features
from shelfwise.search.personalization import ShopperTaste
from shelfwise.search.ranker import Ranker

__all__ = ["FLOOR", "GenerationView", "RankedHits", "Retrieved", "retrieve", "score", "with_remaining"]

_LEXICAL, _NEAREST, _REMEMBERED = 200, 200, 50
FLOOR = 0.2  # cosine; what is less like the query has nothing to do with it


class _Encoder(Protocol):
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
    def noise(self) -> float:
        """The cosine that the nearest item of a query without any meaning seldom exceeds."""
        ...

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """The catalogue's row of each of `memory.items`, 0 for one that is gone, (n,) int64."""
        ...

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts: ...


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What a query finds: `result` (n_rows,) bool is the whole set, the rest is what its ranking needs."""

    query: Query
    result: np.ndarray
    matches: LexicalMatches
    remembered: MemoryFeatures
    vector: np.ndarray | None  # (dim,) of the query
    near: dict[int, float]  # row → cosine of the nearest
    relaxed: str | None


@dataclass(frozen=True, slots=True)
class RankedHits:
    """The candidates, best first, those in stock before the others, and what each was ranked by."""

    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64
    features: np.ndarray  # (n_candidates, n_features) float32, in the order of `candidates`
    candidates: np.ndarray  # (n_candidates,) int64
    available: int  # how many of the rows, from the first, are in stock


def retrieve(
    query: Query,
    eligible: np.ndarray,
    columns: CatalogueSnapshot,
    postings: PostingsCache,
    generation: GenerationView | None,
    sources: SourceSwitches,
    *,
    is_filtered: bool,
    nonsense: bool = False,
) -> Retrieved:
    """What the query finds among the `eligible` rows, (n_rows,) bool; `narrowed`: not all live items are.

    `nonsense`: no part of the query is a word, so that what is no nearer than to any nonsense is no hit.
    """
    terms = [term.match for term in query.terms]
    matches = postings.match(terms if sources.words else [], columns.size)
    result, relaxed = matches.all_words & eligible, None
    if not result.any():
        result = matches.any_word & eligible
        relaxed = "any word" if len(terms) > 1 and result.any() else None
    vector: np.ndarray | None = None
    near: dict[int, float] = {}
    remembered = MemoryFeatures.nothing(columns.size)
    if generation is not None and terms:
        if sources.meaning:
            vector = generation.encoder.query(query.text)
            near = _nearest(vector, generation, columns, eligible, is_filtered)
        remembered = _recall(query.remembered_as, vector, generation, columns, eligible, sources)
        if nonsense and not remembered.mass.any():
            near = {row: cosine for row, cosine in near.items() if cosine > generation.noise}
    result = result.copy()
    result[list(near)] = True
    result[remembered.mass > 0] = True
    return Retrieved(query, result, matches, remembered, vector, near, relaxed)


def score(
    retrieved: Retrieved,
    columns: CatalogueSnapshot,
    counts: ItemCounts,
    generation: GenerationView | None,
    taste: ShopperTaste | None,
    sources: SourceSwitches,
) -> RankedHits:
    """The best candidates of each source in their order."""
    rows = _candidates(retrieved)
    index = generation.index if generation is not None else None
    tastes = taste.of(rows, columns, index) if taste is not None and sources.taste else {}
    cosine = _cosines(retrieved, rows, columns, index)
    words = len(retrieved.query.terms)
    made = build_features(rows, cosine, retrieved.matches, retrieved.remembered, counts, columns.price, tastes, words)
    if sources != ALL:
        made = mask_sources(made, sources.left_out())
    ranker = generation.ranker if generation is not None and sources.ranker else _BLEND
    scores = ranker.scores(made)
    stock = columns.in_stock[rows]
    order = np.lexsort((rows, -scores, ~stock))  # the last key is the first to sort by
    return RankedHits(rows[order], scores[order], made, rows, int(stock.sum()))


_BLEND = Ranker()


def with_remaining(retrieved: Retrieved, ranked: RankedHits, columns: CatalogueSnapshot) -> RankedHits:
    """The whole result: what was no candidate follows by its words; what is out of stock still comes last."""
    rest = retrieved.result.copy()
    rest[ranked.rows] = False
    rows = np.flatnonzero(rest)
    rows = rows[np.lexsort((rows, -_closeness(retrieved.matches, rows), ~columns.in_stock[rows]))]
    more, split = int(columns.in_stock[rows].sum()), ranked.available
    floor = float(ranked.scores.min()) if len(ranked.scores) else 0.0
    scores = np.full(len(rows), floor)
    return RankedHits(
        np.concatenate([ranked.rows[:split], rows[:more], ranked.rows[split:], rows[more:]]),
        np.concatenate([ranked.scores[:split], scores[:more], ranked.scores[split:], scores[more:]]),
        ranked.features,
        ranked.candidates,
        split + more,
    )


def _nearest(
    vector: np.ndarray, generation: GenerationView, columns: CatalogueSnapshot, eligible: np.ndarray, is_filtered: bool
) -> dict[int, float]:
    among = eligible if is_filtered else None
    rows, cosines = generation.index.nearest_rows(vector, _NEAREST, columns.row_of, among)
    known = (cosines >= FLOOR) & (rows < columns.size)  # what came since the columns were read has a row beyond them
    known[known] = eligible[rows[known]]
    return dict(zip(rows[known].tolist(), cosines[known].tolist(), strict=True))


def _recall(
    text: str,
    vector: np.ndarray | None,
    generation: GenerationView,
    columns: CatalogueSnapshot,
    eligible: np.ndarray,
    sources: SourceSwitches,
) -> MemoryFeatures:
    if not (sources.memory or sources.neighbours) or not generation.memory.items:
        return MemoryFeatures.nothing(columns.size)
    recall = generation.memory.recall(text, vector if sources.neighbours else None)
    rows = generation.remembered_rows(columns)[recall.rows]
    fits = eligible[rows]

    def by_row(values: np.ndarray) -> np.ndarray:
        table = np.zeros(columns.size, np.float32)
        table[rows[fits]] = values[fits]
        return table

    near = by_row(recall.near)
    if not sources.memory:
        return replace(MemoryFeatures.nothing(columns.size), near=near)
    return MemoryFeatures(by_row(recall.share), by_row(recall.mass), near, by_row(recall.words), recall.total)


def _candidates(retrieved: Retrieved) -> np.ndarray:
    """The best of each source, each once, (n,) int64 ascending."""
    words = _best_lexical(np.flatnonzero(retrieved.result & retrieved.matches.any_word), retrieved.matches)
    known = np.flatnonzero(retrieved.remembered.mass > 0)
    if len(known) > _REMEMBERED:
        known = known[np.argpartition(-retrieved.remembered.mass[known], _REMEMBERED)[:_REMEMBERED]]
    best = np.zeros(len(retrieved.result), np.bool_)
    best[words] = best[known] = best[list(retrieved.near)] = True
    return np.flatnonzero(best)


def _best_lexical(rows: np.ndarray, matches: LexicalMatches) -> np.ndarray:
    if len(rows) <= _LEXICAL:
        return rows
    return rows[np.argpartition(-_closeness(matches, rows), _LEXICAL)[:_LEXICAL]]


def _closeness(matches: LexicalMatches, rows: np.ndarray) -> np.ndarray:
    """How well rows match by their words alone: by the share of the words first, then by BM25, (n,) float64."""
    closeness: np.ndarray = matches.bm25[rows] + 1_000.0 * matches.coverage[rows]
    return closeness


def _cosines(
    retrieved: Retrieved, rows: np.ndarray, columns: CatalogueSnapshot, index: VectorIndex | None
) -> np.ndarray:
    """The cosine of each candidate, (n,) float32; until its vector is made, an item is as near as its words match."""
    if index is None or retrieved.vector is None:
        return np.zeros(len(rows), np.float32)
    table = np.full(columns.size, np.nan, np.float32)
    table[list(retrieved.near)] = list(retrieved.near.values())
    asked = {id: row for row in rows[np.isnan(table[rows])].tolist() if (id := columns.ids[row]) is not None}
    known, vectors = index.vectors(asked)
    table[[asked[id] for id in known]] = vectors @ retrieved.vector
    similar: np.ndarray = table[rows]
    missing = np.isnan(similar)
    if missing.any():
        bm25 = retrieved.matches.bm25[rows]
        nearest = np.float32(0) if missing.all() else np.nanmax(similar)
        similar = np.where(missing, bm25 / (bm25.max() or 1.0) * nearest, similar)
    return similar
