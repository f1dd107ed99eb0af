"""The kinds of index, which one suits how many vectors, and the two ways to get one: build and load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy.typing as npt

from shelfwise.index.base import VectorIndex
from shelfwise.index.flat import FlatIndex
from shelfwise.index.gpu import GpuIndex, gpu_available
from shelfwise.index.persistence import MAIN, META, IndexCorrupt, read
from shelfwise.index.quantised import IvfSq8Index, Sq8Index
from shelfwise.index.validation import validate_pairs

__all__ = ["KINDS", "build", "choose_kind", "load"]

KINDS: dict[str, type[VectorIndex]] = {cls.kind: cls for cls in (FlatIndex, Sq8Index, IvfSq8Index, GpuIndex)}
_MAX_VECTORS = {"flat": 50_000, "sq8": 300_000}  # for which a kind is chosen
_LARGEST_KIND = "ivfsq8"


def choose_kind(n: int) -> str:
    """Return the kind for n vectors on a CPU."""
    return next((kind for kind, limit in _MAX_VECTORS.items() if n <= limit), _LARGEST_KIND)


def build(ids: Sequence[str], vectors: npt.ArrayLike, kind: str | None = None) -> VectorIndex:
    """Build an index over (n, dim) L2-normalised vectors, n >= 0; without a `kind` n chooses it.

    Raises ValueError on bad input or an unknown kind.
    """
    checked_ids, checked_vectors = validate_pairs(ids, vectors)
    kind = kind or choose_kind(len(checked_ids))
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    cls = KINDS[kind]
    return cls(cls.make_segment(checked_vectors), checked_ids)


def load(folder: Path, gpu: bool | None = None) -> VectorIndex:
    """Load the index saved in `folder`, its main segment mapped read-only and shared between processes.

    A flat one moves to the GPU where `gpu` is True, or None and FAISS sees one. Raises IndexCorrupt if a file is
    missing or wrong, and ValueError if gpu=True cannot be done.
    """
    saved = read(folder)
    if saved.kind not in KINDS:
        raise IndexCorrupt(f"{folder / META}: kind: expected one of {', '.join(KINDS)}, got {saved.kind!r}")
    cls = KINDS[saved.kind]
    if not isinstance(saved.main, cls.segment_type):
        raise IndexCorrupt(f"{folder / MAIN}: expected the kind {saved.kind}, got a {type(saved.main).__name__}")
    if gpu and cls is not FlatIndex:
        raise ValueError(f"gpu: expected the kind 'flat', got {saved.kind!r}; build it with kind='flat'")
    if cls is FlatIndex and (gpu_available() if gpu is None else gpu):
        cls = GpuIndex
    index = cls(saved.main, saved.main_ids, saved.dead)
    if index.settings != saved.settings:
        raise IndexCorrupt(f"{folder / MAIN}: expected {saved.settings} as in {META}, got {index.settings}")
    if saved.delta_ids:
        index.upsert(saved.delta_ids, saved.delta)
    return index
