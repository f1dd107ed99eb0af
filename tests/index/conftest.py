"""Every kind of index. `gpu` needs a real one; `gpu-rules` is its code over a stand-in that knows a GPU's rules."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import faiss
import pytest

from shelfwise.index import VectorIndex, build
from shelfwise.index.gpu import MAX_K, gpu_available

KINDS = [
    "flat",
    "sq8",
    "ivfsq8",
    "gpu-rules",
    pytest.param("gpu", marks=[pytest.mark.gpu, pytest.mark.skipif(not gpu_available(), reason="FAISS sees no GPU")]),
]


class StandInGpu:
    """A flat index that refuses what a GPU cannot do."""

    def __init__(self, main: Any) -> None:
        self.main, self.thread = faiss.clone_index(main), threading.get_ident()

    def search(self, queries: Any, k: int) -> Any:
        assert threading.get_ident() == self.thread and k <= MAX_K
        return self.main.search(queries, k)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "gpu-rules":
        stand_ins = {
            "get_num_gpus": lambda: 1,
            "GpuClonerOptions": lambda: type("Options", (), {})(),
            "StandardGpuResources": object,
            "index_cpu_to_gpu": lambda resources, device, main, options: StandInGpu(main),
        }
        for name, stand_in in stand_ins.items():
            monkeypatch.setattr(faiss, name, stand_in, raising=False)
    return str(request.param)


@pytest.fixture
def make(kind: str) -> Callable[..., VectorIndex]:
    return lambda ids, vectors: build(ids, vectors, kind="gpu" if kind == "gpu-rules" else kind)
