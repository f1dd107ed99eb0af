"""The kinds that keep one byte a dimension: sq8 compares a query with all of them, ivfsq8 with the nearest lists only.

How many lists is measured when the index is built, against exact search, and never guessed.
"""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np

from shelfwise.index.base import VectorIndex
from shelfwise.index.top_hits import selector
from shelfwise.index.validation import Floats, Mask, Rows

__all__ = ["MIN_RECALL", "IvfParameters", "IvfSq8Index", "Sq8Index", "recall"]

MIN_RECALL = 0.95  # at _RECALL_K hits
_RECALL_K = 10
_SAMPLE_QUERIES = 256  # that measure it
_TRAIN_VECTORS_PER_LIST = 50  # FAISS asks for at least 39
_MAX_EXHAUSTIVE_SHARE = 0.02  # where no more than this part of the rows is live, all lists are probed

# FAISS's stubs do not know the arguments that its Python wrapper takes
IvfParameters: Any = faiss.SearchParametersIVF


class Sq8Index(VectorIndex):
    """dim bytes a vector; the range of each dimension is learned from the vectors themselves."""

    kind = "sq8"
    segment_type = faiss.IndexScalarQuantizer

    @classmethod
    def make_segment(cls, vectors: Floats) -> Any:
        main = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        if len(vectors):  # FAISS refuses to train on nothing
            main.train(vectors)
            main.add(vectors)
        return main


class IvfSq8Index(VectorIndex):
    """dim + 16 bytes a vector, in about 4 * sqrt(n) lists of which a search probes a few."""

    kind = "ivfsq8"
    segment_type = faiss.IndexIVFScalarQuantizer

    @property
    def settings(self) -> dict[str, int]:
        return {"nlist": int(self._main.nlist), "nprobe": int(self._main.nprobe)}

    @classmethod
    def make_segment(cls, vectors: Floats) -> Any:
        n, dim = vectors.shape
        nlist = max(1, min(int(4 * n**0.5), n // _TRAIN_VECTORS_PER_LIST))
        main = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dim), dim, nlist, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        main.cp.min_points_per_centroid = 1  # or FAISS warns on stderr about fewer than 39
        if n:
            main.train(_sample(vectors, nlist * _TRAIN_VECTORS_PER_LIST))
            main.add(vectors)
            main.nprobe = _choose_nprobe(main, vectors)
        main.make_direct_map()  # `vectors` decodes by row number; saved with the index
        return main

    def _scan(self, queries: Floats, k: int, live: Mask | None) -> tuple[Floats, Rows]:
        nprobe = self._probes(live)
        while True:
            params = IvfParameters(nprobe=nprobe, **selector(live))
            scores, rows = self._main.search(queries, k, params=params)  # (q, k) float32, (q, k) int64
            if nprobe >= self._main.nlist or (rows >= 0).all():
                return scores, rows
            nprobe *= 2  # these lists hold fewer than k live rows

    def _probes(self, live: Mask | None) -> int:
        """Return how many lists to probe: as many as hold as many live rows as `nprobe` lists hold rows."""
        share = 1.0 if live is None else float(live.mean())
        if share <= _MAX_EXHAUSTIVE_SHARE:
            return int(self._main.nlist)
        return int(min(self._main.nlist, math.ceil(self._main.nprobe / share)))


def _choose_nprobe(main: Any, vectors: Floats) -> int:
    """Return the smallest power of two (at most nlist) that reaches MIN_RECALL on a sample of the vectors."""
    queries, k = _sample(vectors, _SAMPLE_QUERIES), min(_RECALL_K, len(vectors))
    exact, _ = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)  # (q, k) float32
    nprobe = 1
    while nprobe < main.nlist:
        _, rows = main.search(queries, k, params=IvfParameters(nprobe=nprobe))
        if recall(queries, vectors, rows, exact[:, -1]) >= MIN_RECALL:
            break
        nprobe *= 2
    return int(min(nprobe, main.nlist))


def recall(queries: Floats, vectors: Floats, rows: Rows, worst: Floats) -> float:
    """Return the share of `rows` (q, k) that are as near as the exact k-th hit, of score `worst` (q,).

    By score and not by row, as ann-benchmarks has it: of two items with one text either will do.
    """
    scores = np.einsum("qd,qkd->qk", queries, vectors[rows])
    return float(((scores >= worst[:, None] - 1e-6) & (rows >= 0)).mean())


def _sample(vectors: Floats, size: int) -> Floats:
    """Return at most `size` of the vectors, the same ones every time."""
    if len(vectors) <= size:
        return vectors
    return vectors[np.sort(np.random.default_rng(0).choice(len(vectors), size, replace=False))]
