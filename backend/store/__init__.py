"""The shop's facts in one SQLite file. No SQL leaves this folder, and nothing here knows of models or HTTP."""

from __future__ import annotations

from pathlib import Path

from shelfwise.store.connection import Connections
from shelfwise.store.events import Event, Events
from shelfwise.store.impressions import Impression, Impressions
from shelfwise.store.items import Items, ItemText, Upserted
from shelfwise.store.nights import Nights
from shelfwise.store.online import Online, ShownDay
from shelfwise.store.people import People
from shelfwise.store.shown import ShownLog
from shelfwise.store.text import FullText
from shelfwise.store.vectors import StoredVector, Vectors

__all__ = ["Event", "Impression", "ItemText", "ShownDay", "Store", "StoredVector", "Upserted"]


class Store:
    """`shop.db` of one shop: `items`, `events`, `impressions`, `text`, `vectors`, `nights`, `online`,
    `people` and `shown`. Safe for several threads.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "shop.db"
        self._connections = Connections(self.path)
        self.items = Items(self._connections)
        self.events = Events(self._connections)
        self.impressions = Impressions(self._connections)
        self.text = FullText(self._connections)
        self.vectors = Vectors(self._connections)
        self.nights = Nights(self._connections)
        self.online = Online(self._connections)
        self.people = People(self._connections)
        self.shown = ShownLog(self._connections)

    def close(self) -> None:
        self.shown.close()
        self._connections.close()
