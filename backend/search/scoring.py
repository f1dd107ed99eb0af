"""Score what a query retrieved: the best candidates of each source are ranked, the rest follows by its words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.postings import LexicalMatches
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.index import VectorIndex
from shelfwise.search.blend import ALL, SourceSwitches, mask_sources
from shelfwise.search.features import build_features
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.personalization import ShopperTaste
from shelfwise.search.ranker import Ranker
from shelfwise.search.retrieval import Retrieved

__all__ = ["RankedHits", "score", "with_remaining"]

_LEXICAL, _REMEMBERED = 200, 50  # candidates of each source


@dataclass(frozen=True, slots=True)
class RankedHits:
    """The candidates, best first, those in stock before the others, and what each was ranked by."""

    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64
    features: np.ndarray  # (n_candidates, n_features) float32, in the order of `candidates`
    candidates: np.ndarray  # (n_candidates,) int64
    available: int  # how many of the rows, from the first, are in stock


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
    tastes = taste.features(rows) if taste is not None and sources.taste else {}
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
