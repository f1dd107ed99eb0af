"""A trained sentence-transformers model becomes its serving form: one ONNX graph (tokens in, vectors out), a tokenizer.

Pooling and normalisation are part of the graph, so that the door needs neither torch nor a rule of its own.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from shelfwise.encoder import MAX_TOKENS, SERVING_CONFIG, SERVING_MODEL, SERVING_TOKENIZER, Encoder
from shelfwise.errors import EncoderUnsupported, ShelfwiseError

__all__ = ["check_supported", "export_serving"]


_PROBES = ["mug", "a red mug with white dots, set of six, dishwasher safe", "t-light holder", '17" screen']


def check_supported(model: SentenceTransformer) -> None:
    """Raises EncoderUnsupported unless the model is transformer + mean or cls pooling (+ normalise)."""
    kinds = [type(module).__name__ for module in model]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise EncoderUnsupported(
            f"the model has the modules {kinds}; shelfwise serves Transformer + Pooling (+ Normalize) only"
        )
    mode = _pooling_mode(model)
    if mode not in ("mean", "cls"):
        raise EncoderUnsupported(f"the model pools by {mode!r}; shelfwise serves 'mean' and 'cls' pooling only")


def export_serving(model: SentenceTransformer, folder: Path, *, quantise: bool = True) -> None:
    """Write the serving form of `model` to `folder` and compare it with torch on a padded batch.

    Raises EncoderUnsupported for other architectures, ShelfwiseError when the export differs from the model.
    """
    check_supported(model)
    folder.mkdir(parents=True, exist_ok=True)
    exact = folder / "exact.onnx"
    with _quiet():
        _export_graph(model, exact)
        _write_tokenizer(model, folder)
        _compare(model, folder, exact, least=0.9999)
        if quantise:
            _quantise(exact, folder / SERVING_MODEL)
            exact.unlink()
        else:
            exact.rename(folder / SERVING_MODEL)
    _compare(model, folder, folder / SERVING_MODEL, least=0.97 if quantise else 0.9999)


class _Graph(torch.nn.Module):
    """Tokens to unit vectors: the transformer, its pooling and the L2 norm."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.transformer: Any = model[0].auto_model
        self.cls = _pooling_mode(model) == "cls"

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # (batch, tokens) int64 twice -> (batch, dim) float32
        states = self.transformer(input_ids=input_ids, attention_mask=attention_mask)[0]  # (batch, tokens, dim)
        if self.cls:
            pooled = states[:, 0]
        else:
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(pooled, dim=-1)


def _pooling_mode(model: SentenceTransformer) -> str:
    mode = model[1].pooling_mode
    return str(mode[0] if isinstance(mode, tuple | list) and len(mode) == 1 else mode)


def _export_graph(model: SentenceTransformer, path: Path) -> None:
    tokens = model.tokenizer(_PROBES, padding=True, return_tensors="pt")
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    shape = {0: batch, 1: length}
    torch.onnx.export(
        _Graph(model).eval(),
        (tokens["input_ids"], tokens["attention_mask"]),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["vectors"],
        dynamic_shapes={"input_ids": shape, "attention_mask": shape},
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _quantise(exact: Path, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(exact), str(path), weight_type=QuantType.QInt8, per_channel=True)


def _write_tokenizer(model: SentenceTransformer, folder: Path) -> None:
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderUnsupported(
            "the model's tokenizer has no fast form (tokenizer.json); shelfwise serves fast ones only"
        )
    backend.save(str(folder / SERVING_TOKENIZER))
    prompts = dict(model.prompts or {})
    config = {
        "dim": model.get_sentence_embedding_dimension(),
        "max_tokens": min(MAX_TOKENS, model.max_seq_length or MAX_TOKENS),
        "pad_token": model.tokenizer.pad_token,
        "pad_id": model.tokenizer.pad_token_id,
        "query_prompt": prompts.get("query", ""),
        "item_prompt": prompts.get("document", prompts.get("passage", "")),
    }
    (folder / SERVING_CONFIG).write_text(json.dumps(config, indent=1))


def _compare(model: SentenceTransformer, folder: Path, onnx: Path, least: float) -> None:
    """A broken export raises no error of its own, so each is compared on a padded batch of unequal lengths."""
    with torch.no_grad():
        want = model.encode(_PROBES, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
    got = Encoder(folder, model=onnx).encode_raw(_PROBES)
    cosine = float(np.min(np.sum(want * got, axis=1)))
    if not cosine >= least:
        raise ShelfwiseError(
            f"the exported encoder {onnx.name} differs from the trained one: cosine {cosine:.4f} < {least}"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters speak of their inner steps in warnings and logs; none of it is the shop's business."""
    names = ("torch.onnx", "onnxscript", "onnx_ir", "root")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
