"""Which items lead to which: a sparse item-item matrix as a generation holds it, the strongest links of each item.

Rows are places in the generation's own list of items. What a link means is the counting's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ItemLinks"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ItemLinks:
    """A matrix in CSR form, the links of each item strongest first; `support` is how many shoppers made each link."""

    indptr: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))  # (n_items + 1,)
    indices: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_links,)
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))  # (n_links,)
    support: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_links,), or empty: not counted

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def links_of(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """The items that this one leads to and how strongly, (m,) each; of an item it doesn't know, none."""
        if not 0 <= row < len(self):
            return self.indices[:0], self.weights[:0]
        part = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
        return self.indices[part], self.weights[part]

    def spread(self, rows: np.ndarray, weights: np.ndarray, size: int) -> npt.NDArray[np.float32]:
        """Where the items `rows` (m,) lead together, each counting `weights` (m,), (size,) float32."""
        places, spread = self._links(rows, weights)
        if not len(places):
            return np.zeros(size, np.float32)
        return np.bincount(self.indices[places], spread * self.weights[places], minlength=size).astype(np.float32)

    def weights_to(self, row: int, others: np.ndarray) -> npt.NDArray[np.float32]:
        """How strongly each of `others` (m,) leads to the item `row`, (m,) float32."""
        found = np.zeros(len(others), np.float32)
        for position, other in enumerate(others.tolist()):
            indices, weights = self.links_of(other)
            hit = np.flatnonzero(indices == row)
            if len(hit):
                found[position] = weights[hit[0]]
        return found

    def support_of(self, row: int, other: int) -> int:
        """How many shoppers made the link from `row` to `other`; 0 where that was not counted."""
        indices, _ = self.links_of(row)
        hit = np.flatnonzero(indices == other)
        return int(self.support[self.indptr[row] + hit[0]]) if len(hit) and len(self.support) else 0

    def _links(self, rows: np.ndarray, weights: np.ndarray) -> tuple[Rows, np.ndarray]:
        """The places of all links of `rows`, (n,), and the weight of the row that each belongs to."""
        known = (rows >= 0) & (rows < len(self))
        starts, ends = self.indptr[rows[known]], self.indptr[rows[known] + 1]
        sizes = ends - starts
        shifts = np.cumsum(sizes) - sizes
        places = np.arange(int(sizes.sum())) - np.repeat(shifts - starts, sizes)
        return places, np.repeat(weights[known], sizes)

    def to_arrays(self, name: str) -> dict[str, np.ndarray]:
        """For `np.savez`, each array under the matrix's name."""
        return {f"{name}_{part}": getattr(self, part) for part in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> ItemLinks:
        """What `to_arrays` gave; an empty matrix where there is none."""
        if f"{name}_indptr" not in arrays:
            return cls()
        return cls(*(arrays[f"{name}_{part}"] for part in cls.__dataclass_fields__))
