"""One opened generation in this process's memory, kept up to date with the items changed since it was built.

Encoder and index come from the same folder and live in one object, so that neither ever meets another's. A vector
made by another encoder is never loaded.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.errors import GenerationCorrupt
from shelfwise.files import locked
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.generation.registry import Generation
from shelfwise.index import VectorIndex, load
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.search.ranker import Ranker
from shelfwise.store import ItemText, Store

__all__ = ["ENCODE_LOCK", "LoadedGeneration"]

ENCODE_LOCK = "encode.lock"  # held by whoever works through a backlog, so that not every process does
_AT_ONCE = 8  # as many missing vectors are made within a request; more wait for the background
_BATCH, _BULK = 64, 1024
_COUNTS_SECONDS = 3600.0
_PATIENCE_SECONDS = 2.0  # whoever changed the items is mostly about to store their vectors
Part = TypeVar("Part")
_log = logging.getLogger(__name__)


class LoadedGeneration:
    """Opens a generation after checking its hashes. Raises GenerationError or IndexCorrupt. Safe for threads."""

    def __init__(self, generation: Generation, store: Store, shop_folder: Path) -> None:
        self.number = generation.number
        self.card = generation.card
        self.encoder = Encoder(generation.verified_path("serving"))
        self.index: VectorIndex = load(generation.verified_path("index"))
        self.statistics = PopularityCounts.open(generation.verified_path("statistics"))
        self.degraded: list[str] = []  # the parts that an answer has to do without
        self.memory = self._part(generation, "memory", QueryMemory.open) or QueryMemory()
        self.ranker = self._part(generation, "ranker", Ranker) or Ranker()
        self.for_you_ranker = self._part(generation, "wishes", ForYouRanker) or ForYouRanker()
        self._signals = self._part(generation, "signals", ItemSignals.open) or ItemSignals()
        self.noise = float(self.card.get("noise", 0.0))
        self._texts = generation.verified_path("items") / "texts.json"
        self._store = store
        self._lock_path = shop_folder / ENCODE_LOCK
        self._guard = threading.Lock()
        try:
            self._seen_seq = int(self.card["items_seq"])
        except (KeyError, TypeError, ValueError):
            raise GenerationCorrupt(f"generation {self.number}: its card names no items_seq") from None
        self._seen_vseq = 0
        self._remembered: tuple[CatalogueSnapshot, np.ndarray] | None = None
        self._counts: tuple[CatalogueSnapshot, float, ItemCounts] | None = None
        self._placed: SignalsByRow | None = None
        self._pending: dict[str, ItemText] = {}
        self._worker: threading.Thread | None = None
        self._closed = threading.Event()

    def _part(self, generation: Generation, name: str, opened: Callable[[Path], Part]) -> Part | None:
        """A part that searches can do without: a generation may lack it, and a damaged one harms nothing else."""
        if not generation.has_part(name):
            return None
        try:
            return opened(generation.verified_path(name))
        except (GenerationCorrupt, OSError, ValueError, KeyError):
            _log.exception("generation %d serves without its %s", generation.number, name)
            self.degraded.append(name)
            return None

    @property
    def pending(self) -> int:
        """How many changed items are found by their words only, until their vectors are made."""
        return len(self._pending)

    def refresh(self) -> None:
        """Load what changed since the last call: two look-ups when nothing did."""
        vseq, seq = self._store.vectors.last_vseq(), self._store.items.last_seq()
        if seq == self._seen_seq and vseq == self._seen_vseq:
            return
        with self._guard:
            self._load()
            if 0 < len(self._pending) <= _AT_ONCE:
                self.encode(list(self._pending.values()))
                self._load()
        if self._pending:
            self._start_worker()

    def encode_backlog(self) -> None:
        """Make every missing vector now, whoever changed the items."""
        with self._guard:
            self._load()
        if self._pending:
            with locked(self._lock_path):
                self._encode_in_batches(_BULK)

    def encode(self, texts: Sequence[ItemText]) -> None:
        """Make the vectors of these live items and store them, where every process finds them."""
        vectors = self.encoder.items([text.text for text in texts])
        self._store.vectors.add(self.encoder.id, [(text.id, text.text_hash) for text in texts], vectors)

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """The catalogue's row of each of the memory's items, 0 for one that is gone, (n,) int64."""
        made = self._remembered
        if made is None or made[0] is not columns:
            made = self._remembered = columns, columns.rows(self.memory.items)
        return made[1]

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """What the generation counted, by row of the catalogue; ages are at most an hour behind."""
        made = self._counts
        if made is None or made[0] is not columns or not 0 <= now - made[1] < _COUNTS_SECONDS:
            made = self._counts = columns, now, ItemCounts.of(self.statistics, columns, now)
        return made[2]

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        """What the generation counted for recommendations, by row of the catalogue."""
        made = self._placed
        if made is None or made.columns is not columns:
            made = self._placed = SignalsByRow(self._signals, columns)
        return made

    def close(self, *, wait: bool) -> None:
        """End the background work; with `wait` not before its current batch is done."""
        self._closed.set()
        if wait and self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join()

    @cached_property
    def _hashes(self) -> dict[str, str]:
        """id → text hash of the items as last seen; read at the first change, for most processes never see one."""
        hashes: dict[str, str] = json.loads(self._texts.read_text())
        return hashes

    def _load(self) -> None:
        """The caller holds the guard."""
        # Vectors first: each was stored after its item, so the items read next are at least as new.
        last = self._store.vectors.last_vseq()
        vectors = self._store.vectors.after(self._seen_vseq, self.encoder.id)
        for text in self._store.items.texts(after_seq=self._seen_seq):
            self._seen_seq = text.seq
            self._change(text)
        awaited = {
            found.item: found.vector
            for found in vectors
            if found.item in self._pending and self._pending[found.item].text_hash == found.text_hash
        }
        if awaited:
            self.index.upsert(list(awaited), np.stack(list(awaited.values())))
            for item in awaited:
                del self._pending[item]
        self._seen_vseq = max([last, *(found.vseq for found in vectors)])

    def _change(self, text: ItemText) -> None:
        if text.deleted:
            self.index.delete([text.id])
            self._pending.pop(text.id, None)
            self._hashes.pop(text.id, None)
        elif self._hashes.get(text.id) != text.text_hash:
            self.index.delete([text.id])
            self._pending[text.id] = text
            self._hashes[text.id] = text.text_hash

    def _encode_in_batches(self, batch: int) -> None:
        """The caller holds the lock of the backlog."""
        while self._pending and not self._closed.is_set():
            self.encode(list(self._pending.values())[:batch])
            with self._guard:
                self._load()

    def _start_worker(self) -> None:
        with self._guard:
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, name="shelfwise-encode", daemon=True)
                self._worker.start()

    def _work(self) -> None:
        """Make the missing vectors in the background, unless whoever changed the items does."""
        try:
            while self._pending and not self._closed.wait(_PATIENCE_SECONDS):
                with locked(self._lock_path, wait=False) as mine:
                    if mine:
                        self._encode_in_batches(_BATCH)
                with self._guard:
                    self._load()
        except Exception:  # found by their words meanwhile; the next change tries again
            _log.exception("could not encode %d changed items", self.pending)
