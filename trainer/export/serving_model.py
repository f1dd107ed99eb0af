"""A trained sentence-transformers model becomes its serving form: one ONNX graph (tokens in, vectors out), a tokenizer.

Pooling and normalisation are part of the graph, so that the door needs neither torch nor a rule of its own. The graph
comes from the parent's template (`template`) where that fits, else it is captured anew (`graph`).
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch
from sentence_transformers import SentenceTransformer

from shelfwise.errors import EncoderUnsupported, ShelfwiseError, TrainingDiverged
from shelfwise.generation.encoder import MAX_TOKENS, SERVING_CONFIG, SERVING_MODEL, SERVING_TOKENIZER, Encoder
from shelfwise.trainer.export.onnx_graph import PROBES, capture, graph_of, pooling_mode, probe, quantise
from shelfwise.trainer.export.onnx_template import Template, make_template, read_template

__all__ = ["EXACT_MODEL", "Precision", "check_supported", "choose_precision", "export_best", "export_serving"]

Precision = Literal["int8", "fp32"]
EXACT_MODEL = "exact.onnx"  # the float32 graph beside an int8 one, until the night settles on either
_TEMPLATE = "template"
_LEAST_COSINE = {EXACT_MODEL: 0.9999, SERVING_MODEL: 0.97}


def check_supported(model: SentenceTransformer) -> None:
    """Raises EncoderUnsupported unless the model is transformer + mean or cls pooling (+ normalise)."""
    kinds = [type(module).__name__ for module in model]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise EncoderUnsupported(
            f"the model has the modules {kinds}; shelfwise serves Transformer + Pooling (+ Normalize) only"
        )
    mode = pooling_mode(model)
    if mode not in ("mean", "cls"):
        raise EncoderUnsupported(f"the model pools by {mode!r}; shelfwise serves 'mean' and 'cls' pooling only")


def export_serving(
    model: SentenceTransformer,
    folder: Path,
    *,
    precision: Precision = "int8",
    template: Path | None = None,
    keep_exact: bool = False,
) -> None:
    """Write the serving form of `model` to `folder`; each graph in it was compared with torch on a padded batch.

    `template` is the parent's serving folder: a child of the same architecture takes a fraction of the time with it.
    With `keep_exact` the float32 graph stays beside an int8 one as EXACT_MODEL, until `settle`.

    Raises EncoderUnsupported for other architectures, TrainingDiverged when a weight is no finite number,
    ShelfwiseError when the exported graph differs from the model.
    """
    check_supported(model)
    _check_finite(model)
    folder.mkdir(parents=True, exist_ok=True)
    with _quiet():
        _write_tokenizer(model, folder)
        _write_config(model, folder, precision)
        _write_graphs(model, folder, precision, template)
    if precision == "fp32" or not keep_exact:
        choose_precision(folder, precision)


def export_best(
    model: SentenceTransformer, folder: Path, *, template: Path | None = None, keep_exact: bool = False
) -> None:
    """`export_serving` in int8, or in float32 where int8 is another model altogether. Raises as it does."""
    try:
        export_serving(model, folder, template=template, keep_exact=keep_exact)
    except (EncoderUnsupported, TrainingDiverged):
        raise
    except ShelfwiseError:
        export_serving(model, folder, precision="fp32", template=template)


def choose_precision(folder: Path, precision: Precision) -> None:
    """Let the exported folder serve in this precision, and remove the other graph: none of it is published twice."""
    exact = folder / EXACT_MODEL
    if precision == "int8":
        exact.unlink(missing_ok=True)
        return
    exact.replace(folder / SERVING_MODEL)
    config = json.loads((folder / SERVING_CONFIG).read_text())
    (folder / SERVING_CONFIG).write_text(json.dumps(config | {"precision": precision}, indent=1))


def _check_finite(model: SentenceTransformer) -> None:
    for name, parameter in model.named_parameters():
        if not np.isfinite(parameter.detach().float().cpu().numpy()).all():
            raise TrainingDiverged(
                f"the weights {name} hold values that are no finite numbers: training diverged, nothing was exported"
            )


def _write_graphs(model: SentenceTransformer, folder: Path, precision: Precision, parent: Path | None) -> None:
    with torch.no_grad():
        want = model.encode(PROBES, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
    for template in _templates(model, parent):
        template.write_exact(model, folder / EXACT_MODEL)
        if precision == "int8":
            template.write_int8(model, folder / SERVING_MODEL)
        with suppress(ShelfwiseError):  # the next way may do better
            _compare(want, folder, precision)
            template.save(folder / _TEMPLATE)
            return
    _write_plainly(model, folder, precision)
    _compare(want, folder, precision)


def _templates(model: SentenceTransformer, parent: Path | None) -> Iterator[Template]:
    """The parent's template if it fits, then a new one."""
    if parent is not None and (template := read_template(parent / _TEMPLATE, model)):
        yield template
    if template := make_template(model):
        yield template


def _write_plainly(model: SentenceTransformer, folder: Path, precision: Precision) -> None:
    onnx.save(capture(graph_of(model), probe(model)), str(folder / EXACT_MODEL))
    if precision == "int8":
        quantise(folder / EXACT_MODEL, folder / SERVING_MODEL)


def _compare(want: np.ndarray, folder: Path, precision: Precision) -> None:
    """A broken export raises no error of its own, so each graph is compared on a padded batch of unequal lengths."""
    for name in (EXACT_MODEL, SERVING_MODEL) if precision == "int8" else (EXACT_MODEL,):
        got = Encoder(folder, model=folder / name).encode_raw(PROBES)
        cosine, least = float(np.min(np.sum(want * got, axis=1))), _LEAST_COSINE[name]
        if not cosine >= least:
            raise ShelfwiseError(
                f"the exported encoder {name} differs from the trained one: cosine {cosine:.4f} < {least}"
            )


def _write_tokenizer(model: SentenceTransformer, folder: Path) -> None:
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderUnsupported(
            "the model's tokenizer has no fast form (tokenizer.json); shelfwise serves fast ones only"
        )
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
