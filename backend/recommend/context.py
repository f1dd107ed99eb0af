"""The data that one request's recommendations are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import EVENT_WEIGHTS
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import SignalsByRow
from shelfwise.index import IdFilter, VectorIndex
from shelfwise.shopper.row_vectors import row_vectors
from shelfwise.shopper.user_profile import UserProfile

__all__ = ["CART_WEIGHT", "MAX_STEPS", "RecommendContext", "Scored"]

Scored = tuple[np.ndarray, np.ndarray]  # rows (n,) int64, scores (n,) float64

CART_WEIGHT = EVENT_WEIGHTS["cart"] / EVENT_WEIGHTS["purchase"]  # a choice of this weight or more took the item
_TAKEN_DAYS = 0.25  # longer, and next-day orders are missed: .004 of recall on Online Retail
MAX_STEPS = 5  # the last ones of a visit
_STEP_DECAY = 0.6  # of the weight, for each later step
_MAX_STEP_ITEMS = 20  # a step that bought a basket has many
_MAX_NEAREST = 100


@dataclass(frozen=True, eq=False)
class RecommendContext:
    """The items that a request names, its shopper, the catalogue, and what a generation knows; all by row."""

    seeds: np.ndarray  # (n,) int64 rows of the items that the request names
    profile: UserProfile
    columns: CatalogueSnapshot
    counts: ItemCounts
    signals: SignalsByRow
    eligible: np.ndarray  # (columns.size,) bool
    index: VectorIndex
    passed_over: np.ndarray  # (columns.size,) float32, how often each row was shown to the shopper and not chosen

    @cached_property
    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows to continue from and their weights: the request's items, else the end of the last visit.

        What was chosen at one moment, as a basket is bought, is one step.
        """
        profile = self.profile
        if len(self.seeds):
            return self.seeds, np.ones(len(self.seeds))
        positions = np.unique(profile.item[profile.visit < 1])
        step = np.unique(profile.days_since[positions], return_inverse=True)[1]  # 0: the last one
        kept = np.flatnonzero(step < MAX_STEPS)[:_MAX_STEP_ITEMS]
        return profile.rows[positions[kept]], _STEP_DECAY ** step[kept]

    @cached_property
    def just_taken(self) -> np.ndarray:
        """Return whether the shopper bought a row or put it into the cart within six hours, (columns.size,) bool."""
        profile = self.profile
        taken = np.zeros(self.columns.size, np.bool_)
        is_taken = (profile.best_event_age < _TAKEN_DAYS) & (profile.weight >= CART_WEIGHT)
        taken[profile.rows[profile.item[is_taken]]] = True
        return taken

    @cached_property
    def _eligible_filter(self) -> IdFilter:
        return IdFilter(self.columns.row_of, self.eligible)

    def nearest(
        self, vectors: np.ndarray, limit: int = _MAX_NEAREST, mask: np.ndarray | None = None
    ) -> list[dict[int, float]]:
        """Return row → cosine of the nearest eligible rows, or rows of `mask`, for each of the vectors (m, dim)."""
        if not len(vectors):
            return []
        allowed = self._eligible_filter if mask is None else IdFilter(self.columns.row_of, mask)
        hits = self.index.search(vectors, limit, allowed)
        return [{self.columns.row_of[id]: cosine for id, cosine in of_vector} for of_vector in hits]

    def vectors(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of `rows` (n,) have a vector, as positions (m,), and their vectors (m, dim) float32."""
        return row_vectors(self.index, self.columns, rows)
