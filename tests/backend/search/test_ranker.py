"""The learned ranker: what ONNX Runtime makes of LightGBM's trees, what it refuses, and that its reasons add up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from shelfwise.errors import GenerationCorrupt
from shelfwise.search.blend import BLEND, TOP, blend, weight_vector
from shelfwise.search.features import NAMES
from shelfwise.search.ranker import CARD, MIX, Ranker
from shelfwise.trainer.export.onnx_trees import write_trees
from support.threads import run_in_threads

WEIGHTS = {"cosine": 1.0, "coverage": 0.7, "taste": 0.2, "own": 0.1}
CHANCE = np.random.default_rng(0)


def some(count: int) -> np.ndarray:
    """Features as they may be: shares, counts, ages, many zeros. (count, n_features) float32"""
    made = CHANCE.random((count, len(NAMES))) * CHANCE.choice([0, 1, 1, 60], (count, len(NAMES)))
    return np.round(made, CHANCE.integers(1, 7)).astype(np.float32)


@pytest.fixture(scope="module")
def booster() -> Any:
    features = some(1_500)
    gains = (3 * features[:, 0] + features[:, 3] + CHANCE.random(1_500) > 2).astype(int)
    data = lightgbm.Dataset(features, gains, group=[30] * 50, feature_name=list(NAMES))
    settings = {"objective": "lambdarank", "num_leaves": 15, "min_data_in_leaf": 10, "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings, data, 25)


def written(folder: Path, booster: Any = None, **card: Any) -> Path:
    folder.mkdir()
    (folder / CARD).write_text(json.dumps({"features": list(NAMES), "weights": WEIGHTS} | card))
    if booster is not None:
        write_trees([booster], folder, len(NAMES))
    return folder


@pytest.fixture
def trees(tmp_path: Path, booster: Any) -> Ranker:
    return Ranker(written(tmp_path / "ranker", booster))


# ---- without trees ----------------------------------------------------------------------------------------


def test_without_a_folder_it_is_the_blend() -> None:
    ranker, features = Ranker(), some(9)
    assert ranker.kind == "blend"
    assert ranker.scores(features).tolist() == blend(features, weight_vector(BLEND)).tolist()


def test_ranker_folder_with_examples_only_is_the_blend(tmp_path: Path) -> None:
    (tmp_path / "rows.npz").write_bytes(b"")
    ranker, features = Ranker(tmp_path), some(9)
    assert ranker.kind == "blend"
    assert ranker.scores(features).tolist() == Ranker().scores(features).tolist()


def test_fitted_weights_take_the_place_of_the_blends(tmp_path: Path) -> None:
    ranker, features = Ranker(written(tmp_path / "ranker")), some(9)
    assert ranker.kind == "weights"
    assert ranker.scores(features).tolist() == blend(features, weight_vector(WEIGHTS)).tolist()


@pytest.mark.parametrize("features", [[], NAMES[:-1], [*NAMES, "new"], [*NAMES[1:], NAMES[0]]])
def test_one_trained_on_other_features_is_refused(tmp_path: Path, booster: Any, features: list[str]) -> None:
    with pytest.raises(GenerationCorrupt, match="features of this shelfwise"):
        Ranker(written(tmp_path / "ranker", booster, features=list(features)))


# ---- trees ------------------------------------------------------------------------------------------------


def test_the_scores_are_lightgbms(trees: Ranker, booster: Any) -> None:
    assert trees.kind == "trees"
    for count in (1, 2, TOP):
        features = some(count)
        expected = blend(features, weight_vector(WEIGHTS)) + booster.predict(features) / MIX
        assert trees.scores(features) == pytest.approx(expected, abs=1e-5)


def test_a_feature_on_a_threshold_falls_on_the_same_side(trees: Ranker, booster: Any) -> None:
    """Thresholds are float64 and features float32: those next to every threshold are tried."""
    features = np.zeros((0, len(NAMES)), np.float32)
    for tree in booster.dump_model()["tree_info"][:8]:
        for node in splits(tree["tree_structure"]):
            near = np.tile(some(1), (3, 1))
            value = np.float32(node["threshold"])
            near[:, node["split_feature"]] = (
                value,
                np.nextafter(value, np.float32(9)),
                np.nextafter(value, -np.float32(9)),
            )
            features = np.concatenate([features, near])
    for start in range(0, len(features), TOP):
        part = features[start : start + TOP]
        expected = blend(part, weight_vector(WEIGHTS)) + booster.predict(part) / MIX
        assert trees.scores(part) == pytest.approx(expected, abs=1e-5)


def splits(node: dict[str, Any]) -> list[dict[str, Any]]:
    if "leaf_value" in node:
        return []
    return [node, *splits(node["left_child"]), *splits(node["right_child"])]


def test_the_trees_rank_only_the_best_of_the_blend(trees: Ranker, booster: Any) -> None:
    features = some(5 * TOP)
    features[:, [NAMES.index(name) for name in WEIGHTS]] = 0.5  # the blend hardly tells them apart, the trees do
    features[:, 0] += np.linspace(0, 0.01, len(features))
    base, scores = blend(features, weight_vector(WEIGHTS)), trees.scores(features)
    order = np.argsort(-base, kind="stable")
    top, rest = order[:TOP], order[TOP:]
    expected = base[top] + booster.predict(features[top]) / MIX
    assert scores[top] == pytest.approx(expected, abs=1e-5)
    assert expected.min() < base[rest].max(), "else this shows nothing"
    assert scores[rest].max() <= scores[top].min(), "further down never passes them"
    assert np.argsort(-scores[rest], kind="stable").tolist() == np.argsort(-base[rest], kind="stable").tolist()


def test_no_candidates(trees: Ranker) -> None:
    nothing = np.zeros((0, len(NAMES)), np.float32)
    assert trees.scores(nothing).shape == (0,)
    assert trees.contributions(nothing).shape == (0, len(NAMES))


@pytest.mark.parametrize("count", [1, 5, TOP, 3 * TOP])
def test_the_contributions_sum_to_the_score(trees: Ranker, tmp_path: Path, count: int) -> None:
    """Up to what is the same for all that the trees rank: SHAP values are told from the trees' mean."""
    features = some(count)
    for ranker in (Ranker(), Ranker(written(tmp_path / "weights")), trees):
        contributions, scores = ranker.contributions(features), ranker.scores(features)
        assert contributions.shape == features.shape
        top = np.argsort(-blend(features, ranker.weights), kind="stable")[:TOP]
        apart = scores[top] - contributions[top].sum(axis=1)
        assert apart == pytest.approx(np.full(len(top), apart[0]), abs=1e-5)
        if ranker is not trees:
            assert contributions.sum(axis=1) == pytest.approx(scores, abs=1e-5)


