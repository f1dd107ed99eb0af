"""What the steps of a night work on, and its parent, opened once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from shelfwise import Shop
from shelfwise.generation.registry import WORK, Generation
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.night.plan import Budget, Options, Plan
from shelfwise.trainer.night.run_log import RunLog
from shelfwise.trainer.statistics.catalogue_vectors import CatalogueTexts, encode_catalogue

__all__ = ["NightState", "OpenParent", "open_parent"]


@dataclass(frozen=True, slots=True)
class OpenParent:
    """The generation to learn from: its files, what it serves, and its vectors of today's catalogue.

    `vectors` are by its encoder, (n_items, dim) float32.
    """

    generation: Generation
    loaded: LoadedGeneration
    vectors: np.ndarray


def open_parent(
    shop: Shop, generation: Generation, catalogue: CatalogueTexts, progress: Callable[[int, int], object]
) -> OpenParent:
    """Open the parent and encode the catalogue with its encoder."""
    loaded = LoadedGeneration(generation, shop.store, shop.path)
    loaded.encode_backlog()
    # A quantised index would lose a little each time its vectors are taken again.
    exact = loaded.index if loaded.index.kind in ("flat", "gpu") else None
    return OpenParent(generation, loaded, encode_catalogue(catalogue, loaded.encoder, progress, exact))


@dataclass(frozen=True)
class NightState:
    """What every step may read; the steps write into `folder`, the candidate generation's, and into the run log.

    `seed` is that of every random choice of the night, but for the judge's.
    """

    shop: Shop
    plan: Plan
    options: Options
    budget: Budget
    seed: int
    run_log: RunLog
    catalogue: CatalogueTexts
    data: TrainingData
    parent: OpenParent
    folder: Path

    @property
    def work(self) -> Path:
        """Return the folder of what a killed night leaves for the next one to go on from."""
        return self.shop.path / WORK

    @cached_property
    def texts(self) -> dict[str, str]:
        """Return id → text of the night's items."""
        return self.catalogue.texts

    @cached_property
    def titles(self) -> dict[str, str]:
        """Return id → title of the night's items; others may have come meanwhile."""
        return {id: title for id, title in self.shop.store.items.titles() if id in self.texts}
