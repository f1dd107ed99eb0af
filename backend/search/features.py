"""The features of each candidate of one search: the input of the blend and of the learned ranker.

The night computes them for past searches and the server for the present one, with this one function, so that the
ranker is served what it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.generation.item_counts import ItemCounts
from shelfwise.ranking.arrays import ranks
from shelfwise.search.retrieved import Retrieved

__all__ = ["NAMES", "SOURCES", "TASTES", "build_features"]

TASTES = ("taste", "own", "companion", "brand", "category", "price_fit")  # of the shopper: see personalization.py
# The source that each feature is evidence of; those of `query` are the same for all candidates.
SOURCES: Mapping[str, str] = {
    "cosine": "meaning", "cosine_gap": "meaning", "cosine_rank": "meaning", "standing": "meaning",
    "bm25": "words", "bm25_share": "words", "coverage": "words",
    "memory_share": "memory", "memory_mass": "memory", "word_share": "memory", "near_share": "neighbours",
    "popularity": "popularity", "recent": "popularity", "trend": "popularity", "age": "age",
    "price_place": "price",
    **dict.fromkeys(TASTES, "taste"),
    "query_words": "query", "query_mass": "query", "query_matches": "query",
}  # fmt: skip
NAMES = tuple(SOURCES)
_POPULARITY_WEIGHT = 0.25  # beside a cosine: a prior, where nothing else is known
_MAX_AGE_DAYS = 60.0  # also the age of an item that has none


def build_features(
    rows: np.ndarray,
    retrieved: Retrieved,
    cosines: np.ndarray,
    counts: ItemCounts,
    price: np.ndarray,
    tastes: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return a row for each candidate and a column for each of NAMES, (n, n_features) float32 without NaN.

    Args:
        rows: (n,) the candidates
        retrieved: the matching words, and what was chosen for the query, by row of the catalogue
        cosines: (n,) of each candidate with the query
        counts: popularity and age by row of the catalogue
        price: by row of the catalogue, (n_rows,) in major currency units, NaN where unknown
        tastes: those of TASTES that are known, (n,) each; the others are 0
    """
    matches, remembered = retrieved.matches, retrieved.remembered
    bm25, popularity, recent = matches.bm25[rows], counts.popularity[rows], counts.recent[rows]
    standing = cosines + _POPULARITY_WEIGHT * popularity
    columns = {
        "cosine": cosines,
        "cosine_gap": cosines - cosines.max(initial=-1.0),
        "cosine_rank": np.log1p(ranks(cosines)),
        "standing": standing - standing.max(initial=-1.0),
        "bm25": bm25,
        "bm25_share": bm25 / (bm25.max(initial=0.0) or 1.0),
        "coverage": matches.coverage[rows],
        "memory_share": remembered.share[rows],
        "memory_mass": np.log1p(remembered.mass[rows]),
        "word_share": remembered.words[rows],
        "near_share": remembered.near[rows],
        "popularity": popularity,
        "recent": recent,
        "trend": recent - popularity,
        "age": np.fmin(counts.age[rows], _MAX_AGE_DAYS),
        "price_place": _price_positions(price[rows]),
        **{name: tastes.get(name, 0.0) for name in TASTES},
        "query_words": len(retrieved.query.terms),
        "query_mass": np.log1p(remembered.total),
        "query_matches": np.log1p(np.count_nonzero(matches.bm25 != 0)),
    }
    features = np.empty((len(rows), len(NAMES)), np.float32)
    for number, name in enumerate(NAMES):
        features[:, number] = columns[name]
    return features


def _price_positions(prices: np.ndarray) -> np.ndarray:
    """Return where each price stands among the candidates', 0 the lowest and 1 the highest; 0.5 without a price."""
    positions = np.full(len(prices), 0.5, np.float32)
    known = np.flatnonzero(~np.isnan(prices))
    if len(known) > 1:
        positions[known] = 1 - ranks(prices[known]) / (len(known) - 1)
    return positions
