"""The learned ranker as a generation holds it: fitted weights of the blend, and trees over all features beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from shelfwise.errors import GenerationCorrupt
from shelfwise.ranking.trees import MODEL, TreeEnsemble
from shelfwise.search.blend import BLEND, TOP, blend, contributions, weight_vector
from shelfwise.search.features import NAMES

__all__ = ["CARD", "MIX", "Ranker"]

CARD = "ranker.json"
MIX = 10.0  # what the blend counts beside the trees


class Ranker:
    """Without a folder the blend as it is. Raises GenerationCorrupt where it was made for other features."""

    def __init__(self, folder: Path | None = None) -> None:
        self._forest: TreeEnsemble | None = None
        self._learned = False
        self.weights = weight_vector(BLEND)  # (n_features,)
        if folder is not None and (folder / CARD).exists():  # without it the rows for a later night only
            self._learned = True
            card = json.loads((folder / CARD).read_text())
            if card["features"] != list(NAMES):
                raise GenerationCorrupt("the ranker was trained on other features than this shelfwise has")
            self.weights = weight_vector(card["weights"])
            if (folder / MODEL).exists():
                self._forest = TreeEnsemble(folder)

    @property
    def kind(self) -> str:
        """trees, weights, or blend where nothing was learned."""
        return "trees" if self._forest is not None else "weights" if self._learned else "blend"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(n, n_features) float32 → (n,) float64, higher is better, comparable within one query."""
        base = blend(features, self.weights)
        if self._forest is None or not len(base):
            return base
        top = _top(base)
        scores = base.copy()
        scores[top] += self._forest.scores(features[top]) / MIX
        rest = np.ones(len(base), np.bool_)
        rest[top] = False
        lowest = scores[top].min()
        if rest.any() and scores[rest].max() > lowest:
            scores[rest] -= scores[rest].max() - lowest
        return scores

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each feature adds to the score of each row, (n, n_features).

        Of the blend its summands; of the trees, for the rows that they rank, SHAP values.
        """
        added = contributions(features, self.weights)
        if self._forest is None or not len(added):
            return added
        top = _top(blend(features, self.weights))
        by_trees = self._forest.contributions(features[top])
        if by_trees is not None:
            added[top] += by_trees / MIX
        return added


def _top(scores: np.ndarray) -> np.ndarray:
    """The rows that the trees rank, best first."""
    return np.argsort(-scores, kind="stable")[:TOP]
