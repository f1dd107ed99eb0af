"""The exact kind: every vector as it came, every query compared with all of them.
Right up to about 50,000 items on a CPU."""

from typing import Any

import faiss

from shelfwise.index.base import VectorIndex
from shelfwise.index.checks import Floats


class FlatIndex(VectorIndex):
    """Exact float32 vectors, 4 * dim bytes each."""

    kind = "flat"
    segment_type = faiss.IndexFlatIP

    @classmethod
    def make_segment(cls, vectors: Floats) -> Any:
        main = faiss.IndexFlatIP(vectors.shape[1])
        main.add(vectors)
        return main
