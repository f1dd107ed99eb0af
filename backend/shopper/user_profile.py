"""What one shopper did, as arrays: their items with how often, how lately and at what rhythm.

A visit is one session, or one day where no session is known. A row is an item's pk. Times are days before now.
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

_TASTE_HALF_LIFE_DAYS = 60.0
_PRICE_TOLERANCE = 0.25  # of the log price: added to the deviation, which may be 0
_EMBEDDED_ITEMS, _EMBEDDING_HALF_LIFE_DAYS = 20, 7.0
_MAX_INTERESTS, _INTEREST_COSINE = 3, 0.6  # vectors of a shopper; least cosine of an item to its interest
_INTEREST_ITEMS, _INTEREST_HALF_LIFE_DAYS = 30, 14.0

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class UserProfile:
    """A shopper's items `rows` (m,), last chosen first, without dismissed ones; and each visit's choices, newest first.

    A choice is one item in one visit: `item` (c,) its place in `rows`, `visit` (c,) how many visits are newer, `age`
    (c,) its days, `worth` (c,) that of the best event, a purchase being 1, `best` (c,) the days since that one.
    """

    rows: Rows
    item: Rows
    visit: Rows
    age: Floats
    weight: Floats
    best_event_age: Floats
    bought: npt.NDArray[np.bool_]  # (m,)
    dismissed: Rows

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def from_events(cls, events: Sequence[Event], columns: CatalogueSnapshot, now: float) -> UserProfile:
        """The profile of a shopper with these events, newest first, at `now` (epoch seconds)."""
        gone = {event.item for event in events if event.type == "dismiss"}
        places: dict[int, int] = {}
        visits: dict[object, int] = {}
        choices: dict[tuple[int, int], list[float]] = {}
        bought: set[int] = set()
        for event in events:
            row = columns.row_of.get(event.item, 0)
            if not 0 < row < columns.size or event.item in gone:
                continue
            position = places.setdefault(row, len(places))
            visit = visits.setdefault(event.visit, len(visits))
            worth = EVENT_WEIGHTS[event.type] / EVENT_WEIGHTS["purchase"]
            age = max(0.0, now - event.ts) / DAY
            known = choices.setdefault((position, visit), [age, worth, age])
            if worth > known[1]:
                known[1:] = worth, age
            if event.type == "purchase":
                bought.add(position)
        pairs = np.array(list(choices), np.int64).reshape(len(choices), 2)
        measured = np.array(list(choices.values()), np.float64).reshape(len(choices), 3)
        dismissed = columns.rows(gone)
        return cls(
            np.fromiter(places, np.int64, len(places)), pairs[:, 0], pairs[:, 1],
            measured[:, 0], measured[:, 1], measured[:, 2],
            np.isin(np.arange(len(places)), list(bought)), dismissed[dismissed > 0],
        )  # fmt: skip

    def without(self, row: int) -> UserProfile:
        """As if the shopper had never done anything with this item."""
        kept = self.rows != row
        position = np.cumsum(kept) - 1
        mine = kept[self.item]
        return UserProfile(
            self.rows[kept], position[self.item[mine]], np.unique(self.visit[mine], return_inverse=True)[1],
            self.age[mine], self.weight[mine], self.best_event_age[mine], self.bought[kept], self.dismissed,
        )  # fmt: skip

    # ---- each item, (m,) ----------------------------------------------------------------------------------------

    def decayed(self, half_life_days: float) -> Floats:
        """The worth of the visits with it, each halved with every half-life of age."""
        faded = self.weight * decay_all(self.age, half_life_days)
        return np.bincount(self.item, faded, minlength=len(self)).astype(np.float64)

    @cached_property
    def visit_counts(self) -> Floats:
        """In how many visits it was."""
        return np.bincount(self.item, minlength=len(self)).astype(np.float64)

    @cached_property
    def days_since(self) -> Floats:
        """Days since the last visit with it."""
        return self._least(self.age)

    @cached_property
    def days_since_first(self) -> Floats:
        """Days since the first one."""
        return -self._least(-self.age)

    @cached_property
    def visits_since_last(self) -> Floats:
        """How many visits are newer than the last one with it."""
        return self._least(self.visit.astype(np.float64))

    @cached_property
    def visits_since_first(self) -> Floats:
        """How many are newer than the first one with it."""
        return -self._least(-self.visit.astype(np.float64))

    @cached_property
    def mean_gap_days(self) -> Floats:
        """Mean days between the visits with it; nan where there was only one."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(
                self.visit_counts > 1, (self.days_since_first - self.days_since) / (self.visit_counts - 1), np.nan
            )

    def _least(self, values: Floats) -> Floats:
        found = np.full(len(self), np.inf)
        np.minimum.at(found, self.item, values)
        return found

    @cached_property
    def purchases(self) -> UserProfile:
        """The same items by the visits that bought them alone; one that was never bought was in none."""
        kept = self.weight == 1
        best = self.best_event_age[kept]
        return replace(
            self, item=self.item[kept], visit=self.visit[kept], age=best, weight=self.weight[kept], best_event_age=best
        )

    # ---- the shopper --------------------------------------------------------------------------------------------

    @cached_property
    def visits(self) -> int:
        return int(self.visit.max(initial=-1)) + 1

    def items_of_last_visits(self, visits: int) -> Rows:
        """The rows of the items of so many visits, the last ones."""
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
