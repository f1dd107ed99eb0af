"""The shop's facts in one SQLite file. No SQL leaves this folder, and nothing here knows of models or HTTP."""

from __future__ import annotations

from pathlib import Path

from shelfwise.store.answer_log import ShownLog
from shelfwise.store.connection import Connections
from shelfwise.store.engagement import Online, ShownDay, ShownKind
from shelfwise.store.events import Event, Events
from shelfwise.store.fulltext import FullText
from shelfwise.store.impressions import Impression, Impressions, ShownShelf
from shelfwise.store.item_columns import ItemColumns
from shelfwise.store.item_texts import VocabularyTexts
from shelfwise.store.items import Items, ItemText, Upserted
from shelfwise.store.ledger import Nights
from shelfwise.store.personal_data import People
from shelfwise.store.rules import Rule, Rules
from shelfwise.store.session_merge import Merging
from shelfwise.store.synonyms import Synonym, Synonyms
from shelfwise.store.vectors import StoredVector, Vectors

__all__ = [
    "Event",
    "Impression",
    "ItemText",
    "Rule",
    "ShownDay",
    "ShownKind",
    "ShownShelf",
    "Store",
    "StoredVector",
    "Synonym",
    "Upserted",
]


class Store:
    """`shop.db` of one shop: `items`, `columns`, `events`, `impressions`, `text`, `vectors`, `nights`, `online`,
    `people`, `merging`, `synonyms`, `rules` and `shown`. Safe for several threads.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "shop.db"
        self._connections = Connections(self.path)
        self.items = Items(self._connections)
        self.columns = ItemColumns(self._connections)
        self.events = Events(self._connections)
        self.impressions = Impressions(self._connections)
        self.text = FullText(self._connections)
        self.vectors = Vectors(self._connections)
        self.nights = Nights(self._connections)
        self.online = Online(self._connections)
        self.people = People(self._connections)
        self.synonyms = Synonyms(self._connections)
        self.rules = Rules(self._connections)
        self.shown = ShownLog(self._connections)
        self.merging = Merging(self._connections, self.shown)
        self.vocabulary = VocabularyTexts(self._connections)

    def said_seq(self) -> int:
        """A number that moves with every change of the synonyms and the rules, by whichever process."""
        return int(self._connections.value("SELECT seq FROM said"))

    def close(self) -> None:
        self.shown.close()
        self._connections.close()
