"""An index as a folder of files, written and read back with every count compared.

Plain writes: syncing, renaming and hashing are the publisher's work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from shelfwise.index.validation import Floats, Mask, validate_ids, validate_vectors

__all__ = ["DELTA", "FORMAT", "IDS", "MAIN", "META", "TOMBSTONES", "IndexCorrupt", "IndexFiles", "read", "write"]

FORMAT = 1
META, IDS, MAIN, DELTA, TOMBSTONES = "meta.json", "ids.json", "main.faiss", "delta.npy", "tombstones.npy"


class IndexCorrupt(Exception):
    """A saved index is missing, damaged, inconsistent or of a newer format; the message names the file."""


@dataclass(frozen=True)
class IndexFiles:
    """The contents of the files."""

    kind: str
    settings: dict[str, int]  # what the kind chose at build time
    main: Any  # a FAISS index of (n_main, dim)
    main_ids: list[str]
    dead: Mask  # (n_main,) bool
    delta_ids: list[str]
    delta: Floats  # (n_delta, dim) float32


def write(folder: Path, saved: IndexFiles) -> None:
    """Write the files, the meta last. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (META, IDS, MAIN, DELTA, TOMBSTONES):
        # a process that maps the old file keeps it; truncating it in place would kill that process
        (folder / name).unlink(missing_ok=True)
    try:
        faiss.write_index(saved.main, str(folder / MAIN))
    except RuntimeError as error:
        raise OSError(f"{folder / MAIN}: expected a writable file, got {error}") from error
    (folder / IDS).write_text(json.dumps({"main": saved.main_ids, "delta": saved.delta_ids}))
    if len(saved.delta):
        np.save(folder / DELTA, saved.delta)
    if saved.dead.any():
        np.save(folder / TOMBSTONES, saved.dead)
    meta = {
        "format": FORMAT,
        "kind": saved.kind,
        "dim": saved.main.d,
        "main": saved.main.ntotal,
        "main_bytes": (folder / MAIN).stat().st_size,  # FAISS does not notice that an IVF file lost its end
        "delta": len(saved.delta),
        "tombstones": int(saved.dead.sum()),
        "settings": saved.settings,
    }
    (folder / META).write_text(json.dumps(meta, indent=2) + "\n")


def read(folder: Path) -> IndexFiles:
    """Read and compare the files; the main segment is mapped, not copied. Raises IndexCorrupt."""
    with _as_corrupt(folder / META) as path:
        meta = json.loads(path.read_text())
        _expect(meta["format"] <= FORMAT, f"expected format {FORMAT} at most, got {meta['format']}: upgrade shelfwise")
        kind, settings = str(meta["kind"]), dict(meta["settings"])
        dim, n_main, n_delta, n_dead = (int(meta[key]) for key in ("dim", "main", "delta", "tombstones"))
    with _as_corrupt(folder / IDS) as path:
        ids = json.loads(path.read_text())
        main_ids, delta_ids = validate_ids(ids["main"]), validate_ids(ids["delta"])
        _expect((len(main_ids), len(delta_ids)) == (n_main, n_delta), f"counts differ from {META}")
    with _as_corrupt(folder / MAIN) as path:
        _expect(path.stat().st_size == meta["main_bytes"], f"size differs from {META}")
        main = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)  # never add to it: the process would abort
        _expect((main.ntotal, main.d) == (n_main, dim), f"shape differs from {META}")
        _expect(main.metric_type == faiss.METRIC_INNER_PRODUCT, "expected the inner product, got another metric")
    dead, delta = np.zeros(n_main, dtype=np.bool_), np.empty((0, dim), dtype=np.float32)
    if n_dead:
        with _as_corrupt(folder / TOMBSTONES) as path:
            dead = _read_array(path)
            _expect((dead.dtype, dead.shape) == (np.bool_, (n_main,)), f"shape differs from {META}")
            _expect(int(dead.sum()) == n_dead, f"count differs from {META}")
    if n_delta:
        with _as_corrupt(folder / DELTA) as path:
            delta = validate_vectors(_read_array(path), dim)
            _expect(len(delta) == n_delta, f"count differs from {META}")
    with _as_corrupt(folder / IDS):
        live = {item for item, gone in zip(main_ids, dead.tolist(), strict=True) if not gone}
        _expect(live.isdisjoint(delta_ids), "expected each live id once, got one twice")
    return IndexFiles(kind, settings, main, main_ids, dead, delta_ids, delta)


def _read_array(path: Path) -> Any:
    """Read one .npy array; unlike np.load it takes no archive and no pickle."""
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


@contextmanager
def _as_corrupt(path: Path) -> Iterator[Path]:
    """Raise IndexCorrupt, which names the file, for any error within the block."""
    try:
        yield path
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, MemoryError) as error:
        raise IndexCorrupt(f"{path}: {error}") from error


def _expect(holds: bool, reason: str) -> None:
    """Raise ValueError with the reason unless the condition holds; `_as_corrupt` names the file."""
    if not holds:
        raise ValueError(reason)