def test_what_the_trees_do_not_rank_they_do_not_explain(trees: Ranker) -> None:
    features = some(3 * TOP)
    rest = np.argsort(-blend(features, trees.weights), kind="stable")[TOP:]
    added = trees.contributions(features)[rest]
    assert added.sum(axis=1) == pytest.approx(blend(features, trees.weights)[rest], abs=1e-5)


def test_threads_share_it(trees: Ranker) -> None:
    features = some(30)
    expected, reasons = trees.scores(features), trees.contributions(features)
    wrong: list[object] = []

    def work(_: int) -> None:
        for _ in range(20):
            if not np.allclose(trees.scores(features), expected):
                wrong.append("scores")
            if not np.allclose(trees.contributions(features), reasons):
                wrong.append("contributions")

    run_in_threads(work, range(4))
    assert wrong == []


def test_scoring_needs_no_lightgbm(tmp_path: Path, booster: Any) -> None:
    """It brings pandas and a second of waiting, so only an explanation imports it."""
    folder = written(tmp_path / "ranker", booster)
    code = (
        "import sys, numpy as np; from pathlib import Path; from shelfwise.search.ranker import CARD, Ranker;"
        f"ranker = Ranker(Path({str(folder)!r})); features = np.zeros((3, {len(NAMES)}), np.float32);"
        "ranker.scores(features); before = 'lightgbm' in sys.modules;"
        "ranker.contributions(features); print(ranker.kind, before, 'lightgbm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["trees", "False", "True"], "")
