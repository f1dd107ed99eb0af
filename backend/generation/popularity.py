"""Popularity counts of a generation: how popular each item is, and when it was first chosen.

The night writes the folder with `save_popularity`; serving loads it. All weights are decayed sums measured back from
the night's `until`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.events import EVENT_WEIGHTS, decay
from shelfwise.store import Event
from shelfwise.timestamps import DAY

__all__ = [
    "HALF_LIFE_DAYS",
    "RECENT_HALF_LIFE_DAYS",
    "PopularityCounts",
    "decayed_popularity",
    "save_popularity",
]

HALF_LIFE_DAYS = 10.0
RECENT_HALF_LIFE_DAYS = 2.0


@dataclass(frozen=True)
class PopularityCounts:
    """Counts by item id; an item without any is absent."""

    popularity: Mapping[str, float] = field(default_factory=dict)  # 0..1, over weeks
    recent: Mapping[str, float] = field(default_factory=dict)  # 0..1, over days
    first_seen: Mapping[str, float] = field(default_factory=dict)  # epoch seconds of the first event

    @classmethod
    def load(cls, folder: Path) -> PopularityCounts:
        """Read what `save_popularity` wrote."""
        ids = json.loads((folder / "ids.json").read_text())
        with np.load(folder / "weights.npz") as arrays:
            return cls(*(_counted(ids, arrays, name) for name in ("popularity", "recent", "first_seen")))


def _counted(ids: list[str], arrays: Mapping[str, np.ndarray], name: str) -> dict[str, float]:
    """Return id → value where there is one; a generation of 0.1 holds the popularity only."""
    if name not in arrays:
        return {}
    return {id: value for id, value in zip(ids, arrays[name].tolist(), strict=True) if value > 0}


def save_popularity(folder: Path, ids: list[str], counts: Mapping[str, Mapping[str, float]]) -> None:
    """Write what `PopularityCounts.load` reads: `counts` by name (popularity, recent, first_seen) and id."""
    folder.mkdir(parents=True)
    (folder / "ids.json").write_text(json.dumps(ids, ensure_ascii=False))
    arrays: dict[str, Any] = {name: np.array([values.get(id, 0.0) for id in ids]) for name, values in counts.items()}
    np.savez(folder / "weights.npz", **arrays)


def decayed_popularity(events: Iterable[Event], now: float, half_life_days: float = HALF_LIFE_DAYS) -> dict[str, float]:
    """Return id → popularity: log1p of the sum of its decayed event weights, the most popular item at 1.

    `now` is in epoch seconds; items whose dismissals outweigh the rest are absent.
    """
    mass: dict[str, float] = {}
    for event in events:
        mass[event.item] = mass.get(event.item, 0.0) + EVENT_WEIGHTS[event.type] * decay(
            (now - event.ts) / DAY, half_life_days
        )
    top = math.log1p(max(0.0, *mass.values(), 0.0))
    return {id: math.log1p(value) / top for id, value in mass.items() if value > 0} if top > 0 else {}
