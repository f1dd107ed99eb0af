"""What is known of each candidate of one search, as numbers: the input of the blend and of the learned ranker.

The night computes them for past searches and the door for the present one, with this one function, so that the ranker
is served what it was trained on. No SQL here; a row is an item's pk, as in `columns.Columns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.postings import LexicalMatches
from shelfwise.generation.item_counts import ItemCounts

__all__ = ["NAMES", "SOURCES", "TASTES", "MemoryFeatures", "build_features"]

TASTES = (
    "taste",
    "own",
    "companion",
    "brand",
    "category",
    "price_fit",
)  # how a candidate suits the shopper; see affinities.py
# Which source a feature is evidence of; those of `query` say something of the question, the same for all candidates.
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
_PRIOR = 0.25  # of popularity beside a cosine, when nothing else is known
_OLDEST = 60.0  # days; what is older is old


@dataclass(frozen=True, slots=True)
class MemoryFeatures:
    """What earlier shoppers chose for this query, by row of the catalogue, each (n_rows,) float32."""

    share: np.ndarray  # of the choices for this very query, 0..1
    mass: np.ndarray  # decayed choices
    near: np.ndarray  # the share over the nearest queries, 0..1
    words: np.ndarray  # the share over its words, 0..1
    total: float

    @classmethod
    def nothing(cls, rows: int) -> MemoryFeatures:
        """For no row anything; not to be written to."""
        none = np.zeros(rows, np.float32)
        return cls(none, none, none, none, 0.0)


def build_features(
    rows: np.ndarray,
    cosine: np.ndarray,
    matches: LexicalMatches,
    remembered: MemoryFeatures,
    counts: ItemCounts,
    price: np.ndarray,
    tastes: Mapping[str, np.ndarray],
    words: int,
) -> np.ndarray:
    """One row for each candidate, one column for each of NAMES; (n, n_features) float32 without nan.

    `rows` (n,) are the candidates, `cosine` (n,) and each of `tastes` (n,) are theirs; `price` is by row of the
    catalogue, (n_rows,), nan where there is none.
    """
    standing = cosine + _PRIOR * counts.popularity[rows]
    bm25, popularity, recent = matches.bm25[rows], counts.popularity[rows], counts.recent[rows]
    columns = {
        "cosine": cosine,
        "cosine_gap": cosine - cosine.max(initial=-1.0),
        "cosine_rank": np.log1p(_ranks(cosine)),
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
        "age": np.fmin(counts.age[rows], _OLDEST),
        "price_place": _places(price[rows]),
        **{name: tastes.get(name, 0.0) for name in TASTES},
        "query_words": words,
        "query_mass": np.log1p(remembered.total),
        "query_matches": np.log1p(np.count_nonzero(matches.bm25 != 0)),
    }
    made = np.empty((len(rows), len(NAMES)), np.float32)
    for number, name in enumerate(NAMES):
        made[:, number] = columns[name]
    return made


def _ranks(values: np.ndarray) -> np.ndarray:
    """0 for the greatest, and so on; (n,) int64."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranks


def _places(price: np.ndarray) -> np.ndarray:
    """Where each price stands among the candidates', 0 the lowest and 1 the highest; 0.5 without a price."""
    places = np.full(len(price), 0.5, np.float32)
    known = np.flatnonzero(~np.isnan(price))
    if len(known) > 1:
        places[known] = 1 - _ranks(price[known]) / (len(known) - 1)
    return places
