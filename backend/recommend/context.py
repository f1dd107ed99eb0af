"""What a shelf is made from: what was asked, the shopper's profile, the catalogue and a generation's signals."""

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

__all__ = ["IN_CART", "LAST_STEPS", "NEAREST", "RecommendContext", "Scored"]

Scored = tuple[np.ndarray, np.ndarray]  # rows (n,) int64, scores (n,) float64

NEAREST = 100
IN_CART = EVENT_WEIGHTS["cart"] / EVENT_WEIGHTS["purchase"]  # worth of a choice, from which on it was taken
_TAKEN_DAYS = 0.25  # longer, and next-day orders are missed: .004 of recall on Online Retail
LAST_STEPS, _STEP, _STEP_ITEMS = (
    5,
    0.6,
    20,
)  # the last steps of a visit, what each earlier one counts less, items of all


@dataclass(frozen=True, eq=False)
class RecommendContext:
    """What a shelf is made from: the items it is asked for, the shopper, the catalogue, a generation's knowledge."""

    given: np.ndarray  # (n,) int64 rows
    profile: UserProfile
    columns: CatalogueSnapshot
    counts: ItemCounts
    signals: SignalsByRow
    eligible: np.ndarray  # (columns.size,) bool
    index: VectorIndex | None
    passed_over: np.ndarray  # (columns.size,) float32, how often the shopper was shown each row and did not turn to it

    @cached_property
    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows that a shelf continues, and what each counts: what it is asked for, else the end of the last visit.

        What was chosen at one moment, as a basket is bought, is one step.
        """
        profile = self.profile
        if len(self.given):
            return self.given, np.ones(len(self.given))
        places = np.unique(profile.item[profile.visit < 1])
        step = np.unique(profile.days_since[places], return_inverse=True)[1]  # 0: the last one
        kept = np.flatnonzero(step < LAST_STEPS)[:_STEP_ITEMS]
        return profile.rows[places[kept]], _STEP ** step[kept]

    @cached_property
    def just_taken(self) -> np.ndarray:
        """Whether the shopper bought a row, or put it into the cart, within six hours, (columns.size,) bool."""
        profile = self.profile
        taken = np.zeros(self.columns.size, np.bool_)
        taken[profile.rows[profile.item[(profile.best_event_age < _TAKEN_DAYS) & (profile.weight >= IN_CART)]]] = True
        return taken

    @cached_property
    def eligible_filter(self) -> IdFilter:
        return IdFilter(self.columns.row_of, self.eligible)

    def near(self, vectors: np.ndarray, limit: int = NEAREST, mask: np.ndarray | None = None) -> list[dict[int, float]]:
        """For each of the vectors (m, dim) the nearest eligible rows, or rows of the mask, with their cosine."""
        if self.index is None or not len(vectors):
            return []
        found = self.index.search(
            vectors, limit, self.eligible_filter if mask is None else IdFilter(self.columns.row_of, mask)
        )
        return [{self.columns.row_of[id]: cosine for id, cosine in hits} for hits in found]

    def vectors(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of `rows` (n,) have a vector, as positions (m,), and their vectors (m, dim) float32."""
        return row_vectors(self.index, self.columns, rows)
