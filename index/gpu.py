"""The flat kind with its main segment copied to a GPU, in half precision; delta and tombstones stay on the CPU.

FAISS's GPU indexes are not safe for two threads even to read, so that one thread owns the copy.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faiss
import numpy as np

from shelfwise.index.flat import FlatIndex
from shelfwise.index.validation import Floats, Mask, Rows

__all__ = ["MAX_K", "GpuIndex", "gpu_available"]

MAX_K = 2_048  # the most that FAISS finds on a GPU


class GpuIndex(FlatIndex):
    """Searched on the GPU; saved, and its vectors read, from the exact CPU segment."""

    kind = "gpu"

    def __init__(self, main: Any, ids: list[str], dead: Mask | None = None) -> None:
        if not gpu_available():
            raise ValueError("kind: expected a GPU, but FAISS sees none; install faiss-gpu, or load with gpu=False")
        super().__init__(main, ids, dead)
        self._owner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shelfwise-gpu")
        try:
            self._resources, self._copy = self._owner.submit(_copy_to_gpu, main).result()
        except RuntimeError as error:
            raise OSError(f"gpu: expected the index to fit on the GPU, got {error}; load with gpu=False") from error

    @property
    def stored_kind(self) -> str:
        return FlatIndex.kind

    def _scan(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        limit = k if live is None else math.ceil(k * len(live) / np.count_nonzero(live))  # if they lie evenly
        while limit <= MAX_K:  # a GPU ignores the selector in silence: fetch more, drop the others
            scores, rows = self._owner.submit(self._copy.search, queries, limit).result()
            valid = rows >= 0 if live is None else (rows >= 0) & live[rows]  # (q, limit) bool
            if (valid.sum(axis=1) >= k).all():
                first = np.argsort(~valid, axis=1, kind="stable")[:, :k]  # the live ones, still best first
                return np.take_along_axis(scores, first, 1), np.take_along_axis(rows, first, 1)
            limit = max(limit + 1, min(2 * limit, MAX_K, len(self._ids)))
        return super()._scan(queries, k, live)


def gpu_available() -> bool:
    """Return whether this FAISS was built for GPUs and sees one."""
    return hasattr(faiss, "index_cpu_to_gpu") and faiss.get_num_gpus() > 0


def _copy_to_gpu(main: Any) -> tuple[Any, Any]:
    """Return the resources, which must outlive the copy, and the copy."""
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True
    resources = faiss.StandardGpuResources()
    return resources, faiss.index_cpu_to_gpu(resources, 0, main, options)
