"""The ONNX graph of an encoder: captured from torch (tokens in, unit vectors out), and its int8 form.

Both take seconds; `template` saves a night from doing either again.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from sentence_transformers import SentenceTransformer

__all__ = [
    "PROBES",
    "EncoderGraph",
    "capture",
    "graph_of",
    "matrix_to_int8",
    "pooling_mode",
    "probe",
    "quantise",
    "table_to_uint8",
]

# A padded batch of unequal lengths: what a graph is captured with, and what a finished one is compared on.
PROBES = ["mug", "a red mug with white dots, set of six, dishwasher safe", "t-light holder", '17" screen']


class EncoderGraph(torch.nn.Module):
    """Tokens to unit vectors: the transformer, its pooling and the L2 norm."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.transformer: Any = model[0].auto_model
        self.cls = pooling_mode(model) == "cls"

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # (batch, tokens) int64 twice -> (batch, dim) float32
        states = self.transformer(input_ids=input_ids, attention_mask=attention_mask)[0]  # (batch, tokens, dim)
        if self.cls:
            pooled = states[:, 0]
        else:
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(pooled, dim=-1)


def graph_of(model: SentenceTransformer) -> EncoderGraph:
    """A copy on the CPU in float32, ready to be captured; the model itself stays as and where it is."""
    return copy.deepcopy(EncoderGraph(model)).cpu().float().eval()


def pooling_mode(model: SentenceTransformer) -> str:
    """How the model makes one vector of many, e.g. "mean"."""
    mode = model[1].pooling_mode
    return str(mode[0] if isinstance(mode, tuple | list) and len(mode) == 1 else mode)


def probe(model: SentenceTransformer) -> tuple[torch.Tensor, torch.Tensor]:
    """The ids and the attention mask of the probes, (batch, tokens) int64 each."""
    tokens = model.tokenizer(PROBES, padding=True, return_tensors="pt")
    return tokens["input_ids"], tokens["attention_mask"]


def capture(graph: EncoderGraph, tokens: tuple[torch.Tensor, torch.Tensor]) -> onnx.ModelProto:
    """The graph with its weights as ONNX, for any number of texts of any length."""
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    shape = {0: batch, 1: length}
    program = torch.onnx.export(
        graph,
        tokens,
        input_names=["input_ids", "attention_mask"],
        output_names=["vectors"],
        dynamic_shapes={"input_ids": shape, "attention_mask": shape},
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # only the older exporter writes a file and returns nothing
    return program.model_proto


def quantise(exact: Path, path: Path) -> None:
    """Write the 8-bit form of an exact graph: matrices per column, embedding tables as a whole."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(exact), str(path), weight_type=QuantType.QInt8, per_channel=True)


def matrix_to_int8(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values, scales and zero points that `quantise` gives a matrix, (rows, columns), (columns,) and (columns,).

    Symmetric, so that each column's largest magnitude becomes 127: `compute_scale_zp` of onnxruntime.quantization.
    """
    scale = 2 * np.abs(matrix).max(axis=0).astype(np.float64) / 254
    scale = np.where(scale < np.finfo(np.float32).tiny, 1, scale).astype(np.float32)
    whole = matrix / scale
    np.clip(np.round(whole, out=whole), -128, 127, out=whole)
    return whole.astype(np.int8), scale, np.zeros(len(scale), dtype=np.int8)


def table_to_uint8(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values, scale and zero point that `quantise` gives an embedding table, (rows, dim), () and ().

    From 0 at the least value to 255 at the largest: `compute_scale_zp` of onnxruntime.quantization.
    """
    least, largest = min(float(table.min()), 0.0), max(float(table.max()), 0.0)
    scale = (largest - least) / 255
    zero_point = round(-least / scale) if scale >= np.finfo(np.float32).tiny else 0
    scale = scale if scale >= np.finfo(np.float32).tiny else 1.0
    whole = table / np.float32(scale)
    np.clip(np.round(whole, out=whole) + np.float32(zero_point), 0, 255, out=whole)
    return whole.astype(np.uint8), np.array(scale, dtype=np.float32), np.array(zero_point, dtype=np.uint8)
