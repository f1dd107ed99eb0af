"""The ONNX graph of an encoder: captured from torch (tokens in, unit vectors out), and its int8 form."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import onnx
import torch
from sentence_transformers import SentenceTransformer

__all__ = ["PROBES", "EncoderGraph", "capture", "pooling_mode", "quantise"]

# A padded batch of unequal lengths: what a graph is captured with, and what a finished one is compared on.
PROBES = ["mug", "a red mug with white dots, set of six, dishwasher safe", "t-light holder", '17" screen']
_MAX_BATCH, _MAX_TOKENS = 4096, 512


class EncoderGraph(torch.nn.Module):
    """Tokens to unit vectors: the transformer, its pooling and the L2 norm."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.transformer: Any = model[0].auto_model
        self.cls = pooling_mode(model) == "cls"

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Embed tokens: (batch, tokens) int64 twice → (batch, dim) float32."""
        states = self.transformer(input_ids=input_ids, attention_mask=attention_mask)[0]  # (batch, tokens, dim)
        if self.cls:
            pooled = states[:, 0]
        else:
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(pooled, dim=-1)


def pooling_mode(model: SentenceTransformer) -> str:
    """Return how the model pools token vectors, e.g. "mean"."""
    mode = model[1].pooling_mode
    return str(mode[0] if isinstance(mode, tuple | list) and len(mode) == 1 else mode)


def capture(model: SentenceTransformer) -> onnx.ModelProto:
    """Return the model as a float32 ONNX graph for any number of texts of any length; the model stays as it is."""
    graph = copy.deepcopy(EncoderGraph(model)).cpu().float().eval()
    tokens = model.tokenizer(PROBES, padding=True, return_tensors="pt")
    batch, length = torch.export.Dim("batch", min=1, max=_MAX_BATCH), torch.export.Dim("tokens", min=2, max=_MAX_TOKENS)
    shape = {0: batch, 1: length}
    program = torch.onnx.export(
        graph,
        (tokens["input_ids"], tokens["attention_mask"]),
        input_names=["input_ids", "attention_mask"],
        output_names=["vectors"],
        dynamic_shapes={"input_ids": shape, "attention_mask": shape},
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # only the older exporter writes a file and returns nothing
    return program.model_proto


def quantise(exact: Path, path: Path) -> None:
    """Write the 8-bit form of the graph `exact` to `path`: matrices per column, embedding tables as a whole."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(exact), str(path), weight_type=QuantType.QInt8, per_channel=True)
