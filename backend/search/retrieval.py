"""Retrieve the result of an understood query, after the filter: the set that totals, facets and pages are of.

It holds every item that has all words of the query (or any of them where none has all), the 200 nearest by meaning
above a floor, and what earlier shoppers chose for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shelfwise.catalogue.postings import Postings
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.query.understanding import Query
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.retrieved import MemoryFeatures, Retrieved

__all__ = ["MIN_COSINE", "SearchContext", "retrieve"]

_MAX_NEAREST = 200
MIN_COSINE = 0.2  # an item that is less like the query is unrelated to it


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What a search reads beside its query; `sources` may leave some of it out."""

    columns: CatalogueSnapshot
    postings: Postings
    generation: GenerationView
    sources: SourceSwitches = ALL


def retrieve(
    query: Query, eligible: np.ndarray, context: SearchContext, *, is_filtered: bool, is_nonsense: bool = False
) -> Retrieved:
    """Return what the query finds among the eligible rows.

    Args:
        query: the understood query; without terms it finds nothing
        eligible: (n_rows,) bool, the live rows that pass the filter
        context: the catalogue, its postings and the generation
        is_filtered: False says that all live rows are eligible, so that the index needs no filter
        is_nonsense: no part of the query is a word, so that an item must be nearer than items are to any nonsense
    """
    columns, generation, sources = context.columns, context.generation, context.sources
    terms = [term.match for term in query.terms]
    matches = context.postings.match(terms if sources.words else [], columns.size)
    result, relaxed = matches.all_words & eligible, None
    if not result.any():
        result = matches.any_word & eligible
        relaxed = "any word" if len(terms) > 1 and result.any() else None
    vector: np.ndarray | None = None
    near: dict[int, float] = {}
    remembered = MemoryFeatures.nothing(columns.size)
    if terms:
        if sources.meaning and (len(generation.index) or len(generation.memory.vectors)):  # else nothing is compared
            vector = generation.encoder.query(query.text)
            near = _nearest(vector, eligible, context, is_filtered)
        remembered = _recall(query.remembered_as, vector, eligible, context)
        if is_nonsense and not remembered.mass.any():
            near = {row: cosine for row, cosine in near.items() if cosine > generation.noise}
    retrieved = Retrieved(query, result, matches, remembered, vector, near, relaxed)
    return retrieved.with_rows([*near, *np.flatnonzero(remembered.mass > 0).tolist()])


def _nearest(vector: np.ndarray, eligible: np.ndarray, context: SearchContext, is_filtered: bool) -> dict[int, float]:
    """Return row → cosine of the nearest eligible items to the query's embedding (dim,)."""
    columns = context.columns
    mask = eligible if is_filtered else None
    rows, cosines = context.generation.index.nearest_rows(vector, _MAX_NEAREST, columns.row_of, mask)
    kept = (cosines >= MIN_COSINE) & (rows < columns.size)  # items added since the snapshot have a row beyond it
    kept[kept] = eligible[rows[kept]]
    return dict(zip(rows[kept].tolist(), cosines[kept].tolist(), strict=True))


def _recall(text: str, vector: np.ndarray | None, eligible: np.ndarray, context: SearchContext) -> MemoryFeatures:
    """Return what was chosen for the text, by row; only eligible rows, and only by the sources that are on."""
    columns, generation, sources = context.columns, context.generation, context.sources
    nothing = MemoryFeatures.nothing(columns.size)
    if not (sources.memory or sources.neighbours) or not generation.memory.items:
        return nothing
    recalled = generation.memory.recall(text, vector if sources.neighbours else None)
    rows = generation.remembered_rows(columns)[recalled.rows]
    is_eligible = eligible[rows]

    def by_row(values: np.ndarray) -> np.ndarray:
        table = np.zeros(columns.size, np.float32)
        table[rows[is_eligible]] = values[is_eligible]
        return table

    near = by_row(recalled.near)
    if not sources.memory:
        return replace(nothing, near=near)
    return MemoryFeatures(by_row(recalled.share), by_row(recalled.mass), near, by_row(recalled.words), recalled.total)
