"""Write LightGBM's trees for a generation: as one ONNX node for the server's runtime, and as LightGBM's text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from shelfwise.ranking.trees import MODEL, TREES

__all__ = ["to_onnx", "write_trees"]

_OPSET, _ML_OPSET, _IR = 17, 3, 9


def write_trees(boosters: Sequence[Any], folder: Path, n_features: int) -> None:
    """Write the trees of all boosters, whose scores add up, as `TreeEnsemble` opens them."""
    for number, booster in enumerate(boosters):
        booster.save_model(str(folder / TREES.format(number or "")))
    onnx.save(to_onnx(boosters, n_features), str(folder / MODEL))


def to_onnx(boosters: Sequence[Any], n_features: int) -> onnx.ModelProto:
    """Return a model `features` (n, n_features) float32 → `score` (n, 1) float32, the sum of the boosters' raw scores.

    Every split is numerical and tests `<=`. TreeEnsembleRegressor: onnx.ai/onnx, operators of ai.onnx.ml.
    """
    nodes: dict[str, list[Any]] = {name: [] for name in ("tree", "node", "feature", "value", "mode", "true", "false")}
    leaves: dict[str, list[Any]] = {name: [] for name in ("tree", "node", "weight")}
    trees = [info["tree_structure"] for booster in boosters for info in booster.dump_model()["tree_info"]]
    for number, tree in enumerate(trees):
        _add(tree, number, nodes, leaves, [0])
    ensemble = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["score"], domain="ai.onnx.ml",
        n_targets=1, post_transform="NONE", aggregate_function="SUM",
        nodes_treeids=nodes["tree"], nodes_nodeids=nodes["node"], nodes_featureids=nodes["feature"],
        nodes_values=[_below(value) for value in nodes["value"]], nodes_modes=nodes["mode"],
        nodes_truenodeids=nodes["true"], nodes_falsenodeids=nodes["false"],
        target_treeids=leaves["tree"], target_nodeids=leaves["node"], target_ids=[0] * len(leaves["tree"]),
        target_weights=leaves["weight"],
    )  # fmt: skip
    graph = helper.make_graph(
        [ensemble],
        "ranker",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, n_features])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR)


def _add(
    node: dict[str, Any], tree: int, nodes: dict[str, list[Any]], leaves: dict[str, list[Any]], next_number: list[int]
) -> int:
    """Append a node and its descendants to `nodes` and `leaves`; return its number in the tree.

    Args:
        node: The node as LightGBM dumps it.
        tree: The number of its tree.
        nodes: Column name → values, one a node.
        leaves: Column name → values, one a leaf.
        next_number: The next free number in the tree, in a list of one.
    """
    number = next_number[0]
    next_number[0] += 1
    is_leaf = "leaf_value" in node
    row = len(nodes["tree"])
    for name, value in (
        ("tree", tree), ("node", number), ("feature", 0 if is_leaf else node["split_feature"]),
        ("value", 0.0 if is_leaf else node["threshold"]), ("mode", "LEAF" if is_leaf else "BRANCH_LEQ"),
        ("true", 0), ("false", 0),
    ):  # fmt: skip
        nodes[name].append(value)
    if is_leaf:
        for name, value in (("tree", tree), ("node", number), ("weight", float(node["leaf_value"]))):
            leaves[name].append(value)
    else:
        nodes["true"][row] = _add(node["left_child"], tree, nodes, leaves, next_number)
        nodes["false"][row] = _add(node["right_child"], tree, nodes, leaves, next_number)
    return number


def _below(threshold: float) -> float:
    """Return the greatest float32 that is not above the threshold: a float32 feature falls on the same side of both."""
    rounded = np.float32(threshold)
    return float(rounded if float(rounded) <= threshold else np.nextafter(rounded, np.float32(-np.inf)))
