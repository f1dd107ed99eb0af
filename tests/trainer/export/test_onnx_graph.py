"""Quantising by hand gives what ONNX Runtime gives, also for columns of zeros and tables without a sign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from shelfwise.trainer.export.onnx_graph import matrix_to_int8, quantise, table_to_uint8


def quantised(operator: str, weights: np.ndarray, folder: Path) -> dict[str, np.ndarray]:
    """The tensors of a graph of one operator on these weights, after `quantise`."""
    inputs, kind = (["x", "w"], TensorProto.FLOAT) if operator == "MatMul" else (["w", "x"], TensorProto.INT64)
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"], name="only")],
        "one",
        [helper.make_tensor_value_info("x", kind, ["n", len(weights)] if operator == "MatMul" else ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), folder / "a.onnx")
    quantise(folder / "a.onnx", folder / "b.onnx")
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(folder / "b.onnx").graph.initializer}


def random_weights(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (48, 33)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_matrix_becomes_what_onnxruntime_makes_of_it(tmp_path: Path, seed: int) -> None:
    matrix = random_weights(seed)
    matrix[:, 3] = 0
    matrix[:, 4] = 1e-41  # not even a normal float
    matrix[:, 5] = np.abs(matrix[:, 5])
    want = quantised("MatMul", matrix, tmp_path)
    for name, got in zip(("quantized", "scale", "zero_point"), matrix_to_int8(matrix), strict=True):
        assert got.dtype == want[f"w_{name}"].dtype
        assert np.array_equal(got, want[f"w_{name}"]), name


@pytest.mark.parametrize("shift", [0.0, 1.0, -1.0, None])
def test_a_table_becomes_what_onnxruntime_makes_of_it(tmp_path: Path, shift: float | None) -> None:
    table = random_weights(2) + np.float32(shift) if shift is not None else np.zeros((8, 4), dtype=np.float32)
    want = quantised("Gather", table, tmp_path)
    for name, got in zip(("quantized", "scale", "zero_point"), table_to_uint8(table), strict=True):
        assert got.dtype == want[f"w_{name}"].dtype
        assert np.array_equal(got, want[f"w_{name}"]), name
