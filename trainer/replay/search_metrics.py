"""Accumulate hit rate, MAP and nDCG at k of a replayed search log, one relevant item a click, by kind of click."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["SearchMetrics", "summed_by_rank"]

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
        """Return `summed_by_rank` of each kind of click."""
        return {kind: summed_by_rank(ranks, self.k) for kind, ranks in self.ranks.items()}


def summed_by_rank(ranks: Sequence[int | None], k: int) -> dict[str, float]:
    """Return means over clicks: hr, map = 1/rank, ndcg = 1/log2(1 + rank), 0 beyond k; and n."""
    found = [rank for rank in ranks if rank is not None and rank <= k]
    n = max(1, len(ranks))
    return {
        "hr": len(found) / n,
        "map": sum(1 / rank for rank in found) / n,
        "ndcg": sum(1 / math.log2(1 + rank) for rank in found) / n,
        "n": len(ranks),
    }
