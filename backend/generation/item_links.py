"""Item-item links: a sparse matrix with the strongest links of each item.

Rows are positions in the generation's own list of items. What a link means is said where it is counted.
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
        """Return the items that `row` links to and the weights, (m,) each; none for a row out of range."""
        if not 0 <= row < len(self):
            return self.indices[:0], self.weights[:0]
        part = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
        return self.indices[part], self.weights[part]

    def spread(self, rows: np.ndarray, weights: np.ndarray, size: int) -> npt.NDArray[np.float32]:
        """Return the link weights summed over the items `rows` (m,), each times its `weights` (m,), (size,) float32."""
        links, link_weights = self._links(rows, weights)
        if not len(links):
            return np.zeros(size, np.float32)
        return np.bincount(self.indices[links], link_weights * self.weights[links], minlength=size).astype(np.float32)

    def weights_to(self, row: int, others: np.ndarray) -> npt.NDArray[np.float32]:
        """Return the weight of the link from each of `others` (m,) to the item `row`, (m,) float32, 0 without one."""
        weights_to = np.zeros(len(others), np.float32)
        for position, other in enumerate(others.tolist()):
            indices, weights = self.links_of(other)
            link = np.flatnonzero(indices == row)
            if len(link):
                weights_to[position] = weights[link[0]]
        return weights_to

    def support_of(self, row: int, other: int) -> int:
        """Return how many shoppers made the link from `row` to `other`; 0 where that was not counted."""
        indices, _ = self.links_of(row)
        link = np.flatnonzero(indices == other)
        return int(self.support[self.indptr[row] + link[0]]) if len(link) and len(self.support) else 0

    def _links(self, rows: np.ndarray, weights: np.ndarray) -> tuple[Rows, np.ndarray]:
        """Return the positions of all links of `rows`, (n_links,), and the weight of the row that each belongs to."""
        known = (rows >= 0) & (rows < len(self))
        starts, ends = self.indptr[rows[known]], self.indptr[rows[known] + 1]
        sizes = ends - starts
        shifts = np.cumsum(sizes) - sizes
        links = np.arange(int(sizes.sum())) - np.repeat(shifts - starts, sizes)
        return links, np.repeat(weights[known], sizes)

    def to_arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays for `np.savez`, each under the matrix's name."""
        return {f"{name}_{part}": getattr(self, part) for part in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> ItemLinks:
        """Read what `to_arrays` returned; an empty matrix where there is none."""
        if f"{name}_indptr" not in arrays:
            return cls()
        return cls(*(arrays[f"{name}_{part}"] for part in cls.__dataclass_fields__))
