"""What may enter the index: every id and vector passes here before anything is changed.
Each refusal is a ValueError that names the input and the reason."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def matrix(values: npt.ArrayLike, dim: int | None = None, name: str = "vectors") -> Floats:
    """`values` as a contiguous (n, dim) float32 array, copied only if it is not one already."""
    vectors = np.ascontiguousarray(values, dtype=np.float32)  # (n, dim) float32
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ValueError(f"{name}: expected shape (n, dim), got {np.shape(values)}")
    if dim is not None and vectors.shape[1] != dim:
        raise ValueError(f"{name}: dimension {vectors.shape[1]}, but this index has {dim}")
    # min and max carry a NaN along and need no (n, dim) temporary
    if vectors.size and not (np.isfinite(vectors.min()) and np.isfinite(vectors.max())):
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise ValueError(f"{name}: row {row} holds NaN or infinity")
    return vectors


def unique(ids: Sequence[str]) -> list[str]:
    """`ids` as a list, each a string and none twice."""
    seen: set[Any] = set()
    for item in ids:
        if not isinstance(item, str):
            raise ValueError(f"ids: {item!r} is not a string")
        if item in seen:
            raise ValueError(f"ids: {item!r} appears twice in one call")
        seen.add(item)
    return list(ids)


def pairs(ids: Sequence[str], values: npt.ArrayLike, dim: int | None = None) -> tuple[list[str], Floats]:
    """Ids and their vectors, checked alone and against each other."""
    names, vectors = unique(ids), matrix(values, dim)
    if len(names) != len(vectors):
        raise ValueError(f"{len(names)} ids, but {len(vectors)} vectors")
    return names, vectors
