"""Which kinds there are, which one suits how many vectors, and the two ways to get an index: build and load."""

from collections.abc import Sequence
from pathlib import Path

import numpy.typing as npt

from shelfwise.index.base import VectorIndex
from shelfwise.index.flat import FlatIndex
from shelfwise.index.gpu import GpuIndex, available
from shelfwise.index.persistence import MAIN, META, IndexCorrupt, read
from shelfwise.index.quantised import IvfSq8Index, Sq8Index
from shelfwise.index.validation import pairs

KINDS: dict[str, type[VectorIndex]] = {cls.kind: cls for cls in (FlatIndex, Sq8Index, IvfSq8Index, GpuIndex)}
CEILINGS = {"flat": 50_000, "sq8": 300_000}  # the most vectors that a kind is chosen for
BEYOND = "ivfsq8"


def choose(n: int) -> str:
    """The kind for n vectors on a CPU."""
    return next((kind for kind, most in CEILINGS.items() if n <= most), BEYOND)


def build(ids: Sequence[str], vectors: npt.ArrayLike, kind: str | None = None) -> VectorIndex:
    """A new index over (n, dim) L2-normalised vectors, n >= 0; the kind is chosen by n unless it is given.

    Raises ValueError on bad input or an unknown kind."""
    names, checked = pairs(ids, vectors)
    kind = kind or choose(len(names))
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    cls = KINDS[kind]
    return cls(cls.make_segment(checked), names)


def load(folder: Path, gpu: bool | None = None) -> VectorIndex:
    """The index saved in `folder`, its main segment mapped read-only and shared between processes.

    A flat one moves to the GPU if `gpu` says so, or says nothing and FAISS sees one. Raises IndexCorrupt
    if a file is missing or wrong, and ValueError if gpu=True cannot be done."""
    saved = read(folder)
    if saved.kind not in KINDS:
        raise IndexCorrupt(f"{folder / META}: kind {saved.kind!r} is none of {', '.join(KINDS)}")
    cls = KINDS[saved.kind]
    if not isinstance(saved.main, cls.segment_type):
        raise IndexCorrupt(f"{folder / MAIN}: holds a {type(saved.main).__name__}, not the kind {saved.kind}")
    if gpu and cls is not FlatIndex:
        raise ValueError(f"gpu: the kind {saved.kind!r} stays on the CPU; build it with kind='flat'")
    if cls is FlatIndex and (available() if gpu is None else gpu):
        cls = GpuIndex
    index = cls(saved.main, saved.main_ids, saved.dead)
    if index.settings != saved.settings:
        raise IndexCorrupt(f"{folder / MAIN}: {index.settings} differs from {META}: {saved.settings}")
    if saved.delta_ids:
        index.upsert(saved.delta_ids, saved.delta)
    return index
