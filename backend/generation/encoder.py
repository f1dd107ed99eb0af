"""The query encoder: texts to unit vectors, through ONNX Runtime and the tokenizers library; no torch.

The night writes its folder (`trainer.export`): the graph, the tokenizer and a small config. Queries run on one
thread; bulk encoding spreads batches over several, since a session may be run by many threads at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.files import sha256_of

__all__ = [
    "MAX_TOKENS",
    "SERVING_CONFIG",
    "SERVING_MODEL",
    "SERVING_TOKENIZER",
    "Encoder",
    "encoder_id",
    "thread_count",
]

SERVING_MODEL = "model.onnx"
SERVING_TOKENIZER = "tokenizer.json"
SERVING_CONFIG = "serving.json"
MAX_TOKENS = 64  # titles and queries are short; attention costs grow with the square
_BATCH_TEXTS = 32


class Encoder:
    """Unit vectors of texts. Safe for several threads. `id` names the exact weights, tokenizer and prompts."""

    def __init__(self, folder: Path, model: Path | None = None) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.config: dict[str, Any] = json.loads((folder / SERVING_CONFIG).read_text())
        self.dim = int(self.config["dim"])
        self.id = encoder_id(folder) if model is None else "unpublished"
        self._tokenizer = Tokenizer.from_file(str(folder / SERVING_TOKENIZER))
        self._tokenizer.enable_truncation(self.config["max_tokens"])
        self._tokenizer.enable_padding(pad_id=self.config["pad_id"], pad_token=self.config["pad_token"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model or folder / SERVING_MODEL),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # the fused kernel is the slower one: a twentieth of a query
        )

    @cached_property
    def tokenizer_words(self) -> list[str]:
        """Return the whole words that the tokenizer knows: words of the language, whatever the shop sells."""
        vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        whole = (token.removeprefix("\u2581") for token in vocabulary)  # as SentencePiece marks the start of a word
        return [token for token in whole if token.isalpha()]

    def query(self, text: str) -> np.ndarray:
        """Encode one query, (dim,) float32."""
        vector: np.ndarray = self.encode_raw([self.config["query_prompt"] + text])[0]
        return vector

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        """Encode many queries, (n, dim) float32."""
        return self._bulk([self.config["query_prompt"] + text for text in texts], None)

    def items(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> np.ndarray:
        """Encode many item texts, (n, dim) float32; `progress` is called with how many more are done."""
        return self._bulk([self.config["item_prompt"] + text for text in texts], progress)

    def encode_raw(self, texts: Sequence[str]) -> np.ndarray:
        """Encode one padded batch without prompts, (n, dim) float32."""
        encodings = self._tokenizer.encode_batch(list(texts))
        vectors: np.ndarray = self._session.run(
            ["vectors"],
            {
                "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
                "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
            },
        )[0]
        return vectors

    def _bulk(self, texts: list[str], progress: Callable[[int], object] | None) -> np.ndarray:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))  # little padding within a batch
        batches = [order[start : start + _BATCH_TEXTS] for start in range(0, len(order), _BATCH_TEXTS)]

        def run(rows: list[int]) -> int:
            vectors[rows] = self.encode_raw([texts[row] for row in rows])
            return len(rows)

        if len(batches) == 1:
            run(batches[0])
        elif batches:
            with ThreadPoolExecutor(thread_count()) as pool:
                for done in pool.map(run, batches):
                    if progress:  # in the caller's thread
                        progress(done)
        return vectors


def encoder_id(folder: Path) -> str:
    """Return 16 hexadecimal digits of a hash over every file that shapes a vector."""
    files = (SERVING_MODEL, SERVING_TOKENIZER, SERVING_CONFIG)
    return sha256(b"".join(bytes.fromhex(sha256_of(folder / name)) for name in files)).hexdigest()[:16]


def thread_count() -> int:
    """Return how many threads bulk work may use: the processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
