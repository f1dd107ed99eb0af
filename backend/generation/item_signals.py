"""Item signals for recommendations: numbers of each item, and links between items.

The night writes the folder with `save_signals`; serving loads it, and `SignalsByRow` reads it by row of the catalogue.
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
    "month",  # shoppers who chose it in the last twenty-eight days
    "trend",  # the last week above the mean of the weeks before, in standard deviations
    "repeat",  # the probability that a shopper who chose it ever chooses it again, 0..1
    "rebuy",  # the probability that a shopper who had it chooses it at a visit, over months
    "rebuy_lately",  # as rebuy, over weeks
    "rebuy_category",  # as rebuy, of its category
    "newly",  # how often a visit is a shopper's first with it, over weeks
    "central",  # cosine to the mean of the catalogue, 0..1
)
# Links:
MATRICES = (
    "together",  # chosen in the same basket
    "viewed",  # viewed in the same session
    "linked",  # predicted by a shopper's history, at any time
    "following",  # predicted for the next visit, repeat purchases included
)
_FILE = "signals.npz"


@dataclass(frozen=True, eq=False)
class ItemSignals:
    """By position in `ids`: `numbers` by ITEM_SIGNALS, each (n_items,) float32; `links` by MATRICES."""

    ids: Sequence[str] = ()
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    links: Mapping[str, ItemLinks] = field(default_factory=dict)

    def companions(self, ids: Sequence[str]) -> dict[str, float]:
        """Return what goes into the same baskets as these items: id → the sum of the links' weights."""
        links = self.links.get("together", ItemLinks())
        weights: dict[str, float] = {}
        for id in ids:
            for row, weight in zip(*links.links_of(self._row_of.get(id, -1)), strict=True):
                weights[self.ids[row]] = weights.get(self.ids[row], 0.0) + float(weight)
        return weights

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self.ids)}

    @classmethod
    def load(cls, folder: Path) -> ItemSignals:
        """Read what `save_signals` wrote; a signal or matrix that an older night didn't count is left out or empty."""
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
    """Write what `ItemSignals.load` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ids.json").write_text(json.dumps(list(ids), ensure_ascii=False))
    arrays: dict[str, Any] = {name: values.astype(np.float32) for name, values in numbers.items()}
    for name, matrix in links.items():
        arrays |= matrix.to_arrays(name)
    np.savez(folder / _FILE, **arrays)


class SignalsByRow:
    """The signals by row of one snapshot of the catalogue: each (columns.size,), 0 for an item without one."""

    def __init__(self, signals: ItemSignals, columns: CatalogueSnapshot) -> None:
        self.columns = columns
        self._signals = signals
        self._rows = columns.rows(signals.ids)  # (n_items,) the catalogue row of each item, 0 for one that is gone
        self._item_of_row = np.full(columns.size, -1, np.int64)
        self._item_of_row[self._rows] = np.arange(len(self._rows))
        self._item_of_row[0] = -1

    def signal(self, name: str) -> npt.NDArray[np.float32]:
        """Return one of ITEM_SIGNALS by row, 0 where it was not counted."""
        return self._numbers[name]

    def spread(self, name: str, rows: np.ndarray, weights: np.ndarray) -> npt.NDArray[np.float32]:
        """Return a matrix's link weights summed over `rows` (m,), each times its `weights` (m,), by row."""
        by_row = np.zeros(self.columns.size, np.float32)
        links = self._signals.links.get(name)
        if links is not None and len(rows):
            by_row[self._rows] = links.spread(self._item_of_row[rows], weights, len(self._rows))
            by_row[0] = 0.0
        return by_row

    def weights_to(self, name: str, row: int, others: np.ndarray) -> npt.NDArray[np.float32]:
        """Return the weight of a matrix's link from each of `others` (m,) to `row`, (m,)."""
        links = self._signals.links.get(name)
        if links is None or self._item_of_row[row] < 0:
            return np.zeros(len(others), np.float32)
        return links.weights_to(int(self._item_of_row[row]), self._item_of_row[others])

    def support(self, name: str, row: int, other: int) -> int:
        """Return how many shoppers made a matrix's link from `row` to `other`."""
        links = self._signals.links.get(name)
        return 0 if links is None else links.support_of(int(self._item_of_row[row]), int(self._item_of_row[other]))

    @cached_property
    def _numbers(self) -> dict[str, npt.NDArray[np.float32]]:
        numbers = {}
        for name in ITEM_SIGNALS:
            by_row = np.zeros(self.columns.size, np.float32)
            if name in self._signals.numbers:
                by_row[self._rows] = self._signals.numbers[name]
                by_row[0] = 0.0
            numbers[name] = by_row
        return numbers
