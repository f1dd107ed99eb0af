"""Random unit vectors and ids for the tests of the index."""

from __future__ import annotations

from typing import Any

import numpy as np

DIM = 32


def unit_vectors(n: int, seed: int = 0, dim: int = DIM) -> Any:
    """Return (n, dim) float32 of length 1, the same for one seed."""
    return normalized(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


def normalized(vectors: Any) -> Any:
    """Return each vector divided by its length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def numbered_ids(n: int, prefix: str = "p") -> list[str]:
    """Return p0, p1, …"""
    return [f"{prefix}{i}" for i in range(n)]
