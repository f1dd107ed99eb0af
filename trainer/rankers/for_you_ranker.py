"""The trees that rank the shelf `for-you`, grown from past visits and judged on the newest fifth of them.

LambdaMART by LightGBM, half of it with extremely randomised trees (Geurts et al. 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.recommend.features import NAMES
from shelfwise.recommend.ranker import CARD, blend_contributions
from shelfwise.trainer.evaluation.metrics import paired_interval
from shelfwise.trainer.export.onnx_trees import write_trees
from shelfwise.trainer.rankers.for_you_examples import ForYouExamples
from shelfwise.trainer.rankers.search_ranker import RankerReport, has_lightgbm, ndcg_per_group

__all__ = ["fit_for_you_ranker"]

_LEAST_FOR_TREES = 300  # visits from which trees are grown
_TREES: dict[str, Any] = {
    "objective": "lambdarank", "num_leaves": 31, "learning_rate": 0.1, "min_data_in_leaf": 100, "lambda_l2": 10.0,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "max_bin": 127,
    "lambdarank_truncation_level": 30, "verbose": -1, "deterministic": True,
}  # fmt: skip
_ROUNDS, _BOOSTERS = 150, 4  # each other one of extremely randomised trees


def fit_for_you_ranker(
    examples: ForYouExamples, folder: Path, seed: int, progress: Callable[[int, int], object] = lambda done, total: None
) -> RankerReport:
    """Write the trees into `folder` if they may serve, and say how they were judged against the blend."""
    visits = len(examples)
    if visits < _LEAST_FOR_TREES or not has_lightgbm():
        return RankerReport("blend", visits)
    split = visits - visits // 5
    late = examples.part(split, visits)
    plain = ndcg_per_group(_blend(late), late)
    asked = late.features.astype(np.float32)
    grown = _train_trees(_of_others(examples.part(0, split), late), seed, progress)
    gains = ndcg_per_group(np.sum([booster.predict(asked) for booster in grown], axis=0), late)
    low, high = paired_interval(gains - plain, late.clusters.tolist(), seed=seed)
    kind = "trees" if low > 0 else "blend"  # better than by chance
    if kind == "trees":
        _write(_train_trees(examples, seed, progress), folder)
    return RankerReport(kind, len(late), float(plain.mean()), float(gains.mean()), low, high)


def _of_others(early: ForYouExamples, late: ForYouExamples) -> ForYouExamples:
    """The early visits of shoppers whom the late ones don't ask: neighbouring evenings may look at the same visit."""
    kept = ~np.isin(early.clusters, late.clusters)
    if (
        kept.sum() < _LEAST_FOR_TREES // 2
    ):  # a shop of few regulars: better judged by their own later visits than by nobody
        return early
    of_kept = np.repeat(kept, early.sizes)
    return ForYouExamples(early.features[of_kept], early.chosen[of_kept], early.sizes[kept], early.clusters[kept])


def _blend(examples: ForYouExamples) -> np.ndarray:
    """The blend's score of each row, (n_rows,), each group by itself."""
    ends = np.cumsum(examples.sizes)
    groups = np.split(examples.features.astype(np.float32), ends[:-1]) if len(ends) else []
    return np.concatenate([blend_contributions(group).sum(axis=1) for group in groups])


def _train_trees(examples: ForYouExamples, seed: int, progress: Callable[[int, int], object]) -> list[Any]:
    """The boosters whose scores add up: those that err differently err less together."""
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
