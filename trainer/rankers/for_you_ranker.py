"""The trees that rank `for-you`, trained on past visits and judged on the newest fifth of them.

LambdaMART by LightGBM, half of it with extremely randomised trees (Geurts et al. 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.night_report_parts import RankerReport
from shelfwise.recommend.features import NAMES
from shelfwise.recommend.ranker import CARD, blend_contributions
from shelfwise.trainer.evaluation.metrics import ndcg_per_group, paired_interval
from shelfwise.trainer.export.onnx_trees import write_trees
from shelfwise.trainer.rankers.for_you_examples import ForYouExamples
from shelfwise.trainer.rankers.search_ranker import has_lightgbm

__all__ = ["fit_for_you_ranker"]

_MIN_FOR_TREES = 300  # visits from which trees are trained
_TREES: dict[str, Any] = {
    "objective": "lambdarank", "num_leaves": 31, "learning_rate": 0.1, "min_data_in_leaf": 100, "lambda_l2": 10.0,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "max_bin": 127,
    "lambdarank_truncation_level": 30, "verbose": -1, "deterministic": True,
}  # fmt: skip
_ROUNDS, _BOOSTERS = 150, 4  # each other one of extremely randomised trees


def fit_for_you_ranker(
    examples: ForYouExamples, folder: Path, seed: int, progress: Callable[[int, int], object] = lambda done, total: None
) -> RankerReport:
    """Train the trees, write them into `folder` if they beat the blend, and return how they were judged."""
    visits = len(examples)
    if visits < _MIN_FOR_TREES or not has_lightgbm():
        return RankerReport("blend", visits)
    split = visits - visits // 5
    early, late = examples.part(0, split), examples.part(split, visits)
    features = late.features.astype(np.float32)
    plain = ndcg_per_group(_blend_scores(features, late.sizes), late.chosen, late.sizes)
    boosters = _train_trees(_without_shoppers_of(early, late), seed, progress)
    scores = np.sum([booster.predict(features) for booster in boosters], axis=0)
    learned = ndcg_per_group(scores, late.chosen, late.sizes)
    low, high = paired_interval(learned - plain, late.clusters.tolist(), seed=seed)
    kind = "trees" if low > 0 else "blend"  # better than by chance
    if kind == "trees":
        _write(_train_trees(examples, seed, progress), folder)
    return RankerReport(kind, len(late), float(plain.mean()), float(learned.mean()), low, high)


def _without_shoppers_of(early: ForYouExamples, late: ForYouExamples) -> ForYouExamples:
    """Return the early visits of shoppers who have no late one: points in time may look at the same visit."""
    kept = ~np.isin(early.clusters, late.clusters)
    if kept.sum() < _MIN_FOR_TREES // 2:  # a shop of few regulars: better judged by their own later visits than not
        return early
    of_kept = kept[early.group_of_row]
    return ForYouExamples(early.features[of_kept], early.chosen[of_kept], early.sizes[kept], early.clusters[kept])


def _blend_scores(features: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the blend's score of each row, (n_rows,), each group by itself."""
    groups = np.split(features, np.cumsum(sizes)[:-1])
    return np.concatenate([blend_contributions(group).sum(axis=1) for group in groups])


def _train_trees(examples: ForYouExamples, seed: int, progress: Callable[[int, int], object]) -> list[Any]:
    """Return the boosters, whose scores add up: models with different errors err less together."""
    import lightgbm

    features, chosen = examples.features.astype(np.float32), examples.chosen.astype(np.int32)
    data = lightgbm.Dataset(features, chosen, group=examples.sizes, feature_name=list(NAMES))
    boosters = []
    for number in range(_BOOSTERS):
        progress(number, _BOOSTERS)
        settings = {**_TREES, "seed": seed + number, "extra_trees": number % 2 == 1}
        boosters.append(lightgbm.train(settings, data, _ROUNDS))
    progress(_BOOSTERS, _BOOSTERS)
    return boosters


def _write(boosters: Sequence[Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).write_text("\n".join(NAMES))
    write_trees(boosters, folder, len(NAMES))
