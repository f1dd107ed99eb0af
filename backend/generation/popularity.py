"""What a generation counts of each item rather than learns: how popular it is, and when it was first chosen.

The night writes the folder with `save`; the door opens it. All weights are decayed sums measured back from the
night's `until`.
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
    """`popularity`: id → 0..1, over weeks; `recent`: the same over days; `first_seen`: id → epoch seconds of its first
    event."""

    popularity: Mapping[str, float] = field(default_factory=dict)
    recent: Mapping[str, float] = field(default_factory=dict)
    first_seen: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> PopularityCounts:
        ids = json.loads((folder / "ids.json").read_text())
        with np.load(folder / "weights.npz") as arrays:
            return cls(*(_known(ids, arrays, name) for name in ("popularity", "recent", "first_seen")))


def _known(ids: list[str], arrays: Mapping[str, np.ndarray], name: str) -> dict[str, float]:
    """id → value where there is one; a generation of 0.1 holds no more than the popularity."""
    if name not in arrays:
        return {}
    return {id: value for id, value in zip(ids, arrays[name].tolist(), strict=True) if value > 0}


def save_popularity(folder: Path, ids: list[str], counts: Mapping[str, Mapping[str, float]]) -> None:
    """Write what `Statistics.open` reads: `counts` by name (popularity, recent, first_seen) and id."""
    folder.mkdir(parents=True)
    (folder / "ids.json").write_text(json.dumps(ids, ensure_ascii=False))
    arrays: dict[str, Any] = {name: np.array([of.get(id, 0.0) for id in ids]) for name, of in counts.items()}
    np.savez(folder / "weights.npz", **arrays)


def decayed_popularity(events: Iterable[Event], now: float, half_life_days: float = HALF_LIFE_DAYS) -> dict[str, float]:
    """Decayed worth of all events of an item, on a logarithmic scale, the most popular item at 1."""
    mass: dict[str, float] = {}
    for event in events:
        mass[event.item] = mass.get(event.item, 0.0) + EVENT_WEIGHTS[event.type] * decay(
            (now - event.ts) / DAY, half_life_days
        )
    top = math.log1p(max(0.0, *mass.values(), 0.0))
    return {id: math.log1p(value) / top for id, value in mass.items() if value > 0} if top > 0 else {}
