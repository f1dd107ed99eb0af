"""The ranker of a generation: the blend's weights fitted to the shop's own searches, and trees where there are enough.

Both are judged on the newest fifth of the searches, by what was learned from the others, against the blend as it is;
then they learn from all. Trees: LambdaMART by LightGBM, Burges, "From RankNet to LambdaRank to LambdaMART" (2010).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from shelfwise.search.blend import BLEND, LEARNED, weight_vector
from shelfwise.search.features import NAMES
from shelfwise.search.ranker import CARD, MIX
from shelfwise.trainer.evaluation.metrics import TOP, paired_interval
from shelfwise.trainer.export.onnx_trees import write_trees
from shelfwise.trainer.rankers.search_examples import RankingExamples

__all__ = ["RankerReport", "fit_search_ranker", "has_lightgbm", "ndcg_per_group"]

_LEAST_FOR_WEIGHTS, _LEAST_FOR_TREES = 50, 300  # searches from which weights are fitted, and trees grown
_TEMPERATURE = 10.0  # of the choice model; with it a cosine of 1 is worth about 1
_SPREAD = 0.05  # how far a weight is expected to lie from the blend's
_LEARNED = [NAMES.index(name) for name in LEARNED]
_TREES: dict[str, Any] = {
    "objective": "lambdarank", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 30, "lambda_l2": 1.0,
    "feature_fraction": 0.8, "lambdarank_truncation_level": 10, "label_gain": list(range(31)), "verbose": -1,
    "num_threads": 1, "deterministic": True,
}  # fmt: skip
_ROUNDS = 150
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RankerReport:
    """How a ranker did on the newest searches, nDCG@10 beside the plain blend's; `kind` is trees, weights or blend."""

    kind: str
    searches: int
    blend: float = 0.0
    learned: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __str__(self) -> str:
        return (
            f"ranker ({self.kind}): nDCG@10 {self.blend:.3f} → {self.learned:.3f} over {self.searches} searches"
            f" (difference {self.low:+.3f}..{self.high:+.3f})"
        )


@dataclass(frozen=True)
class _Learned:
    weights: np.ndarray  # (n_features,)
    trees: Any = None  # a LightGBM booster

    def scores(self, features: np.ndarray) -> np.ndarray:
        base = blend_scores(features, self.weights)
        return base if self.trees is None else base + self.trees.predict(features) / MIX


def fit_search_ranker(examples: RankingExamples, folder: Path, seed: int) -> RankerReport:
    """Write the ranker that may serve into `folder`, which holds nothing of it else; and say how it was judged."""
    groups = len(examples)
    if groups < _LEAST_FOR_WEIGHTS:
        return RankerReport("blend", groups)
    split = groups - groups // 5
    early, late = examples.part(0, split), examples.part(split, groups)
    plain = ndcg_per_group(blend_scores(late.features, weight_vector(BLEND)), late)
    best = RankerReport("blend", len(late), float(plain.mean()), float(plain.mean()))
    for kind in ("weights", "trees") if groups >= _LEAST_FOR_TREES and has_lightgbm() else ("weights",):
        gains = ndcg_per_group(_learn(early, kind, seed).scores(late.features.astype(np.float32)), late)
        low, high = paired_interval(gains - plain, late.clusters.tolist(), seed=seed)
        # Fitted weights stay near the blend; trees that look better by chance would cost half a point.
        if gains.mean() > best.learned and (kind == "weights" or low > 0):
            best = RankerReport(kind, len(late), best.blend, float(gains.mean()), low, high)
    if best.kind != "blend":
        _write(_learn(examples, best.kind, seed), folder)
    return best


def has_lightgbm() -> bool:
    """Whether LightGBM loads here: its wheel needs OpenMP's library, which a slim image may lack."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError) as problem:
        _log.warning("no trees are grown: %s; on Debian or Ubuntu run: apt install libgomp1", problem)
        return False
    return True


def _learn(examples: RankingExamples, kind: str, seed: int) -> _Learned:
    weights = _fit_weights(examples)
    return _Learned(weights, _train_trees(examples, seed) if kind == "trees" else None)


def _fit_weights(examples: RankingExamples) -> np.ndarray:
    """The weights that make the choices most likely, each expected near the blend's, (n_features,).

    A conditional logit: McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior" (1974).
    """
    features = examples.features[:, _LEARNED].astype(np.float64)
    expected = weight_vector(BLEND)[_LEARNED]
    starts, group = _groups(examples)
    chosen = examples.chosen.astype(np.float64)
    total = np.add.reduceat(chosen, starts)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = _TEMPERATURE * (features @ weights)
        scores -= np.maximum.reduceat(scores, starts)[group]
        chances = np.exp(scores)
        sums = np.add.reduceat(chances, starts)[group]
        away = weights - expected
        value = -float((chosen * (scores - np.log(sums))).sum()) + float((away**2).sum()) / (2 * _SPREAD**2)
        slope = _TEMPERATURE * (features.T @ (chances / sums * total[group] - chosen)) + away / _SPREAD**2
        return value, slope

    found = minimize(loss, expected, jac=True, method="L-BFGS-B").x
    weights = weight_vector(BLEND)
    weights[_LEARNED] = found / found[0] if found[0] > 0 else expected  # on the scale of the cosine
    return weights


def _train_trees(examples: RankingExamples, seed: int) -> Any:
    import lightgbm

    starts, group = _groups(examples)
    total = np.add.reduceat(examples.chosen, starts)[group]
    data = lightgbm.Dataset(
        examples.features.astype(np.float32),
        np.round(30 * examples.chosen / total).astype(np.int32),
        group=examples.sizes,
        weight=total,
        feature_name=list(NAMES),
    )
    return lightgbm.train({**_TREES, "seed": seed}, data, _ROUNDS)


def _write(learned: _Learned, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: float(weight) for name, weight in zip(NAMES, learned.weights, strict=True) if weight}
    (folder / CARD).write_text(json.dumps({"features": list(NAMES), "weights": weights}, indent=1))
    if learned.trees is not None:
        write_trees([learned.trees], folder, len(NAMES))


def blend_scores(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The blend over rows of many groups: taste counts as if every query were ambiguous, (n_rows,) float64."""
    scores: np.ndarray = features.astype(np.float32) @ weights
    return scores


def _groups(examples: RankingExamples) -> tuple[np.ndarray, np.ndarray]:
    """Where each group starts, (n_groups,), and the group of each row, (n_rows,)."""
    starts = np.concatenate([[0], np.cumsum(examples.sizes)[:-1]]).astype(np.int64)
    return starts, np.repeat(np.arange(len(examples)), examples.sizes)


def ndcg_per_group(scores: np.ndarray, examples: RankingExamples) -> np.ndarray:
    """nDCG@10 of each group with the weights of its choices as gains, (n_groups,)."""
    starts, _ = _groups(examples)
    discounts = 1 / np.log2(np.arange(TOP) + 2)
    gains = np.zeros(len(examples))
    for number, (start, size) in enumerate(zip(starts.tolist(), examples.sizes.tolist(), strict=True)):
        chosen = examples.chosen[start : start + size]
        order = np.argsort(-scores[start : start + size], kind="stable")[:TOP]
        ideal = np.sort(chosen)[::-1][:TOP]
        gains[number] = (chosen[order] * discounts[: len(order)]).sum() / (ideal * discounts[: len(ideal)]).sum()
    return gains
