"""Accumulate hit rate, MAP and nDCG at k of a replayed search log, one relevant item a click, by kind of click."""

from __future__ import annotations

from dataclasses import dataclass, field

from shelfwise.trainer.evaluation.metrics import mean_rank_metrics

__all__ = ["SearchMetrics"]

KINDS = ("all", "unseen_queries", "new_items")


@dataclass
class SearchMetrics:
    """The ranks of the clicked items; a rank is 1-based, None when the item was not among the first k."""

    k: int
    ranks: dict[str, list[int | None]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def n(self) -> int:
        """Return the number of clicks."""
        return len(self.ranks["all"])

    def add(self, rank: int | None, unseen_query: bool, new_item: bool) -> None:
        """Count a click in each kind that it is of."""
        self.ranks["all"].append(rank)
        if unseen_query:
            self.ranks["unseen_queries"].append(rank)
        if new_item:
            self.ranks["new_items"].append(rank)

    def report(self) -> dict[str, dict[str, float]]:
        """Return `mean_rank_metrics` of each kind of click."""
        return {kind: mean_rank_metrics(ranks, self.k) for kind, ranks in self.ranks.items()}
