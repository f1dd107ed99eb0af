"""What both rankers are trained on: feature rows in groups. Only numbers are kept from generation to generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, NamedTuple, Self
from zlib import crc32

import numpy as np

__all__ = ["Group", "RankingExamples"]

_FILE = "rows.npz"


class Group(NamedTuple):
    """The candidates of one question, and what the question counts as one with when rankers are compared."""

    features: np.ndarray  # (n, n_features)
    chosen: np.ndarray  # (n,) weight of the choices
    cluster: str


@dataclass(frozen=True)
class RankingExamples:
    """Groups of candidates, oldest first; a subclass names the features and how many groups are kept."""

    NAMES: ClassVar[tuple[str, ...]] = ()
    MAX_GROUPS: ClassVar[int] = 0

    features: np.ndarray  # (n_rows, n_features) float16
    chosen: np.ndarray  # (n_rows,) float32, weight of the choices
    sizes: np.ndarray  # (n_groups,) int32, rows of each
    clusters: np.ndarray  # (n_groups,) int64, equal for groups that are not independent

    @classmethod
    def empty(cls) -> Self:
        """Return no groups."""
        return cls(
            np.zeros((0, len(cls.NAMES)), np.float16), np.zeros(0, np.float32), np.zeros(0, np.int32),
            np.zeros(0, np.int64),
        )  # fmt: skip

    @classmethod
    def from_groups(cls, groups: Sequence[Group]) -> Self:
        """Return the groups in their order."""
        if not groups:
            return cls.empty()
        return cls(
            np.concatenate([group.features for group in groups]).astype(np.float16),
            np.concatenate([group.chosen for group in groups]).astype(np.float32),
            np.array([len(group.chosen) for group in groups], np.int32),
            np.array([crc32(group.cluster.encode()) for group in groups], np.int64),
        )

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def starts(self) -> np.ndarray:
        """Return the first row of each group, (n_groups,) int64."""
        starts: np.ndarray = np.cumsum(self.sizes) - self.sizes
        return starts.astype(np.int64)

    @property
    def group_of_row(self) -> np.ndarray:
        """Return the group of each row, (n_rows,) int64."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def extended(self, newer: Self) -> Self:
        """Return these groups and newer ones, the newest MAX_GROUPS."""
        both = type(self)(*(np.concatenate([getattr(self, name), getattr(newer, name)]) for name in _FIELDS))
        return both.part(max(0, len(both) - self.MAX_GROUPS), len(both))

    def part(self, start: int, end: int) -> Self:
        """Return the groups from `start` to `end` (exclusive)."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        rows = slice(int(ends[start]), int(ends[end]))
        return type(self)(self.features[rows], self.chosen[rows], self.sizes[start:end], self.clusters[start:end])

    def save(self, folder: Path) -> None:
        """Write the groups into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / _FILE, names=np.array(self.NAMES), **vars(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; no groups where they have other features."""
        with np.load(folder / _FILE) as arrays:
            if list(arrays["names"]) != list(cls.NAMES):
                return cls.empty()
            return cls(*(arrays[name] for name in _FIELDS))


_FIELDS = tuple(field.name for field in fields(RankingExamples))
