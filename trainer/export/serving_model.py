"""Export a trained sentence-transformers model for serving: one ONNX graph (tokens in, vectors out) and a tokenizer.

Pooling and normalisation are part of the graph, so that the server needs neither torch nor a rule of its own.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch
from sentence_transformers import SentenceTransformer

from shelfwise.errors import EncoderUnsupported, ShelfwiseError, TrainingDiverged
from shelfwise.generation.encoder import MAX_TOKENS, SERVING_CONFIG, SERVING_MODEL, SERVING_TOKENIZER, Encoder
from shelfwise.trainer.export.onnx_graph import PROBES, capture, pooling_mode, quantise

__all__ = ["EXACT_MODEL", "Precision", "choose_precision", "export_best", "export_serving"]

Precision = Literal["int8", "fp32"]
EXACT_MODEL = "exact.onnx"  # the float32 graph beside an int8 one, until the night settles on either
_MIN_COSINE = {EXACT_MODEL: 0.9999, SERVING_MODEL: 0.97}


def export_serving(
    model: SentenceTransformer, folder: Path, *, precision: Precision = "int8", keep_exact: bool = False
) -> None:
    """Write the serving form of `model` to `folder`, each graph compared with torch on a padded batch.

    With `keep_exact` the float32 graph stays beside an int8 one as EXACT_MODEL, until `choose_precision`.

    Raises EncoderUnsupported for other architectures, TrainingDiverged when a weight is not finite, ShelfwiseError when
    the exported graph differs from the model.
    """
    _check_supported(model)
    _check_finite(model)
    folder.mkdir(parents=True, exist_ok=True)
    with _silenced():
        _write_tokenizer(model, folder)
        _write_config(model, folder, precision)
        _write_graphs(model, folder, precision)
    if precision == "fp32" or not keep_exact:
        choose_precision(folder, precision)


def export_best(model: SentenceTransformer, folder: Path, *, keep_exact: bool = False) -> None:
    """Call `export_serving` for int8, and for float32 where int8 differs too much from the model.

    Raises EncoderUnsupported, TrainingDiverged and ShelfwiseError as `export_serving` does.
    """
    try:
        export_serving(model, folder, keep_exact=keep_exact)
    except (EncoderUnsupported, TrainingDiverged):
        raise
    except ShelfwiseError:
        export_serving(model, folder, precision="fp32")


def choose_precision(folder: Path, precision: Precision) -> None:
    """Let the exported folder serve in this precision, and remove the graph of the other."""
    exact = folder / EXACT_MODEL
    if precision == "int8":
        exact.unlink(missing_ok=True)
        return
    exact.replace(folder / SERVING_MODEL)
    config = json.loads((folder / SERVING_CONFIG).read_text())
    (folder / SERVING_CONFIG).write_text(json.dumps(config | {"precision": precision}, indent=1))


def _check_supported(model: SentenceTransformer) -> None:
    """Raise EncoderUnsupported unless the model is a transformer with mean or cls pooling (and normalisation)."""
    modules = [type(module).__name__ for module in model]
    if modules[:2] != ["Transformer", "Pooling"] or modules[2:] not in ([], ["Normalize"]):
        raise EncoderUnsupported(f"model: expected Transformer + Pooling (+ Normalize), got the modules {modules}")
    mode = pooling_mode(model)
    if mode not in ("mean", "cls"):
        raise EncoderUnsupported(f"model: expected 'mean' or 'cls' pooling, got {mode!r}")


def _check_finite(model: SentenceTransformer) -> None:
    for name, parameter in model.named_parameters():
        if not np.isfinite(parameter.detach().float().cpu().numpy()).all():
            raise TrainingDiverged(
                f"expected finite weights, got others in {name}: training diverged, nothing exported"
            )


def _write_graphs(model: SentenceTransformer, folder: Path, precision: Precision) -> None:
    """Write and compare EXACT_MODEL and, for int8, SERVING_MODEL: a broken export raises no error of its own."""
    with torch.no_grad():
        expected = model.encode(PROBES, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
    onnx.save(capture(model), str(folder / EXACT_MODEL))
    if precision == "int8":
        quantise(folder / EXACT_MODEL, folder / SERVING_MODEL)
    for name in (EXACT_MODEL, SERVING_MODEL) if precision == "int8" else (EXACT_MODEL,):
        exported = Encoder(folder, model=folder / name).encode_raw(PROBES)
        cosine = float(np.min(np.sum(expected * exported, axis=1)))
        if not cosine >= _MIN_COSINE[name]:
            raise ShelfwiseError(
                f"the exported encoder {name} differs from the trained one: expected a cosine of at least"
                f" {_MIN_COSINE[name]}, got {cosine:.4f}"
            )


def _write_tokenizer(model: SentenceTransformer, folder: Path) -> None:
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderUnsupported("model: expected a fast tokenizer (tokenizer.json), got one that has no fast form")
    tokenizer = copy.deepcopy(backend)
    tokenizer.no_padding()  # left by the last call, and part of the encoder's id if it stayed
    tokenizer.no_truncation()
    tokenizer.save(str(folder / SERVING_TOKENIZER))


def _write_config(model: SentenceTransformer, folder: Path, precision: Precision) -> None:
    prompts = dict(model.prompts or {})
    config = {
        "dim": model.get_embedding_dimension(),
        "max_tokens": min(MAX_TOKENS, model.max_seq_length or MAX_TOKENS),
        "pad_token": model.tokenizer.pad_token,
        "pad_id": model.tokenizer.pad_token_id,
        "query_prompt": prompts.get("query", ""),
        "item_prompt": prompts.get("document", prompts.get("passage", "")),
        "precision": precision,
    }
    (folder / SERVING_CONFIG).write_text(json.dumps(config, indent=1))


@contextmanager
def _silenced() -> Iterator[None]:
    """Silence the warnings and logs in which the exporters report their inner steps."""
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
