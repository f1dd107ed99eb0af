"""One opened generation in this process's memory, kept up to date with the items changed since it was built.

Encoder and index come from the same folder and live in one object, so that the vectors of two encoders are never
mixed.
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

from shelfwise.caching import CachedBy
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.errors import GenerationCorrupt
from shelfwise.files import locked
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_counts import MAX_COUNTS_AGE_SECONDS, ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.generation.registry import Generation
from shelfwise.index import VectorIndex, load
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.search.ranker import Ranker
from shelfwise.store import ItemText, Store

__all__ = ["ENCODE_LOCK", "LoadedGeneration"]

ENCODE_LOCK = "encode.lock"  # held by the process that encodes a backlog, so that the others don't encode it too
_MAX_ENCODED_IN_REQUEST = 8  # missing vectors; more are made in the background
_BACKGROUND_BATCH, _BACKLOG_BATCH = 64, 1024  # items; the smaller one lets searches through
_WRITER_WAIT_SECONDS = 2.0  # the process that changed the items is mostly about to store their vectors
Part = TypeVar("Part")
_log = logging.getLogger(__name__)


class LoadedGeneration:
    """An opened generation, its files checked by their hashes. Raises GenerationError or IndexCorrupt. Thread-safe."""

    def __init__(self, generation: Generation, store: Store, shop_folder: Path) -> None:
        self.number = generation.number
        self.card = generation.card
        self.encoder = Encoder(generation.verified_path("serving"))
        self.index: VectorIndex = load(generation.verified_path("index"))
        self.statistics = PopularityCounts.load(generation.verified_path("statistics"))
        self.degraded: list[str] = []  # the parts that are missing or damaged: answers do without them
        self.memory = self._part(generation, "memory", QueryMemory.load) or QueryMemory()
        self.ranker = self._part(generation, "ranker", Ranker) or Ranker()
        self.for_you_ranker = self._part(generation, "wishes", ForYouRanker) or ForYouRanker()
        self._signals = self._part(generation, "signals", ItemSignals.load) or ItemSignals()
        self.noise = self.card.noise
        self._texts = generation.verified_path("items") / "texts.json"
        self._store = store
        self._lock_path = shop_folder / ENCODE_LOCK
        self._guard = threading.Lock()
        self._seen_seq = self.card.items_seq
        self._seen_vseq = 0
        self._remembered_rows = CachedBy[np.ndarray]()
        self._counts = CachedBy[ItemCounts](MAX_COUNTS_AGE_SECONDS)
        self._signals_by_row = CachedBy[SignalsByRow]()
        self._pending: dict[str, ItemText] = {}
        self._worker: threading.Thread | None = None
        self._closed = threading.Event()

    def _part(self, generation: Generation, name: str, open_part: Callable[[Path], Part]) -> Part | None:
        """Open a part that answers can do without; None where it is missing, or damaged, which `degraded` names."""
        if not generation.has_part(name):
            return None
        try:
            return open_part(generation.verified_path(name))
        except (GenerationCorrupt, OSError, ValueError, KeyError):
            _log.exception("generation %d serves without its %s", generation.number, name)
            self.degraded.append(name)
            return None

    @property
    def pending(self) -> int:
        """Return how many changed items are found by their words only, until their vectors are made."""
        return len(self._pending)

    @property
    def index_kind(self) -> str:
        """Return the kind of the vector index: flat, sq8, ivfsq8 or gpu."""
        return self.index.kind

    def refresh(self) -> None:
        """Load the items and vectors that changed since the last call; two look-ups in the database if none did."""
        vseq, seq = self._store.vectors.last_vseq(), self._store.items.last_seq()
        if seq == self._seen_seq and vseq == self._seen_vseq:
            return
        with self._guard:
            self._load()
            if 0 < len(self._pending) <= _MAX_ENCODED_IN_REQUEST:
                self.encode(list(self._pending.values()))
                self._load()
        if self._pending:
            self._start_worker()

    def encode_backlog(self) -> None:
        """Encode every item that has no vector, also those that other processes changed."""
        with self._guard:
            self._load()
        if self._pending:
            with locked(self._lock_path):
                self._encode_in_batches(_BACKLOG_BATCH)

    def encode(self, texts: Sequence[ItemText]) -> None:
        """Encode these live items and store their vectors in the database, where every process finds them."""
        vectors = self.encoder.items([text.text for text in texts])
        self._store.vectors.add(self.encoder.id, [(text.id, text.text_hash) for text in texts], vectors)

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        """Return the catalogue's row of each of the memory's items, 0 for deleted ones, (n,) int64."""
        return self._remembered_rows.get(lambda: columns.rows(self.memory.items), columns)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        """Return the popularity counts by row of the catalogue; ages are at most an hour older than `now`."""
        return self._counts.get(lambda: ItemCounts.of(self.statistics, columns, now), columns, now=now)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        """Return the signals of recommendations by row of the catalogue."""
        return self._signals_by_row.get(lambda: SignalsByRow(self._signals, columns), columns)

    def close(self, *, wait: bool) -> None:
        """Stop the background work; with `wait`, return only when its current batch is stored."""
        self._closed.set()
        if wait and self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join()

    @cached_property
    def _hashes(self) -> dict[str, str]:
        """Read the text hash of each item as last loaded; only at a first change, which most processes never see."""
        hashes: dict[str, str] = json.loads(self._texts.read_text())
        return hashes

    def _load(self) -> None:
        """Load changed items, then the vectors stored for them. The caller holds the guard."""
        # Vectors first: each was stored after its item, so the items read next are at least as new.
        last = self._store.vectors.last_vseq()
        vectors = self._store.vectors.after(self._seen_vseq, self.encoder.id)
        for text in self._store.items.texts(after_seq=self._seen_seq):
            self._seen_seq = text.seq
            self._apply_change(text)
        arrived = {
            stored.item: stored.vector
            for stored in vectors
            if stored.item in self._pending and self._pending[stored.item].text_hash == stored.text_hash
        }
        if arrived:
            self.index.upsert(list(arrived), np.stack(list(arrived.values())))
            for item in arrived:
                del self._pending[item]
        self._seen_vseq = max([last, *(stored.vseq for stored in vectors)])

    def _apply_change(self, text: ItemText) -> None:
        if text.deleted:
            self.index.delete([text.id])
            self._pending.pop(text.id, None)
            self._hashes.pop(text.id, None)
        elif self._hashes.get(text.id) != text.text_hash:
            self.index.delete([text.id])
            self._pending[text.id] = text
            self._hashes[text.id] = text.text_hash

    def _encode_in_batches(self, batch: int) -> None:
        """Encode the pending items, `batch` at a time. The caller holds ENCODE_LOCK."""
        while self._pending and not self._closed.is_set():
            self.encode(list(self._pending.values())[:batch])
            with self._guard:
                self._load()

    def _start_worker(self) -> None:
        with self._guard:
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._encode_in_background, name="shelfwise-encode", daemon=True)
                self._worker.start()

    def _encode_in_background(self) -> None:
        """Encode the pending items unless another process holds ENCODE_LOCK; then load what it stores."""
        try:
            while self._pending and not self._closed.wait(_WRITER_WAIT_SECONDS):
                with locked(self._lock_path, wait=False) as is_locked:
                    if is_locked:
                        self._encode_in_batches(_BACKGROUND_BATCH)
                with self._guard:
                    self._load()
        except Exception:  # the items are found by their words meanwhile; the next change starts the work again
            _log.exception("could not encode %d changed items", self.pending)
