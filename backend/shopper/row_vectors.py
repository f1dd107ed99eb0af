"""The vectors of an index by row of the catalogue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.index import VectorIndex

__all__ = ["row_vectors"]


def row_vectors(
    index: VectorIndex, columns: CatalogueSnapshot, rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return which of `rows` (n,) have a vector, as ascending positions (m,), and their vectors (m, dim) float32."""
    ids = [columns.ids[row] or "" for row in rows.tolist()]
    indexed, vectors = index.vectors(ids)
    known = set(indexed)
    return np.array([position for position, id in enumerate(ids) if id in known], np.int64), vectors
