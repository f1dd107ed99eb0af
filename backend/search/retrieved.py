"""What a query retrieved: the result as a set of rows, and the evidence that its candidates are scored by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shelfwise.catalogue.postings import LexicalMatches
from shelfwise.query.understanding import Query

__all__ = ["MemoryFeatures", "Retrieved"]


@dataclass(frozen=True, slots=True)
class MemoryFeatures:
    """What earlier shoppers chose for a query, by row of the catalogue, each (n_rows,) float32."""

    share: np.ndarray  # of the choices for this very query, 0..1
    mass: np.ndarray  # decayed choices
    near: np.ndarray  # the share over the nearest queries, 0..1
    words: np.ndarray  # the share over its words, 0..1
    total: float

    @classmethod
    def nothing(cls, rows: int) -> MemoryFeatures:
        """Return zeros for every row: one array, not to be written to."""
        none = np.zeros(rows, np.float32)
        return cls(none, none, none, none, 0.0)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits of a query before they are scored; a row is an item's pk."""

    query: Query
    result: np.ndarray  # (n_rows,) bool, the whole result
    matches: LexicalMatches
    remembered: MemoryFeatures
    vector: np.ndarray | None  # (dim,) embedding of the query
    near: dict[int, float]  # row → cosine of the nearest items
    relaxed: str | None  # "any word" where no item has all of them

    def with_rows(self, rows: Sequence[int]) -> Retrieved:
        """Return a copy whose result holds these rows too."""
        if not len(rows):
            return self
        result = self.result.copy()
        result[rows] = True
        return replace(self, result=result)
