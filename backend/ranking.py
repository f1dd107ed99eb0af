"""Search v1: lexical and semantic candidates, one linear blend over them. No SQL and no HTTP here.

The weights were measured on three real shops (docs/measurements.md): lexical evidence is worth a fifth of a cosine,
which loses nothing where the encoder has learned and rescues it where it has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.index import VectorIndex
from shelfwise.statistics import Statistics, decay
from shelfwise.store import Event

__all__ = ["DEFAULT", "Blend", "Scored", "blend", "taste"]

_TASTE_ITEMS = 20
_TASTE_HALF_LIFE_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Blend:
    """Weights of the sources. A source with weight 0 also brings no candidates."""

    semantic: float = 1.0  # cosine of query and item, -1..1
    lexical: float = 0.2  # BM25 over the best BM25 of this query, 0..1
    popularity: float = 0.25  # decayed, logarithmic, 0..1
    taste: float = 0.1  # cosine of the item and the shopper's recent items


DEFAULT = Blend()


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates, those in stock first, best first."""

    ids: list[str]
    scores: np.ndarray  # (n,) float64
    available: int  # how many of them, from the first, are in stock

    def then(self, deeper: Scored) -> Scored:
        """These, followed by what only the deeper look found; those out of stock still last."""
        known = set(self.ids)
        rows = [row for row, id in enumerate(deeper.ids) if id not in known]
        new = [row for row in rows if row < deeper.available]
        gone = [row for row in rows if row >= deeper.available]
        ids = [*self.ids[: self.available], *(deeper.ids[row] for row in new), *self.ids[self.available :]]
        scores = [*self.scores[: self.available], *deeper.scores[new], *self.scores[self.available :]]
        return Scored(
            ids + [deeper.ids[row] for row in gone],
            np.array([*scores, *deeper.scores[gone]]),
            self.available + len(new),
        )


def blend(
    weights: Blend,
    lexical: Sequence[tuple[str, float]],
    semantic: Sequence[tuple[str, float]],
    *,
    query_vector: np.ndarray | None,
    taste_vector: np.ndarray | None,
    index: VectorIndex | None,
    popularity: Statistics,
    in_stock: dict[str, bool],
) -> Scored:
    """Score the union of the candidates; those absent from `in_stock` are gone, those out of stock come last."""
    ids = [id for id in dict.fromkeys([*(id for id, _ in lexical), *(id for id, _ in semantic)]) if id in in_stock]
    if not ids:
        return Scored([], np.zeros(0), 0)
    best = max((score for _, score in lexical), default=0.0) or 1.0
    bm25 = dict(lexical)
    matched = np.array([bm25.get(id, 0.0) / best for id in ids])
    scores = weights.lexical * matched
    scores += weights.popularity * np.array([popularity.popularity.get(id, 0.0) for id in ids])
    if index is not None and query_vector is not None:
        similar = cosines(index, ids, query_vector, missing=np.nan)
        # Until its vector is made, an item is taken to be as near as its words match.
        nearest = np.nanmax(similar, initial=0.0)
        scores += weights.semantic * np.where(np.isnan(similar), matched * nearest, similar)
        if taste_vector is not None:
            scores += cosines(index, ids, weights.taste * taste_vector)
    stock = np.array([in_stock[id] for id in ids])
    order = np.lexsort((np.arange(len(ids)), -scores, ~stock))  # the last key is the first to sort by
    return Scored([ids[row] for row in order], scores[order], int(stock.sum()))


def cosines(index: VectorIndex, ids: list[str], vector: np.ndarray, missing: float = 0.0) -> np.ndarray:
    """The inner product of each item with the vector, `missing` for items without a vector, (n,) float64."""
    known, vectors = index.vectors(ids)
    products = dict(zip(known, vectors @ vector, strict=True))
    return np.array([products.get(id, missing) for id in ids])


def taste(index: VectorIndex, events: Sequence[Event], now: float) -> np.ndarray | None:
    """The unit vector of what the shopper looked at lately, newest events first; None without any. (dim,) float32"""
    weights: dict[str, float] = {}
    for event in events:
        if event.type != "dismiss":
            weights[event.item] = weights.get(event.item, 0.0) + decay(now - event.ts, _TASTE_HALF_LIFE_DAYS)
        if len(weights) == _TASTE_ITEMS:
            break
    known, vectors = index.vectors(weights)
    if not known:
        return None
    total = np.array([weights[id] for id in known], dtype=np.float32) @ vectors  # (dim,)
    norm = float(np.linalg.norm(total))
    return total / norm if norm > 0 else None
