"""The shop's facts in one SQLite file. No SQL leaves this folder, and nothing here knows of models or HTTP."""

from __future__ import annotations

from pathlib import Path

from shelfwise.store.answer_log import AnswerLog
from shelfwise.store.connection import Connections
from shelfwise.store.curation import Rule, Rules, Synonym, Synonyms
from shelfwise.store.engagement import DailyEngagement, Engagement, KindEngagement
from shelfwise.store.events import Event, Events
from shelfwise.store.fulltext import FullText
from shelfwise.store.impressions import Impression, Impressions, ShownRecommendation
from shelfwise.store.item_columns import ItemColumns
from shelfwise.store.item_texts import ItemTexts
from shelfwise.store.items import Items, ItemText, Upserted
from shelfwise.store.ledger import Ledger
from shelfwise.store.personal_data import PersonalDataStore
from shelfwise.store.session_merge import SessionMerge
from shelfwise.store.vectors import StoredVector, Vectors

__all__ = [
    "DailyEngagement",
    "Event",
    "Impression",
    "ItemText",
    "KindEngagement",
    "Rule",
    "ShownRecommendation",
    "Store",
    "StoredVector",
    "Synonym",
    "Upserted",
]


class Store:
    """The file `shop.db` of one shop, a topic an attribute. Safe for several threads; not to be used across fork."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "shop.db"
        self._connections = Connections(self.path)
        self.items = Items(self._connections)
        self.item_columns = ItemColumns(self._connections)
        self.events = Events(self._connections)
        self.impressions = Impressions(self._connections)
        self.fulltext = FullText(self._connections)
        self.vectors = Vectors(self._connections)
        self.ledger = Ledger(self._connections)
        self.engagement = Engagement(self._connections)
        self.personal_data = PersonalDataStore(self._connections)
        self.synonyms = Synonyms(self._connections)
        self.rules = Rules(self._connections)
        self.answer_log = AnswerLog(self._connections)
        self.session_merge = SessionMerge(self._connections, self.answer_log)
        self.item_texts = ItemTexts(self._connections)

    def curation_seq(self) -> int:
        """Return a number that grows with every change of the synonyms and the rules, by any process."""
        return int(self._connections.value("SELECT seq FROM said"))

    def close(self) -> None:
        """Write the queued answers and close all connections."""
        self.answer_log.close()
        self._connections.close()
