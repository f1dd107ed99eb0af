"""The ranker of `for-you`: a night's tree ensemble, else a fixed blend of features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from shelfwise.errors import GenerationCorrupt
from shelfwise.ranking.trees import MODEL, TreeEnsemble
from shelfwise.recommend.features import NAMES

__all__ = ["CARD", "ForYouRanker", "blend_contributions"]

CARD = "wishes.json"
# Measured on Online Retail (docs/measurements.md).
_BLEND: Mapping[str, float] = {
    "own_90": 1.0, "linked_60": 0.5, "following": 0.3, "month": 0.3, "popularity": 0.1, "like_one": 0.05,
}  # fmt: skip


class ForYouRanker:
    """Scores the candidates of `for-you` by the trees in `folder`, or by a fixed blend where there are none.

    Raises GenerationCorrupt where the trees were trained on other features.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._trees: TreeEnsemble | None = None
        if folder is not None and (folder / MODEL).exists():
            if (folder / CARD).read_text().split() != list(NAMES):
                raise GenerationCorrupt(f"{CARD}: expected the features of this shelfwise, got those of another")
            self._trees = TreeEnsemble(folder)

    @property
    def kind(self) -> str:
        """Return "trees", or "blend" where no night trained any."""
        return "blend" if self._trees is None else "trees"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the scores of the features (n, n_features) float32, (n,) float64, comparable for one shopper."""
        if self._trees is None or not len(features):
            return np.asarray(blend_contributions(features).sum(axis=1))
        return self._trees.scores(features).astype(np.float64)

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """Return what each feature adds to each score, (n, n_features)."""
        by_trees = None if self._trees is None or not len(features) else self._trees.contributions(features)
        return blend_contributions(features) if by_trees is None else by_trees


def blend_contributions(features: np.ndarray) -> np.ndarray:
    """Return what each feature adds to the blend, (n, n_features): its share of the greatest, times its weight."""
    contributions = np.zeros(features.shape, np.float64)
    for name, weight in _BLEND.items():
        column = NAMES.index(name)
        values = features[:, column]
        top = float(values.max(initial=0.0))
        if top > 0:
            contributions[:, column] = weight * np.maximum(values, 0.0) / top
    return contributions
