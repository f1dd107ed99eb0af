"""How each candidate of a search suits the shopper: own items, what goes with them, brand, category, price, embedding.

From the shopper's events at the moment of the request: a click changes the next answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import EVENT_WEIGHTS
from shelfwise.generation.item_signals import SignalsByRow
from shelfwise.index import VectorIndex
from shelfwise.shopper.row_vectors import row_vectors
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event

__all__ = ["ShopperTaste", "shopper_taste"]

_OWN_HALF_LIFE_DAYS = 60.0
_COMPANIONS_OF = 50  # newest items of the shopper


@dataclass(frozen=True, eq=False)
class ShopperTaste:
    """A shopper's profile with what it says of the catalogue's rows, to be compared with the candidates of a search."""

    profile: UserProfile
    columns: CatalogueSnapshot
    index: VectorIndex
    companions: np.ndarray  # (columns.size,) how strongly it goes into baskets with what they have, at most 1

    def features(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features of TASTES for candidates `rows` (n,), (n,) float32 each; "taste" only if it is known."""
        profile, columns = self.profile, self.columns
        own = np.zeros(columns.size)
        own[profile.rows] = np.log1p(EVENT_WEIGHTS["purchase"] * profile.decayed(_OWN_HALF_LIFE_DAYS))
        price = profile.price_deviations(columns.price, rows)
        tastes = {
            "own": own[rows],
            "companion": self.companions[rows],
            "brand": profile.code_shares(columns.brand, rows),
            "category": profile.code_shares(columns.category, rows),
            "price_fit": np.nan_to_num(np.exp(-0.5 * price**2), nan=0.0),
        }
        embedding = profile.embedding(self.index, columns)
        if embedding is not None:
            positions, vectors = row_vectors(self.index, columns, rows)
            tastes["taste"] = np.zeros(len(rows))
            tastes["taste"][positions] = vectors @ embedding
        return {name: values.astype(np.float32) for name, values in tastes.items()}


def shopper_taste(
    events: Sequence[Event], columns: CatalogueSnapshot, index: VectorIndex, signals: SignalsByRow, now: float
) -> ShopperTaste | None:
    """Return the taste of a shopper from their events, or None where these name no item of the catalogue.

    Args:
        events: the shopper's, newest first
        columns: the catalogue
        index: the vectors of its items
        signals: a generation's links, of which those of baskets ("together") tell what goes with their items
        now: epoch seconds
    """
    profile = UserProfile.from_events(events, columns, now)
    if not len(profile):
        return None
    newest = profile.rows[:_COMPANIONS_OF]
    companions = signals.spread("together", newest, np.ones(len(newest)))
    return ShopperTaste(profile, columns, index, companions / (companions.max(initial=0.0) or 1.0))
