"""The search ranker of a generation: fitted weights of the blend, and a tree ensemble over all features beside it."""

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
MIX = 10.0  # the weight of the blend, where that of the trees is 1


class Ranker:
    """The ranker saved in a folder; without one, or if it holds no card, the blend with its own weights.

    Raises GenerationCorrupt where it was trained on other features than NAMES.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._trees: TreeEnsemble | None = None
        self._learned = False
        self.weights = weight_vector(BLEND)  # (n_features,)
        if folder is not None and (folder / CARD).exists():  # without it: only the examples for a later night
            self._learned = True
            card = json.loads((folder / CARD).read_text())
            if card["features"] != list(NAMES):
                raise GenerationCorrupt("ranker.json: expected the features of this shelfwise, got those of another")
            self.weights = weight_vector(card["weights"])
            if (folder / MODEL).exists():
                self._trees = TreeEnsemble(folder)

    @property
    def kind(self) -> str:
        """Return "trees", "weights", or "blend" where nothing was learned."""
        return "trees" if self._trees is not None else "weights" if self._learned else "blend"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the score of each candidate, (n,) float64, comparable within one query, of (n, n_features) float32."""
        base = blend(features, self.weights)
        if self._trees is None or not len(base):
            return base
        top = _top(base)
        scores = base.copy()
        scores[top] += self._trees.scores(features[top]) / MIX
        rest = np.ones(len(base), np.bool_)
        rest[top] = False
        lowest = scores[top].min()
        if rest.any() and scores[rest].max() > lowest:
            scores[rest] -= scores[rest].max() - lowest
        return scores

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the score of each row, (n, n_features).

        Those are the summands of the blend and, for the rows that the trees rank, their SHAP values.
        """
        added = contributions(features, self.weights)
        if self._trees is None or not len(added):
            return added
        top = _top(blend(features, self.weights))
        by_trees = self._trees.contributions(features[top])
        if by_trees is not None:
            added[top] += by_trees / MIX
        return added


def _top(scores: np.ndarray) -> np.ndarray:
    """Return the rows that the trees rank, best first."""
    return np.argsort(-scores, kind="stable")[:TOP]
