"""Which of the candidates comes first: a blend of features, and where the generation has learned enough, its trees.

The blend's weights were measured on three real shops (docs/measurements.md); a night fits those of LEARNED to the
shop's own searches. Taste is added after either, the more the less the rest tells the candidates apart.
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

# feature → what a whole of it is worth; a cosine of 1 is worth 1
BLEND: Mapping[str, float] = {
    "cosine": 1.0, "bm25_share": 0.2, "bm25": 0.01, "coverage": 0.4, "popularity": 0.25,
    "memory_share": 0.2, "word_share": 0.2, "near_share": 0.1,
    "taste": 0.1, "own": 0.1, "companion": 0.1, "brand": 0.05, "category": 0.05, "price_fit": 0.0,
}  # fmt: skip
LEARNED = ("cosine", "bm25_share", "bm25", "coverage", "popularity", "memory_share", "word_share", "near_share")
TOP = 40  # the candidates that the trees rank, in training and at the door: further down they know nothing
_IS_TASTE = np.array([name in TASTES for name in NAMES])
_CLOSE = 20.0  # the temperature at which scores count as close, as in the encoder's loss
_AMBIGUOUS = 20.0  # as many candidates about as good make a query wholly ambiguous


@dataclass(frozen=True, slots=True)
class SourceSwitches:
    """What an answer may be made of; the measurements leave one out to see what it is worth."""

    words: bool = True
    meaning: bool = True
    memory: bool = True
    neighbours: bool = True
    popularity: bool = True
    taste: bool = True
    ranker: bool = True

    def left_out(self) -> np.ndarray:
        """The columns of the features that stay empty, (n_features,) bool."""
        off = {field.name for field in fields(self) if not getattr(self, field.name)}
        return np.array([SOURCES[name] in off for name in NAMES])


ALL = SourceSwitches()


def mask_sources(features: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The features (n, n_features) without those columns."""
    return np.where(columns, np.float32(0), features)


def weight_vector(weights: Mapping[str, float]) -> np.ndarray:
    """The weights by column, (n_features,) float64; what is not named is worth nothing."""
    return np.array([weights.get(name, 0.0) for name in NAMES])


def blend(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, n_features) and (n_features,) → (n,) float64."""
    general: np.ndarray = features @ np.where(_IS_TASTE, 0.0, weights)
    personal = features @ np.where(_IS_TASTE, weights, 0.0)
    return general + query_ambiguity(general) * personal if personal.any() else general


def contributions(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What each feature adds to the blend, (n, n_features) float64."""
    general = features @ np.where(_IS_TASTE, 0.0, weights)
    added: np.ndarray = features * np.where(_IS_TASTE, query_ambiguity(general) * weights, weights)
    return added


def query_ambiguity(scores: np.ndarray) -> float:
    """How many candidates are about as good as the best, 0..1: the perplexity of their softmax over 20, at most 1."""
    if len(scores) < 2:
        return 0.0
    chances = np.exp(_CLOSE * (scores - scores.max()))
    chances /= chances.sum()
    entropy = -float((chances * np.log(np.maximum(chances, 1e-12))).sum())
    return min(1.0, float(np.exp(entropy)) / _AMBIGUOUS)
