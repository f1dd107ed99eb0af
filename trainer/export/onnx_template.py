"""An encoder's graph without its weights: the same every night, so a generation hands it on to its child.

To capture and quantise a graph takes seconds; to fill a template with the weights of a night, a fraction of one.
Both give the same file, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from sentence_transformers import SentenceTransformer

from shelfwise.trainer.export.onnx_graph import (
    EncoderGraph,
    capture,
    graph_of,
    matrix_to_int8,
    pooling_mode,
    probe,
    quantise,
    table_to_uint8,
)

__all__ = ["Template", "make_template", "read_template"]

_FORMAT = 1  # raise it whenever Graph or the filling changes: a template of another format is not used
_EXACT, _INT8, _ABOUT = "exact.onnx", "int8.onnx", "template.json"
_MADE_BY = ("torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "onnxruntime")
_NAMES = ("_name_or_path", "transformers_version", "dtype")  # of a model's config: they shape no graph

Values = dict[str, np.ndarray]
Sources = dict[str, tuple[str, bool]]  # tensor of the exact graph -> parameter that fills it, whether transposed


@dataclass(frozen=True, slots=True)
class Template:
    """The exact and the int8 graph with empty weights, and which parameter fills which tensor."""

    identity: str
    exact: onnx.ModelProto
    int8: onnx.ModelProto
    sources: Sources

    def write_exact(self, model: SentenceTransformer, path: Path) -> None:
        """The graph in float32 with the weights of `model`, which has the identity of the template."""
        _write_filled(self.exact, self._values(model), path)

    def write_int8(self, model: SentenceTransformer, path: Path) -> None:
        """What `quantise` would make of the exact graph."""
        _write_filled(self.int8, _int8_values(self._values(model), self.int8), path)

    def _values(self, model: SentenceTransformer) -> Values:
        return _placed(_weights(EncoderGraph(model)), self.sources)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(self.exact, str(folder / _EXACT))
        onnx.save(self.int8, str(folder / _INT8))
        (folder / _ABOUT).write_text(json.dumps({"identity": self.identity, "sources": self.sources}, indent=1))


def read_template(folder: Path, model: SentenceTransformer) -> Template | None:
    """The template in `folder`; None when there is none, it can't be read, or it is not of this architecture."""
    try:
        about = json.loads((folder / _ABOUT).read_text())
        if about["identity"] != _identity(model):
            return None
        sources = {tensor: (parameter, flipped) for tensor, (parameter, flipped) in about["sources"].items()}
        return Template(about["identity"], onnx.load(str(folder / _EXACT)), onnx.load(str(folder / _INT8)), sources)
    except Exception:  # whatever the disk, json or protobuf has to say: a new template is made then
        return None


def make_template(model: SentenceTransformer) -> Template | None:
    """Capture the architecture of `model`, in seconds; None when the graph does more to a weight than transpose it.

    It is captured with random weights: the exporter merges equal tensors and folds zeros and ones away, which would be
    wrong for the weights of the next night. That all weights differ also tells which one became which tensor.
    """
    graph, tokens = graph_of(model), probe(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in graph.parameters():
            parameter.normal_(0, 0.02, generator=generator)
    exact, weights = capture(graph, tokens), _weights(graph)
    sources = _find_sources(exact, weights)
    int8, values = _quantised(exact), _placed(weights, sources)
    if not _needed(graph, tokens) <= {parameter for parameter, _ in sources.values()} or not _agree(int8, values):
        return None
    filled = set(_int8_values(values, int8))
    return Template(_identity(model), _emptied(exact, set(values)), _emptied(int8, filled), sources)


def _weights(graph: EncoderGraph) -> Values:
    return {name: parameter.detach().float().cpu().numpy() for name, parameter in graph.named_parameters()}


def _needed(graph: EncoderGraph, tokens: tuple[torch.Tensor, torch.Tensor]) -> set[str]:
    """The parameters that the vectors depend on; an unused pooler, for one, is not among them."""
    names, parameters = zip(*graph.named_parameters(), strict=True)
    for parameter in parameters:
        parameter.requires_grad_()
    gradients = torch.autograd.grad(graph(*tokens).sum(), parameters, allow_unused=True)
    return {name for name, gradient in zip(names, gradients, strict=True) if gradient is not None}


def _find_sources(exact: onnx.ModelProto, weights: Values) -> Sources:
    sources = {}
    for name, value in _tensors(exact).items():
        for parameter, weight in weights.items():
            if np.array_equal(weight, value) or np.array_equal(weight.T, value):
                sources[name] = (parameter, not np.array_equal(weight, value))
    return sources


def _placed(weights: Values, sources: Sources) -> Values:
    """What fills the exact graph."""
    return {
        tensor: weights[parameter].T if flipped else weights[parameter]
        for tensor, (parameter, flipped) in sources.items()
    }


def _int8_values(values: Values, int8: onnx.ModelProto) -> Values:
    """What fills the int8 graph: some tensors as they are, the others as three, under the quantiser's names."""
    kinds = {tensor.name: tensor.data_type for tensor in int8.graph.initializer}
    filled = {name: value for name, value in values.items() if name in kinds}
    for name, value in values.items():
        kind = kinds.get(f"{name}_quantized")
        if kind is not None:
            three = matrix_to_int8(value) if kind == onnx.TensorProto.INT8 else table_to_uint8(value)
            filled |= zip((f"{name}_quantized", f"{name}_scale", f"{name}_zero_point"), three, strict=True)
    return filled


def _agree(int8: onnx.ModelProto, values: Values) -> bool:
    """Whether filling the int8 graph gives what ONNX Runtime's quantisation made of the same weights."""
    filled, tensors = _int8_values(values, int8), _tensors(int8)
    complete = all(name in filled or f"{name}_quantized" in filled for name in values)
    return complete and all(np.array_equal(tensors[name], value) for name, value in filled.items())


def _quantised(exact: onnx.ModelProto) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(exact, str(Path(folder, _EXACT)))
        quantise(Path(folder, _EXACT), Path(folder, _INT8))
        return onnx.load(str(Path(folder, _INT8)))


def _tensors(graph: onnx.ModelProto) -> Values:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}


def _emptied(graph: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    for tensor in graph.graph.initializer:
        if tensor.name in names:
            tensor.CopyFrom(onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type))
    return graph


def _write_filled(empty: onnx.ModelProto, values: Values, path: Path) -> None:
    graph = onnx.ModelProto()
    graph.CopyFrom(empty)
    for tensor in graph.graph.initializer:
        if tensor.name in values:
            tensor.raw_data = values[tensor.name].tobytes()
    onnx.save(graph, str(path))


def _identity(model: SentenceTransformer) -> str:
    """A hash of all that shapes the graph except the values of its weights: architecture, shapes and exporters."""
    graph = EncoderGraph(model)
    config = graph.transformer.config
    facts: list[Any] = [
        _FORMAT,
        [version(name) for name in _MADE_BY],
        [type(graph.transformer).__name__, str(config._attn_implementation), pooling_mode(model)],
        {key: value for key, value in config.to_dict().items() if key not in _NAMES},
        [[name, list(parameter.shape)] for name, parameter in graph.named_parameters()],
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
