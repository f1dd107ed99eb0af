"""What every answer needs beside its order: the shopper's history, popularity, the hits' fields.

A search's steps are in `inquiry.py`, a shelf's in `recommending.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shelfwise.generation.popularity import PopularityCounts, decayed_popularity
from shelfwise.recommend.impression_discount import IMPRESSION_SECONDS, MAX_IMPRESSIONS
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Event, ShownRecommendation, Store
from shelfwise.types import Hit, Row

__all__ = ["ShopperData"]

_HISTORY = 500  # newest events of a shopper that are looked at
_POPULAR_EVENTS = 20_000  # newest events that popularity is counted from before the first night
_POPULAR_SECONDS = 60.0


class ShopperData:
    """`now` gives epoch seconds. Safe for several threads."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._live_popularity: tuple[float, PopularityCounts] = (float("-inf"), PopularityCounts())

    def history(self, user: str | None, session: str | None) -> list[Event]:
        """The shopper's newest events, newest first."""
        now = self._now()
        events: dict[int, Event] = {}
        if user is not None:
            events |= {event.seq: event for event in self._store.events.of_user(user, now, _HISTORY)}
        if session is not None:
            events |= {event.seq: event for event in self._store.events.of_session(session, now, _HISTORY)}
        return sorted(events.values(), key=lambda event: (-event.ts, -event.seq))

    def recent_impressions(self, user: str | None, session: str | None) -> list[ShownRecommendation]:
        """The shelves that the shopper was shown lately, newest first."""
        now = self._now()
        return self._store.impressions.recommendations_of(user, session, now - IMPRESSION_SECONDS, now, MAX_IMPRESSIONS)

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """id → title of those that there are."""
        return {id: str(item["title"]) for id, item in self._store.items.get(ids).items()}

    def excluded_items(self, user: str | None, session: str | None, *, bought: bool) -> set[str]:
        """What the shopper ever dismissed and, if that is asked for, bought; however long ago."""
        types = ["dismiss", "purchase"] if bought else ["dismiss"]
        return set().union(*(self._store.events.items_of(user, session, type, self._now()) for type in types))

    def statistics(self, generation: LoadedGeneration | None) -> PopularityCounts:
        """The generation's, or before the first night the popularity of the newest events."""
        if generation is not None and generation.statistics.popularity:
            return generation.statistics
        now = self._now()
        if not 0 <= now - self._live_popularity[0] < _POPULAR_SECONDS:
            newest = self._store.events.newest(now, _POPULAR_EVENTS)
            self._live_popularity = (now, PopularityCounts(decayed_popularity(newest, now)))
        return self._live_popularity[1]

    def hydrate(self, ids: list[str], scores: np.ndarray, reasons: Mapping[str, Row] | None = None) -> list[Hit]:
        """The hits with all fields of their items, those that were deleted meanwhile left out."""
        items, why = self._store.items.get(ids), reasons or {}
        return [
            Hit(id, float(score), items[id], why.get(id)) for id, score in zip(ids, scores, strict=True) if id in items
        ]
