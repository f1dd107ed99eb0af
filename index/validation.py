"""Validation of ids and vectors: all of them pass here before an index changes anything.

Each error is a ValueError that names the input, what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Mask", "Rows", "validate_ids", "validate_pairs", "validate_vectors"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def validate_vectors(values: npt.ArrayLike, dim: int | None = None, name: str = "vectors") -> Floats:
    """Return `values` as a contiguous (n, dim) float32 array, copied only if it is not one already.

    Raises ValueError, which begins with `name`, for another shape or dimension and for numbers that are not finite.
    """
    vectors = np.ascontiguousarray(values, dtype=np.float32)  # (n, dim) float32
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ValueError(f"{name}: expected shape (n, dim), got {np.shape(values)}")
    if dim is not None and vectors.shape[1] != dim:
        raise ValueError(f"{name}: expected dimension {dim}, got {vectors.shape[1]}")
    # min and max carry a NaN along and need no (n, dim) temporary
    if vectors.size and not (np.isfinite(vectors.min()) and np.isfinite(vectors.max())):
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity in row {row}")
    return vectors


def validate_ids(ids: Sequence[str]) -> list[str]:
    """Return `ids` as a list. Raises ValueError unless each is a string and none comes twice."""
    known: set[Any] = set()
    for item in ids:
        if not isinstance(item, str):
            raise ValueError(f"ids: expected strings, got {item!r}")
        if item in known:
            raise ValueError(f"ids: expected each id once, got {item!r} twice")
        known.add(item)
    return list(ids)


def validate_pairs(ids: Sequence[str], values: npt.ArrayLike, dim: int | None = None) -> tuple[list[str], Floats]:
    """Return ids and their (n, dim) vectors, each validated and of equal number. Raises ValueError."""
    checked_ids, vectors = validate_ids(ids), validate_vectors(values, dim)
    if len(checked_ids) != len(vectors):
        raise ValueError(f"vectors: expected {len(checked_ids)}, one an id, got {len(vectors)}")
    return checked_ids, vectors
