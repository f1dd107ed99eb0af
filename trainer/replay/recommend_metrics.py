"""The measures of replayed shelves: recall, nDCG and hit rate at k of a basket, coverage and popularity bias.

Every measure is taken of four groups of questions, `GROUPS`; who is asked what is `replay_shelves`'s.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["GROUPS", "RecommendMetrics", "graded"]

# Everybody; people with history; and both again, for what each person never had before.
GROUPS = ("all", "known", "new_items", "known_new_items")


@dataclass
class RecommendMetrics:
    """Sums over the shelves of one group."""

    n: int = 0
    recall: float = 0.0
    ndcg: float = 0.0
    hits: int = 0
    shown: dict[str, int] = field(default_factory=dict)  # item → shelves it stood on
    percentiles: float = 0.0

    def add(self, shelf: Sequence[str], wanted: Collection[str], k: int, percentile: Mapping[str, float]) -> None:
        """`percentile` is each item's place among the catalogue by popularity, 0..1; unknown ones are unpopular."""
        recall, ndcg = graded(shelf, wanted, k)
        self.n += 1
        self.recall += recall
        self.ndcg += ndcg
        self.hits += recall > 0
        for id in shelf[:k]:
            self.shown[id] = self.shown.get(id, 0) + 1
            self.percentiles += percentile.get(id, 0.0)

    def merge(self, other: RecommendMetrics) -> None:
        self.n += other.n
        self.recall += other.recall
        self.ndcg += other.ndcg
        self.hits += other.hits
        self.percentiles += other.percentiles
        for id, times in other.shown.items():
            self.shown[id] = self.shown.get(id, 0) + times

    def report(self, catalogue: int) -> dict[str, float]:
        """Means over people; `coverage`, the share of the catalogue shown to anybody; `popularity`, the mean
        percentile of what was shown; and n. 0.0 where nothing was asked."""
        n = max(1, self.n)
        return {
            "recall": self.recall / n,
            "ndcg": self.ndcg / n,
            "hr": self.hits / n,
            "coverage": len(self.shown) / max(1, catalogue),
            "popularity": self.percentiles / max(1, sum(self.shown.values())),
            "n": self.n,
        }


def graded(shelf: Sequence[str], wanted: Collection[str], k: int) -> tuple[float, float]:
    """(recall, nDCG) of the first k: hits / min(k, wanted), and binary nDCG whose ideal has min(k, wanted) hits."""
    most = min(k, len(wanted))
    gains = [1 / math.log2(position + 2) for position, id in enumerate(shelf[:k]) if id in wanted]
    ideal = sum(1 / math.log2(place + 2) for place in range(most))
    return (len(gains) / most, sum(gains) / ideal) if most else (0.0, 0.0)
