"""The search ranker: the blend's weights fitted to the shop's own searches, and trees where there are enough.

Both are judged on the newest fifth of the searches, trained on the others, against the blend as it is; then they are
trained on all. Trees: LambdaMART by LightGBM, Burges, "From RankNet to LambdaRank to LambdaMART" (2010).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from shelfwise.night_report_parts import RankerReport
from shelfwise.search.blend import BLEND, LEARNED, weight_vector
from shelfwise.search.features import NAMES
from shelfwise.search.ranker import CARD, MIX
from shelfwise.trainer.evaluation.metrics import ndcg_per_group, paired_interval
from shelfwise.trainer.export.onnx_trees import write_trees
from shelfwise.trainer.rankers.search_examples import SearchExamples

__all__ = ["fit_search_ranker", "has_lightgbm"]

_MIN_FOR_WEIGHTS, _MIN_FOR_TREES = 50, 300  # searches from which weights are fitted, and trees trained
_TEMPERATURE = 10.0  # of the choice model; with it a cosine of 1 weighs about 1
_WEIGHT_SPREAD = 0.05  # standard deviation that is expected of a weight around the blend's
_LEARNED = [NAMES.index(name) for name in LEARNED]
_TREES: dict[str, Any] = {
    "objective": "lambdarank", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 30, "lambda_l2": 1.0,
    "feature_fraction": 0.8, "lambdarank_truncation_level": 10, "label_gain": list(range(31)), "verbose": -1,
    "num_threads": 1, "deterministic": True,
}  # fmt: skip
_ROUNDS = 150
_MAX_LABEL = 30  # the labels of a search sum up to about that
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Model:
    weights: np.ndarray  # (n_features,)
    trees: Any = None  # a LightGBM booster

    def scores(self, features: np.ndarray) -> np.ndarray:
        base = _blend_scores(features, self.weights)
        return base if self.trees is None else base + self.trees.predict(features) / MIX


def fit_search_ranker(examples: SearchExamples, folder: Path, seed: int) -> RankerReport:
    """Fit a ranker, write it into `folder` if it beats the blend, and return how it was judged."""
    n_groups = len(examples)
    if n_groups < _MIN_FOR_WEIGHTS:
        return RankerReport("blend", n_groups)
    split = n_groups - n_groups // 5
    early, late = examples.part(0, split), examples.part(split, n_groups)
    features = late.features.astype(np.float32)
    plain = ndcg_per_group(_blend_scores(features, weight_vector(BLEND)), late.chosen, late.sizes)
    best = RankerReport("blend", len(late), float(plain.mean()), float(plain.mean()))
    for kind in ("weights", "trees") if n_groups >= _MIN_FOR_TREES and has_lightgbm() else ("weights",):
        learned = ndcg_per_group(_fit(early, kind, seed).scores(features), late.chosen, late.sizes)
        low, high = paired_interval(learned - plain, late.clusters.tolist(), seed=seed)
        # Fitted weights stay near the blend; trees that look better by chance would cost half a point.
        if learned.mean() > best.learned and (kind == "weights" or low > 0):
            best = RankerReport(kind, len(late), best.blend, float(learned.mean()), low, high)
    if best.kind != "blend":
        _write(_fit(examples, best.kind, seed), folder)
    return best


def has_lightgbm() -> bool:
    """Return whether LightGBM loads here: its wheel needs OpenMP's library, which a slim image may lack."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError) as problem:
        _log.warning("no trees are trained: %s; on Debian or Ubuntu run: apt install libgomp1", problem)
        return False
    return True


def _fit(examples: SearchExamples, kind: str, seed: int) -> _Model:
    weights = _fit_weights(examples)
    return _Model(weights, _train_trees(examples, seed) if kind == "trees" else None)


def _fit_weights(examples: SearchExamples) -> np.ndarray:
    """Return the weights that make the choices most likely, each expected near the blend's, (n_features,).

    A conditional logit: McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior" (1974).
    """
    features = examples.features[:, _LEARNED].astype(np.float64)
    expected = weight_vector(BLEND)[_LEARNED]
    starts, group = examples.starts, examples.group_of_row
    chosen = examples.chosen.astype(np.float64)
    total = np.add.reduceat(chosen, starts)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = _TEMPERATURE * (features @ weights)
        scores -= np.maximum.reduceat(scores, starts)[group]
        exps = np.exp(scores)
        sums = np.add.reduceat(exps, starts)[group]
        offset = weights - expected
        value = -float((chosen * (scores - np.log(sums))).sum()) + float((offset**2).sum()) / (2 * _WEIGHT_SPREAD**2)
        slope = _TEMPERATURE * (features.T @ (exps / sums * total[group] - chosen)) + offset / _WEIGHT_SPREAD**2
        return value, slope

    fitted = minimize(loss, expected, jac=True, method="L-BFGS-B").x
    weights = weight_vector(BLEND)
    weights[_LEARNED] = fitted / fitted[0] if fitted[0] > 0 else expected  # on the scale of the cosine
    return weights


def _train_trees(examples: SearchExamples, seed: int) -> Any:
    import lightgbm

    total = np.add.reduceat(examples.chosen, examples.starts)[examples.group_of_row]
    data = lightgbm.Dataset(
        examples.features.astype(np.float32),
        np.round(_MAX_LABEL * examples.chosen / total).astype(np.int32),
        group=examples.sizes,
        weight=total,
        feature_name=list(NAMES),
    )
    return lightgbm.train({**_TREES, "seed": seed}, data, _ROUNDS)


def _write(model: _Model, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: float(weight) for name, weight in zip(NAMES, model.weights, strict=True) if weight}
    (folder / CARD).write_text(json.dumps({"features": list(NAMES), "weights": weights}, indent=1))
    if model.trees is not None:
        write_trees([model.trees], folder, len(NAMES))


def _blend_scores(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the blend of rows of many groups, (n_rows,): taste counts as if every query were ambiguous."""
    scores: np.ndarray = features.astype(np.float32) @ weights
    return scores
