"""Trees in ONNX Runtime score as LightGBM does: on any side of a threshold, however few or deep they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import onnxruntime
import pytest

from shelfwise.ranking.trees import TreeEnsemble
from shelfwise.trainer.export.onnx_trees import to_onnx, write_trees

FEATURES = 5
_QUIET = {"verbose": -1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 5}


def table(count: int, seed: int, digits: int | None = None) -> np.ndarray:
    """(count, 5) float64: small, large, negative, whole and constant features."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, FEATURES)) * [1e-3, 60, 1, 3, 0]
    values[:, 3] = np.round(values[:, 3])
    return values if digits is None else np.round(values, digits)


def train(features: np.ndarray, rounds: int, **settings: Any) -> Any:
    utility = features[:, 0] * 500 + np.abs(features[:, 1]) / 30 + (features[:, 3] > 0) * features[:, 2]
    groups = [20] * (len(features) // 20)
    order = np.argsort(np.argsort(utility.reshape(-1, 20), axis=1), axis=1).ravel()  # (n,) 0..19
    labels = np.maximum(order - 10, 0) if settings.get("objective") == "lambdarank" else utility
    data = lightgbm.Dataset(features, labels, group=groups if settings.get("objective") == "lambdarank" else None)
    return lightgbm.train(_QUIET | settings, data, rounds)


def scores(booster: Any, features: np.ndarray) -> np.ndarray:
    model = to_onnx([booster], FEATURES)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (score,) = session.run(None, {"features": features})
    assert score.shape == (len(features), 1) and score.dtype == np.float32
    return np.asarray(score[:, 0])


@pytest.mark.parametrize(
    ("rounds", "settings"),
    [
        (1, {"num_leaves": 2}),
        (1, {"num_leaves": 31}),
        (150, {"num_leaves": 15, "objective": "lambdarank", "learning_rate": 0.05}),
        (60, {"num_leaves": 63, "max_depth": -1}),
        (30, {"num_leaves": 15, "use_missing": False}),
    ],
)
def test_to_onnx_scores_as_lightgbm(rounds: int, settings: dict[str, Any]) -> None:
    booster = train(table(2_000, 0), rounds, **settings)
    asked = table(3_000, 1).astype(np.float32)
    expected = booster.predict(asked)
    assert np.ptp(expected) > 0
    assert np.allclose(scores(booster, asked), expected, rtol=1e-5, atol=1e-5)


def test_write_trees_adds_up_several_boosters(tmp_path: Path) -> None:
    boosters = [train(table(2_000, seed), 20, num_leaves=15) for seed in (0, 1)]
    asked = table(300, 2).astype(np.float32)
    write_trees(boosters, tmp_path, FEATURES)
    forest = TreeEnsemble(tmp_path)
    expected = np.asarray(boosters[0].predict(asked)) + np.asarray(boosters[1].predict(asked))
    assert np.allclose(forest.scores(asked), expected, rtol=1e-5, atol=1e-5)
    explained = forest.contributions(asked)
    assert explained is not None and explained.shape == asked.shape
    offsets = expected - explained.sum(axis=1)
    assert np.ptp(explained.sum(axis=1)) > 0 and np.allclose(offsets, offsets[0], atol=1e-6), "of both"


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_to_onnx_keeps_the_side_of_a_threshold(digits: int) -> None:
    """Few values, so that many are met again; and each threshold itself, with its float32 neighbours."""
    booster = train(table(2_000, 0, digits), 40, num_leaves=15)
    parts = [node for tree in booster.dump_model()["tree_info"] for node in splits(tree["tree_structure"])]
    edges = np.array([node["threshold"] for node in parts]).astype(np.float32)
    near = np.concatenate([edges, np.nextafter(edges, np.float32(-np.inf)), np.nextafter(edges, np.float32(np.inf))])
    near[np.abs(near) < 1.1e-35] = 0  # which LightGBM takes for zero
    asked = np.concatenate([table(500, 1, digits).astype(np.float32), np.tile(near[:, None], FEATURES)])
    assert np.allclose(scores(booster, asked), booster.predict(asked), rtol=1e-5, atol=1e-5)


def test_to_onnx_without_a_split_is_a_constant() -> None:
    booster = train(np.zeros((200, FEATURES)), 3)
    asked = table(7, 0).astype(np.float32)
    assert scores(booster, asked) == pytest.approx(booster.predict(asked), abs=1e-6)


def splits(node: dict[str, Any]) -> list[dict[str, Any]]:
    if "leaf_value" in node:
        return []
    return [node, *splits(node["left_child"]), *splits(node["right_child"])]


@pytest.mark.parametrize("count", [0, 1])
def test_to_onnx_scores_zero_and_one_rows(count: int) -> None:
    booster = train(table(200, 0), 2)
    assert len(scores(booster, table(count, 1).astype(np.float32))) == count
