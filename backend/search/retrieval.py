"""One search, from the understood query to the order of its hits: which items it finds, and which comes first.

The result of a query is every item that has all its words (or any of them where none has all), the 200 nearest by
meaning above a floor, and what earlier shoppers chose for it; all after the filter. Totals, facets, sorting and paging
speak of that set. The best candidates of each source are ranked; the rest follows by its words. A row is an item's pk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shelfwise.catalogue.postings import LexicalMatches, PostingsCache
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.query.understanding import Query
from shelfwise.search.blend import SourceSwitches
from shelfwise.search.features import MemoryFeatures
from shelfwise.search.generation_view import GenerationView

__all__ = ["FLOOR", "Retrieved", "retrieve"]

_LEXICAL, _NEAREST, _REMEMBERED = 200, 200, 50
FLOOR = 0.2  # cosine; what is less like the query has nothing to do with it


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
