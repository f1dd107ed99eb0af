"""The learned ranker as a generation holds it: fitted weights of the blend, and trees over all features beside them.

ONNX Runtime scores the trees. LightGBM, which trained them, is imported only to explain an answer: it brings pandas and
a second of waiting.
"""

from __future__ import annotations

import json
import logging
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from shelfwise.errors import GenerationCorrupt
from shelfwise.features import NAMES
from shelfwise.ranking import BLEND, TOP, blend, summands, weights_of

__all__ = ["CARD", "MIX", "MODEL", "TREES", "Ranker"]

CARD, MODEL, TREES = "ranker.json", "ranker.onnx", "trees.txt"
_log = logging.getLogger(__name__)
MIX = 10.0  # what the blend counts beside the trees


class Ranker:
    """Without a folder the blend as it is. Raises GenerationCorrupt where it was made for other features."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._session: Any = None
        self._guard = threading.Lock()
        self._learned = False
        self.weights = weights_of(BLEND)  # (n_features,)
        if folder is not None and (folder / CARD).exists():  # without it the rows for a later night only
            self._learned = True
            card = json.loads((folder / CARD).read_text())
            if card["features"] != list(NAMES):
                raise GenerationCorrupt("the ranker was trained on other features than this shelfwise has")
            self.weights = weights_of(card["weights"])
            if (folder / MODEL).exists():
                self._session = _open(folder / MODEL)

    @property
    def kind(self) -> str:
        """trees, weights, or blend where nothing was learned."""
        return "trees" if self._session is not None else "weights" if self._learned else "blend"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(n, n_features) float32 → (n,) float64, higher is better, comparable within one query."""
        base = blend(features, self.weights)
        if self._session is None or not len(base):
            return base
        top = _top(base)
        scores = base.copy()
        scores[top] += self._session.run(None, {"features": features[top]})[0][:, 0] / MIX
        rest = np.ones(len(base), np.bool_)
        rest[top] = False
        lowest = scores[top].min()
        if rest.any() and scores[rest].max() > lowest:
            scores[rest] -= scores[rest].max() - lowest
        return scores

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each feature adds to the score of each row, (n, n_features).

        Of the blend its summands; of the trees, for the rows that they rank, SHAP values by LightGBM itself: Lundberg
        et al., "Consistent Individualized Feature Attribution for Tree Ensembles" (2018).
        """
        added = summands(features, self.weights)
        if self._session is None or not len(added):
            return added
        top = _top(blend(features, self.weights))
        try:
            with self._guard:  # predicting from two threads at once is not promised
                shap = np.asarray(self._booster.predict(features[top], pred_contrib=True, num_threads=1))[:, :-1]
        except (ImportError, OSError):  # no OpenMP library on this machine
            _log.exception("the trees' part of the reasons is left out")
            return added
        added[top] += shap / MIX
        return added

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        assert self._folder is not None
        return lightgbm.Booster(model_file=self._folder / TREES)


def _top(scores: np.ndarray) -> np.ndarray:
    """The rows that the trees rank, best first."""
    return np.argsort(-scores, kind="stable")[:TOP]


def _open(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
