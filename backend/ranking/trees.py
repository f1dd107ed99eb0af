"""Gradient-boosted trees: scored by ONNX Runtime, explained by LightGBM.

LightGBM, which trained them, is imported only to explain an answer: it imports pandas and takes a second.
"""

from __future__ import annotations

import logging
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

__all__ = ["MODEL", "TREES", "TreeEnsemble"]

MODEL, TREES = "ranker.onnx", "trees{}.txt"
_log = logging.getLogger(__name__)


class TreeEnsemble:
    """The trees in a folder that holds MODEL, and TREES for each booster in it. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = str(folder / MODEL)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def scores(self, features: np.ndarray) -> npt.NDArray[np.float32]:
        """Return the scores of the features (n, n_features) float32, (n,) float32."""
        scores: npt.NDArray[np.float32] = self._session.run(None, {"features": features})[0][:, 0]
        return scores

    def contributions(self, features: np.ndarray) -> np.ndarray | None:
        """Return what each feature adds to each score, (n, n_features): SHAP values; None if LightGBM doesn't load.

        Lundberg et al., "Consistent Individualized Feature Attribution for Tree Ensembles" (2018).
        """
        try:
            with self._lock:  # predicting from two threads at once is not promised
                parts = [booster.predict(features, pred_contrib=True, num_threads=1) for booster in self._boosters]
            return np.asarray(np.sum(parts, axis=0)[:, :-1])
        except (ImportError, OSError):  # no OpenMP library on this machine
            _log.exception("the trees' part of the reasons is left out")
            return None

    @cached_property
    def _boosters(self) -> list[Any]:
        import lightgbm

        return [lightgbm.Booster(model_file=path) for path in sorted(self._folder.glob(TREES.format("*")))]
