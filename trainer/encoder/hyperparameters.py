"""The settings of one training, and the batches that follow from them. No torch here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["TrainingConfig", "plan_batches"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """The settings of one training; the defaults are measured in docs/measurements.md."""

    learning_rate: float = 4e-5
    batch_size: int = 64  # over all ranks
    epochs: int = 1
    schedule: Literal["constant_with_warmup", "linear", "cosine"] = "constant_with_warmup"
    warmup_share: float = 0.1
    scale: float = 20.0  # inverse temperature of the softmax over the batch
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    dropout: bool = True  # the encoder's own; without it any number of ranks gives the same weights within rounding
    bf16: bool | None = None  # None: where the hardware computes it


def plan_batches(count: int, config: TrainingConfig, seed: int) -> list[list[int]]:
    """Return the rows of each step over all epochs: shuffled, in nearly equal batches of at most the batch size."""
    rng = np.random.default_rng(seed)
    steps = math.ceil(count / config.batch_size)
    return [part.tolist() for _ in range(config.epochs) for part in np.array_split(rng.permutation(count), steps)]
