"""Score what a query retrieved: the best candidates of each source by the ranker, the rest by its words alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.ranking.arrays import top_k
from shelfwise.search.blend import ALL, mask_sources
from shelfwise.search.features import build_features
from shelfwise.search.personalization import ShopperTaste
from shelfwise.search.ranker import Ranker
from shelfwise.search.retrieval import SearchContext
from shelfwise.search.retrieved import Retrieved

__all__ = ["RankedHits", "ScoringTrace", "score", "with_remaining"]

_MAX_LEXICAL, _MAX_REMEMBERED = 200, 50  # candidates of each source
_BLEND = Ranker()


@dataclass(frozen=True, slots=True)
class RankedHits:
    """Hits, best first, those in stock before the others."""

    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64
    available: int  # how many of the rows, from the first, are in stock


@dataclass(frozen=True, slots=True)
class ScoringTrace:
    """What the candidates were scored by."""

    candidates: np.ndarray  # (n_candidates,) int64 rows, ascending
    features: np.ndarray  # (n_candidates, n_features) float32


def score(
    retrieved: Retrieved, counts: ItemCounts, taste: ShopperTaste | None, context: SearchContext
) -> tuple[RankedHits, ScoringTrace]:
    """Return the best candidates of each source in their order, and what they were scored by."""
    columns, sources = context.columns, context.sources
    rows = _candidates(retrieved)
    tastes = taste.features(rows) if taste is not None and sources.taste else {}
    cosines = _cosines(retrieved, rows, context)
    features = build_features(rows, retrieved, cosines, counts, columns.price, tastes)
    if sources != ALL:
        features = mask_sources(features, sources.left_out())
    ranker = context.generation.ranker if sources.ranker else _BLEND
    scores = ranker.scores(features)
    in_stock = columns.in_stock[rows]
    order = np.lexsort((rows, -scores, ~in_stock))  # the last key is the first to sort by
    return RankedHits(rows[order], scores[order], int(in_stock.sum())), ScoringTrace(rows, features)


def with_remaining(retrieved: Retrieved, ranked: RankedHits, columns: CatalogueSnapshot) -> RankedHits:
    """Return the whole result: the ranked hits, then the rest by its words; what is out of stock still comes last."""
    is_rest = retrieved.result.copy()
    is_rest[ranked.rows] = False
    rest = np.flatnonzero(is_rest)
    rest = rest[np.lexsort((rest, -_closeness(retrieved, rest), ~columns.in_stock[rest]))]
    n_stocked, split = int(columns.in_stock[rest].sum()), ranked.available
    scores = np.full(len(rest), ranked.scores.min() if len(ranked.scores) else 0.0)
    return RankedHits(
        np.concatenate([ranked.rows[:split], rest[:n_stocked], ranked.rows[split:], rest[n_stocked:]]),
        np.concatenate([ranked.scores[:split], scores[:n_stocked], ranked.scores[split:], scores[n_stocked:]]),
        split + n_stocked,
    )


def _candidates(retrieved: Retrieved) -> np.ndarray:
    """Return the rows of the best of each source, each once, (n,) int64 ascending."""
    lexical = np.flatnonzero(retrieved.result & retrieved.matches.any_word)
    lexical = lexical[top_k(_closeness(retrieved, lexical), _MAX_LEXICAL)]
    mass = retrieved.remembered.mass
    remembered = np.flatnonzero(mass > 0)
    remembered = remembered[top_k(mass[remembered], _MAX_REMEMBERED)]
    is_candidate = np.zeros(len(retrieved.result), np.bool_)
    is_candidate[lexical] = is_candidate[remembered] = is_candidate[list(retrieved.near)] = True
    return np.flatnonzero(is_candidate)


def _closeness(retrieved: Retrieved, rows: np.ndarray) -> np.ndarray:
    """Return how well rows match by their words: by the share of the words first, then by BM25, (n,) float64."""
    closeness: np.ndarray = retrieved.matches.bm25[rows] + 1_000.0 * retrieved.matches.coverage[rows]
    return closeness


def _cosines(retrieved: Retrieved, rows: np.ndarray, context: SearchContext) -> np.ndarray:
    """Return the cosine of each candidate with the query, (n,).

    An item whose vector is not made yet gets the cosine of the nearest, in proportion to its BM25.
    """
    if retrieved.vector is None:
        return np.zeros(len(rows), np.float32)
    columns = context.columns
    table = np.full(columns.size, np.nan, np.float32)
    table[list(retrieved.near)] = list(retrieved.near.values())
    row_of = {id: row for row in rows[np.isnan(table[rows])].tolist() if (id := columns.ids[row]) is not None}
    ids, vectors = context.generation.index.vectors(row_of)
    table[[row_of[id] for id in ids]] = vectors @ retrieved.vector
    cosines: np.ndarray = table[rows]
    missing = np.isnan(cosines)
    if missing.any():
        bm25 = retrieved.matches.bm25[rows]
        nearest = np.float32(0) if missing.all() else np.nanmax(cosines)
        cosines = np.where(missing, bm25 / (bm25.max() or 1.0) * nearest, cosines)
    return cosines
