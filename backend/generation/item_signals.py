"""What a generation counted for recommendations: numbers of each item, and which items lead to which.

The night writes the folder with `save`; the door opens it, and `Placed` says everything by row of the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.item_links import ItemLinks

__all__ = ["ITEM_SIGNALS", "MATRICES", "ItemSignals", "SignalsByRow", "save_signals"]

# Of each item, as of the night's `until`:
ITEM_SIGNALS = (
    "buyers",  # shoppers who ever chose it
    "week",  # shoppers who chose it in the last seven days
    "month",  # the same in the last twenty-eight
    "trend",  # how far the last week is beyond what the weeks before made expect, in standard deviations
    "repeat",  # the chance that who chose it ever chooses it again, 0..1
    "rebuy",  # the chance that who had it chooses it at a visit, over months
    "rebuy_lately",  # the same, over weeks
    "rebuy_category",  # the same, over months, of its category
    "newly",  # how often a visit is somebody's first with it, over weeks
    "central",  # cosine to the mean of the catalogue, 0..1
)
# What leads to what:
MATRICES = (
    "together",  # chosen in the same basket
    "viewed",  # looked at in the same session
    "linked",  # what a shopper's history makes expect, whenever
    "following",  # what it makes expect at the next visit, things chosen again too
)
_FILE = "signals.npz"


@dataclass(frozen=True, eq=False)
class ItemSignals:
    """By place in `ids`; `numbers` of ITEM_SIGNALS, each (n_items,) float32; `links` of MATRICES."""

    ids: Sequence[str] = ()
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    links: Mapping[str, ItemLinks] = field(default_factory=dict)

    def companions(self, ids: Sequence[str]) -> dict[str, float]:
        """What goes into the same baskets as these items: id → the links' weights, summed."""
        links = self.links.get("together", ItemLinks())
        found: dict[str, float] = {}
        for id in ids:
            for row, weight in zip(*links.links_of(self._row_of.get(id, -1)), strict=True):
                found[self.ids[row]] = found.get(self.ids[row], 0.0) + float(weight)
        return found

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self.ids)}

    @classmethod
    def open(cls, folder: Path) -> ItemSignals:
        ids = json.loads((folder / "ids.json").read_text())
        with np.load(folder / _FILE) as arrays:
            return cls(
                ids,
                {name: arrays[name] for name in ITEM_SIGNALS if name in arrays},
                {name: ItemLinks.from_arrays(name, arrays) for name in MATRICES},
            )


def save_signals(
    folder: Path, ids: Sequence[str], numbers: Mapping[str, np.ndarray], links: Mapping[str, ItemLinks]
) -> None:
    """Write what `Signals.open` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ids.json").write_text(json.dumps(list(ids), ensure_ascii=False))
    arrays: dict[str, Any] = {name: values.astype(np.float32) for name, values in numbers.items()}
    for name, matrix in links.items():
        arrays |= matrix.to_arrays(name)
    np.savez(folder / _FILE, **arrays)


class SignalsByRow:
    """The signals by row of one snapshot of the catalogue: everything is (columns.size,), 0 where nothing is known."""

    def __init__(self, signals: ItemSignals, columns: CatalogueSnapshot) -> None:
        self.columns = columns
        self._signals = signals
        self._rows = columns.rows(signals.ids)  # (n_items,) catalogue row of each place, 0 for one that is gone
        self._places = np.full(columns.size, -1, np.int64)
        self._places[self._rows] = np.arange(len(self._rows))
        self._places[0] = -1

    def signal(self, name: str) -> npt.NDArray[np.float32]:
        return self._numbers[name]

    def spread(self, name: str, rows: np.ndarray, weights: np.ndarray) -> npt.NDArray[np.float32]:
        """Where `rows` (m,) lead together by a matrix, each counting `weights` (m,); by row of the catalogue."""
        found = np.zeros(self.columns.size, np.float32)
        links = self._signals.links.get(name)
        if links is not None and len(rows):
            found[self._rows] = links.spread(self._places[rows], weights, len(self._rows))
            found[0] = 0.0
        return found

    def weights_to(self, name: str, row: int, others: np.ndarray) -> npt.NDArray[np.float32]:
        """How strongly each of `others` (m,) leads to `row` by a matrix, (m,)."""
        links = self._signals.links.get(name)
        if links is None or self._places[row] < 0:
            return np.zeros(len(others), np.float32)
        return links.weights_to(int(self._places[row]), self._places[others])

    def support(self, name: str, row: int, other: int) -> int:
        """How many shoppers link `row` to `other`."""
        links = self._signals.links.get(name)
        return 0 if links is None else links.support_of(int(self._places[row]), int(self._places[other]))

    @cached_property
    def _numbers(self) -> dict[str, npt.NDArray[np.float32]]:
        placed = {}
        for name in ITEM_SIGNALS:
            by_row = np.zeros(self.columns.size, np.float32)
            if name in self._signals.numbers:
                by_row[self._rows] = self._signals.numbers[name]
                by_row[0] = 0.0
            placed[name] = by_row
        return placed
