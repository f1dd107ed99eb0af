"""One shopper's past as arrays: their items with how often, how lately and at what rhythm they were chosen.

A visit is one session, or one day where no session is known. A row is an item's pk. Ages are days before now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import EVENT_WEIGHTS, decay_all
from shelfwise.index import VectorIndex
from shelfwise.shopper.row_vectors import row_vectors
from shelfwise.store import Event
from shelfwise.timestamps import DAY

__all__ = ["UserProfile"]

_WEIGHTS = {type: weight / EVENT_WEIGHTS["purchase"] for type, weight in EVENT_WEIGHTS.items()}  # of a choice
_TASTE_HALF_LIFE_DAYS = 60.0
_PRICE_TOLERANCE = 0.25  # of the log price: added to the deviation, which may be 0
_EMBEDDED_ITEMS, _EMBEDDING_HALF_LIFE_DAYS = 20, 7.0
_MAX_INTERESTS, _INTEREST_COSINE = 3, 0.6  # vectors of a shopper; least cosine of an item to its interest
_INTEREST_ITEMS, _INTEREST_HALF_LIFE_DAYS = 30, 14.0

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class UserProfile:
    """The m items of a shopper, last chosen first, without dismissed ones; and their c choices, newest first.

    A choice is one item in one visit.
    """

    rows: Rows  # (m,)
    item: Rows  # (c,) position in `rows`
    visit: Rows  # (c,) how many visits are newer
    age: Floats  # (c,) days since its newest event
    weight: Floats  # (c,) of its best event; 1 for a purchase
    best_event_age: Floats  # (c,) days since that event
    bought: npt.NDArray[np.bool_]  # (m,)
    dismissed: Rows  # rows of dismissed items

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def from_events(cls, events: Sequence[Event], columns: CatalogueSnapshot, now: float) -> UserProfile:
        """Return the profile of a shopper with these events, newest first, at `now` (epoch seconds)."""
        dismissed = {event.item for event in events if event.type == "dismiss"}
        positions: dict[int, int] = {}
        visits: dict[object, int] = {}
        choices: dict[tuple[int, int], list[float]] = {}
        bought: set[int] = set()
        row_of, size = columns.row_of, columns.size  # read once: a history has hundreds of events
        for event in events:
            row = row_of.get(event.item, 0)
            if not 0 < row < size or event.item in dismissed:
                continue
            position = positions.setdefault(row, len(positions))
            visit = visits.setdefault(event.visit, len(visits))
            weight = _WEIGHTS[event.type]
            age = max(0.0, now - event.ts) / DAY
            choice = choices.setdefault((position, visit), [age, weight, age])
            if weight > choice[1]:
                choice[1:] = weight, age
            if event.type == "purchase":
                bought.add(position)
        pairs = np.array(list(choices), np.int64).reshape(len(choices), 2)
        measured = np.array(list(choices.values()), np.float64).reshape(len(choices), 3)
        dismissed_rows = columns.rows(dismissed)
        return cls(
            np.fromiter(positions, np.int64, len(positions)), pairs[:, 0], pairs[:, 1],
            measured[:, 0], measured[:, 1], measured[:, 2],
            np.isin(np.arange(len(positions)), list(bought)), dismissed_rows[dismissed_rows > 0],
        )  # fmt: skip

    def without(self, row: int) -> UserProfile:
        """Return the profile as if the shopper had never chosen this item."""
        kept = self.rows != row
        position = np.cumsum(kept) - 1
        choices = kept[self.item]
        return UserProfile(
            self.rows[kept], position[self.item[choices]], np.unique(self.visit[choices], return_inverse=True)[1],
            self.age[choices], self.weight[choices], self.best_event_age[choices], self.bought[kept], self.dismissed,
        )  # fmt: skip

    # ---- each item, (m,) ----------------------------------------------------------------------------------------

    def decayed(self, half_life_days: float) -> Floats:
        """Return the summed weight of its choices, each halved with every half-life of age."""
        weights = self.weight * decay_all(self.age, half_life_days)
        return np.bincount(self.item, weights, minlength=len(self)).astype(np.float64)

    @cached_property
    def visit_counts(self) -> Floats:
        """Return in how many visits it was chosen."""
        return np.bincount(self.item, minlength=len(self)).astype(np.float64)

    @cached_property
    def days_since(self) -> Floats:
        """Return days since the last visit with it."""
        return self._least(self.age)

    @cached_property
    def days_since_first(self) -> Floats:
        """Return days since the first visit with it."""
        return -self._least(-self.age)

    @cached_property
    def visits_since_last(self) -> Floats:
        """Return how many visits are newer than the last one with it."""
        return self._least(self.visit.astype(np.float64))

    @cached_property
    def visits_since_first(self) -> Floats:
        """Return how many visits are newer than the first one with it."""
        return -self._least(-self.visit.astype(np.float64))

    @cached_property
    def mean_gap_days(self) -> Floats:
        """Return mean days between the visits with it; nan where there was only one."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(
                self.visit_counts > 1, (self.days_since_first - self.days_since) / (self.visit_counts - 1), np.nan
            )

    def _least(self, values: Floats) -> Floats:
        least = np.full(len(self), np.inf)
        np.minimum.at(least, self.item, values)
        return least

    @cached_property
    def purchases(self) -> UserProfile:
        """Return a profile of the same items by the choices that bought them; items never bought have none."""
        kept = self.weight == 1
        best = self.best_event_age[kept]
        return replace(
            self, item=self.item[kept], visit=self.visit[kept], age=best, weight=self.weight[kept], best_event_age=best
        )

    # ---- the shopper --------------------------------------------------------------------------------------------

    @cached_property
    def visits(self) -> int:
        """Return the number of visits."""
        return int(self.visit.max(initial=-1)) + 1

    def items_of_last_visits(self, visits: int) -> Rows:
        """Return the rows of the items of the last so many visits, (n,)."""
        return self.rows[np.unique(self.item[self.visit < visits])]

    @cached_property
    def item_shares(self) -> Floats:
        """Return each item's share of their choices, (m,), a choice halved with every 60 days of age."""
        weights = self.decayed(_TASTE_HALF_LIFE_DAYS)
        return weights / max(float(weights.sum()), 1e-9)

    def code_shares(self, codes: np.ndarray, rows: Rows) -> Floats:
        """Return the share of their choices that have the code of each of `rows` (n,); 0 for rows without a code.

        `codes` are those of a field by row of the catalogue, such as its brands; 0 is no code.
        """
        totals = np.bincount(codes[self.rows], self.item_shares, minlength=1)
        totals[0] = 0.0
        wanted = codes[rows]
        return np.where(wanted < len(totals), totals[np.minimum(wanted, len(totals) - 1)], 0.0)

    def price_deviations(self, prices: np.ndarray, rows: Rows) -> Floats:
        """Return how many deviations the log price of each of `rows` (n,) lies from the mean of their items.

        `prices` are by row of the catalogue, nan where there is none; the result is nan where either is unknown.
        """
        own = np.log1p(prices[self.rows])
        own = own[~np.isnan(own)]
        if not len(own):
            return np.full(len(rows), np.nan)
        return np.asarray((np.log1p(prices[rows]) - own.mean()) / (own.std() + _PRICE_TOLERANCE))

    def embedding(self, index: VectorIndex, columns: CatalogueSnapshot) -> npt.NDArray[np.float32] | None:
        """Return the unit mean vector of their newest 20 items, (dim,): each visit counts, halved with a week of age.

        A click weighs as much as a purchase: it tells as much of what is sought now. None where no item has a vector or
        all are too old to weigh anything.
        """
        positions, vectors = row_vectors(index, columns, self.rows[:_EMBEDDED_ITEMS])
        weights = np.bincount(self.item, decay_all(self.age, _EMBEDDING_HALF_LIFE_DAYS), minlength=len(self))
        total = weights[positions].astype(np.float32) @ vectors
        norm = float(np.linalg.norm(total))
        return np.asarray(total / norm) if norm > 0 else None

    def interests(self, index: VectorIndex, columns: CatalogueSnapshot) -> npt.NDArray[np.float32]:
        """Return unit vectors of what they choose lately, the strongest interest first, (at most 3, dim) float32.

        Each of their newest items joins the interest that it is like, else begins a new one: several, because the mean
        of a lamp and a rug is neither. After Pal et al., "PinnerSage" (2020).
        """
        positions, vectors = row_vectors(index, columns, self.rows[:_INTEREST_ITEMS])
        sums: list[np.ndarray] = []
        weights: list[float] = []
        decayed = self.decayed(_INTEREST_HALF_LIFE_DAYS)[positions].tolist()
        for weight, vector in zip(decayed, vectors, strict=True):
            weighted = max(weight, 1e-9) * vector
            cosines = [float(vector @ total) / (float(np.linalg.norm(total)) or 1.0) for total in sums]
            best = int(np.argmax(cosines)) if cosines else -1
            if best >= 0 and cosines[best] >= _INTEREST_COSINE:
                sums[best] = sums[best] + weighted
                weights[best] += weight
            else:
                sums.append(weighted)
                weights.append(weight)
        if not sums:
            return np.zeros((0, index.dim), np.float32)
        strongest = sorted(range(len(sums)), key=lambda number: -weights[number])[:_MAX_INTERESTS]
        kept = np.stack([sums[number] for number in strongest])
        return np.asarray(kept / np.linalg.norm(kept, axis=1, keepdims=True), np.float32)
