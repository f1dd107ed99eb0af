"""Accumulate recall, nDCG and hit rate at k of replayed shelves, their coverage and popularity bias.

Every metric is taken of four groups of questions, `GROUPS`; `recommend.py` decides who is asked what.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shelfwise.trainer.evaluation.metrics import recall_and_ndcg

__all__ = ["GROUPS", "RecommendMetrics"]

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
        """Count one shelf.

        Args:
            shelf: The recommended ids, best first.
            wanted: The ids that the person took.
            k: How many of the shelf count.
            percentile: Each item's percentile in the catalogue by popularity, 0..1; an unknown item counts as 0.
        """
        recall, ndcg = recall_and_ndcg(shelf, wanted, k)
        self.n += 1
        self.recall += recall
        self.ndcg += ndcg
        self.hits += recall > 0
        for id in shelf[:k]:
            self.shown[id] = self.shown.get(id, 0) + 1
            self.percentiles += percentile.get(id, 0.0)

    def merge(self, other: RecommendMetrics) -> None:
        """Add the sums of another period."""
        self.n += other.n
        self.recall += other.recall
        self.ndcg += other.ndcg
        self.hits += other.hits
        self.percentiles += other.percentiles
        for id, times in other.shown.items():
            self.shown[id] = self.shown.get(id, 0) + times

    def report(self, catalogue: int) -> dict[str, float]:
        """Return means over people, `coverage` (share of the `catalogue` items shown to anybody), `popularity` (mean
        percentile of the shown items) and n; 0.0 where no question was asked."""
        n = max(1, self.n)
        return {
            "recall": self.recall / n,
            "ndcg": self.ndcg / n,
            "hr": self.hits / n,
            "coverage": len(self.shown) / max(1, catalogue),
            "popularity": self.percentiles / max(1, sum(self.shown.values())),
            "n": self.n,
        }
