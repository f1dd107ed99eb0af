"""The linear blend of features that orders candidates until a generation has learned trees, and beneath these.

The weights were measured on three real shops (docs/measurements.md); a night fits those of LEARNED to the shop's own
searches. Taste counts the more, the less the other features tell the candidates apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from shelfwise.search.features import NAMES, SOURCES, TASTES

__all__ = [
    "ALL",
    "BLEND",
    "LEARNED",
    "TOP",
    "SourceSwitches",
    "blend",
    "contributions",
    "mask_sources",
    "query_ambiguity",
    "weight_vector",
]

# feature → its weight, where a cosine has 1
BLEND: Mapping[str, float] = {
    "cosine": 1.0, "bm25_share": 0.2, "bm25": 0.01, "coverage": 0.4, "popularity": 0.25,
    "memory_share": 0.2, "word_share": 0.2, "near_share": 0.1,
    "taste": 0.1, "own": 0.1, "companion": 0.1, "brand": 0.05, "category": 0.05, "price_fit": 0.0,
}  # fmt: skip
LEARNED = ("cosine", "bm25_share", "bm25", "coverage", "popularity", "memory_share", "word_share", "near_share")
TOP = 40  # candidates that the trees rank, in training and in serving: of those further down they learned nothing
_IS_TASTE = np.array([name in TASTES for name in NAMES])
_SHARPNESS = 20.0  # inverse temperature of the softmax over the scores, as in the encoder's loss
_MAX_PERPLEXITY = 20.0  # as many candidates about as good make a query wholly ambiguous


@dataclass(frozen=True, slots=True)
class SourceSwitches:
    """Which sources an answer is made of: measurements switch one off to see what it contributes."""

    words: bool = True
    meaning: bool = True
    memory: bool = True
    neighbours: bool = True
    popularity: bool = True
    taste: bool = True
    ranker: bool = True

    def left_out(self) -> np.ndarray:
        """Return which columns belong to a source that is off, (n_features,) bool."""
        off = {field.name for field in fields(self) if not getattr(self, field.name)}
        return np.array([SOURCES[name] in off for name in NAMES])


ALL = SourceSwitches()


def mask_sources(features: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the features (n, n_features) with 0 in the `columns`, (n_features,) bool."""
    return np.where(columns, np.float32(0), features)


def weight_vector(weights: Mapping[str, float]) -> np.ndarray:
    """Return the weights by column, (n_features,) float64, 0 for a feature that is not named."""
    return np.array([weights.get(name, 0.0) for name in NAMES])


def blend(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the score of each candidate, (n,) float64, from (n, n_features) features and (n_features,) weights."""
    general: np.ndarray = features @ np.where(_IS_TASTE, 0.0, weights)
    personal = features @ np.where(_IS_TASTE, weights, 0.0)
    return general + query_ambiguity(general) * personal if personal.any() else general


def contributions(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what each feature adds to the blend, (n, n_features) float64."""
    general = features @ np.where(_IS_TASTE, 0.0, weights)
    added: np.ndarray = features * np.where(_IS_TASTE, query_ambiguity(general) * weights, weights)
    return added


def query_ambiguity(scores: np.ndarray) -> float:
    """Return how many candidates are about as good as the best, 0..1: their softmax's perplexity / 20, at most 1."""
    if len(scores) < 2:
        return 0.0
    probabilities = np.exp(_SHARPNESS * (scores - scores.max()))
    probabilities /= probabilities.sum()
    entropy = -float((probabilities * np.log(np.maximum(probabilities, 1e-12))).sum())
    return min(1.0, float(np.exp(entropy)) / _MAX_PERPLEXITY)
