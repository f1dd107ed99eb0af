"""Read the shopper's events, impressions and exclusions for a request, and the items for its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shelfwise.recommend.impression_discount import IMPRESSION_SECONDS, MAX_IMPRESSIONS
from shelfwise.store import Event, ShownRecommendation, Store
from shelfwise.types import Hit, Row

__all__ = ["MAX_HISTORY_EVENTS", "ShopperData"]

MAX_HISTORY_EVENTS = 500  # the newest of a shopper


class ShopperData:
    """The shop's facts about one shopper, up to now. `now` returns epoch seconds. Safe for several threads."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    def history(self, user: str | None, session: str | None) -> list[Event]:
        """Return the newest events of the user and of the session, newest first."""
        now = self._now()
        events: dict[int, Event] = {}
        if user is not None:
            events |= {event.seq: event for event in self._store.events.of_user(user, now, MAX_HISTORY_EVENTS)}
        if session is not None:
            events |= {event.seq: event for event in self._store.events.of_session(session, now, MAX_HISTORY_EVENTS)}
        return sorted(events.values(), key=lambda event: (-event.ts, -event.seq))

    def recent_impressions(self, user: str | None, session: str | None) -> list[ShownRecommendation]:
        """Return the recommendations that the shopper was shown lately, newest first."""
        now = self._now()
        return self._store.impressions.recommendations_of(user, session, now - IMPRESSION_SECONDS, now, MAX_IMPRESSIONS)

    def excluded_items(self, user: str | None, session: str | None, *, bought: bool) -> set[str]:
        """Return the items that the shopper ever dismissed and, with `bought`, ever purchased."""
        types = ["dismiss", "purchase"] if bought else ["dismiss"]
        return set().union(*(self._store.events.items_of(user, session, type, self._now()) for type in types))

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """Return id → title of those of the items that exist."""
        return {id: str(item["title"]) for id, item in self._store.items.get(ids).items()}

    def hydrate(self, ids: list[str], scores: np.ndarray, reasons: Mapping[str, Row]) -> list[Hit]:
        """Return the hits with all fields of their items; items that were deleted meanwhile are left out.

        `scores` (n,) are those of `ids`; `reasons` are by id, and may lack some.
        """
        items = self._store.items.get(ids)
        return [
            Hit(id, float(score), items[id], reasons.get(id))
            for id, score in zip(ids, scores, strict=True)
            if id in items
        ]
