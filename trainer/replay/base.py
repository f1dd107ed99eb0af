"""Live through a log with real shops and nights; what every replay task shares.

A day's events are recorded after the day was scored, so nothing of the future can leak. Which questions are asked and
how an answer is scored is each task's own: `search.py` and `recommend.py`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shelfwise import Shop
from shelfwise.errors import InvalidInput
from shelfwise.ingest.importer import ImportCounts, ImportFiles, import_events, import_items
from shelfwise.ingest.readers import BadRow, ColumnMapping
from shelfwise.timestamps import DAY, parse_time, to_datetime, to_iso
from shelfwise.trainer.night.commands import increment, init
from shelfwise.trainer.statistics.catalogue_vectors import Progress
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS, Row

__all__ = ["Replay", "ReplayInputs", "period"]


@dataclass(frozen=True)
class ReplayInputs:
    """The two files, how their columns are read, and the model that generation 0 is made from."""

    items: str
    events: str
    rename: list[str] = field(default_factory=list)
    scale: list[str] = field(default_factory=list)
    event_type: str | None = None
    model: str | None = None
    on_bad_row: Callable[[BadRow], object] = lambda bad: None

    def import_items(self, shop: Shop) -> ImportCounts:
        """Import the catalogue into the shop."""
        mapping = ColumnMapping.of(ITEM_FIELDS, self.rename, self.scale, foreign=EVENT_FIELDS)
        return import_items(shop, ImportFiles([self.items], mapping, self.on_bad_row))

    def import_events(self, shop: Shop) -> ImportCounts:
        """Import the log into the shop."""
        constants = {"type": self.event_type} if self.event_type else {}
        mapping = ColumnMapping.of(EVENT_FIELDS, self.rename, self.scale, constants, foreign=ITEM_FIELDS)
        return import_events(shop, ImportFiles([self.events], mapping, self.on_bad_row))


class Replay(ABC):
    """The learning shop, the log, and the measurements so far; `day` is the midnight that the shops' clocks show."""

    left_out: dict[str, int]  # events that were not scored, by reason

    def __init__(self, scratch: Path, stack: ExitStack, k: int, progress: Progress) -> None:
        self.scratch, self.stack, self.k, self.progress = scratch, stack, k, progress
        self.day = 0.0
        self.days: list[dict[str, Any]] = []
        self.nights: list[float] = []

    def load(self, files: ReplayInputs) -> None:
        """Import the catalogue, make generation 0, and import the log into a shop of its own, to take each day from."""
        learning = self.scratch / "learning"
        self.log = self.stack.enter_context(Shop(self.scratch / "log"))
        self.items = self.import_catalogue(learning, files)
        init(learning, files.model, self.progress)
        self.shops = self.open_shops(learning)
        self.learning = self.shops[0]
        self.events = files.import_events(self.log)
        self.on_loaded()

    def import_catalogue(self, learning: Path, files: ReplayInputs) -> ImportCounts:
        """Import the catalogue into the learning shop; return the counts of the import."""
        with Shop(learning) as shop:
            return files.import_items(shop)

    def open_shops(self, learning: Path) -> list[Shop]:
        """Open and return the shops that live through the log; the first is the one that learns."""
        return [self.open(learning)]

    def open(self, path: Path) -> Shop:
        """Open a shop for the time of the replay, with the replay's clock."""
        return self.stack.enter_context(Shop(path, clock=lambda: to_datetime(self.day)))

    def live_through(self, first: float, last: float, every: float) -> None:
        """Run the night, the questions and the events of each period, from the log's first day to the end of `last`.

        `first` and `last` are midnights in epoch seconds, `every` is the length of a period in seconds; periods before
        `first` are learned and not scored.
        """
        span = self.log.store.events.span()
        assert span is not None
        self.day = first - every * max(0, -(-(first - span[0]) // every))
        total = int((last - self.day) // every) + 1
        for number in range(total):
            self.progress("replay", number, total)
            events = self.log.store.events.between(self.day, min(self.day + every, last + DAY))
            self.before_night()
            night = self.run_night() if self.learning.store.events.last_seq() else None
            self.live_day(events, night, scored=self.day >= first)
            for shop in self.shops:
                shop.store.events.add(events)
            self.day += every
        self.progress("replay", total, total)

    def run_night(self) -> dict[str, Any]:
        """Run the night of the evening before; return its row for the report."""
        began = time.perf_counter()
        night = increment(self.learning.path, to_datetime(self.day), self.progress)
        self.nights.append(time.perf_counter() - began)
        return {
            "generation": night.generation,
            "verdict": night.verdict,
            "reason": night.reason,
            "seconds": round(self.nights[-1], 2),
        }

    def result(self) -> dict[str, Any]:
        """Return the report, without its options and the total of its seconds."""
        return {
            **self.measurements(),
            "days": self.days,
            "seconds": {
                "night": round(sum(self.nights) / max(1, len(self.nights)), 2),
                "longest_night": round(max(self.nights, default=0.0), 2),
                "nights": len(self.nights),
            },
            "left_out": self.left_out | {"bad_items": self.items.rejected, "bad_events": self.events.rejected},
        }

    @abstractmethod
    def on_loaded(self) -> None:
        """Prepare the task; called once, when shops and log are open."""

    @abstractmethod
    def before_night(self) -> None:
        """Give the shops what they receive before a night beside events."""

    @abstractmethod
    def live_day(self, events: list[Row], night: dict[str, Any] | None, *, scored: bool) -> None:
        """Ask the questions of these events with what is known without them, if `scored`; then remember the events."""

    @abstractmethod
    def question_count(self) -> int:
        """Return the number of scored questions."""

    @abstractmethod
    def measurements(self) -> dict[str, Any]:
        """Return the task's own part of the report."""


def period(log: Shop, start: str, end: str | None) -> tuple[float, float]:
    """Return the first and last day as epoch seconds of their midnights. Raises InvalidInput for an empty period."""
    span = log.store.events.span()
    if span is None:
        raise InvalidInput("--events: expected a log with at least one readable event, got none", "--events")
    first = parse_time(start, "--start") // DAY * DAY
    last = (span[1] if end is None else parse_time(end, "--end")) // DAY * DAY
    if end is None and last < first:
        raise InvalidInput(
            f"--start: expected a day until the log's last, {to_iso(span[1])[:10]}, got {start}", "--start"
        )
    if last < first:
        raise InvalidInput(f"--end: expected a day from --start ({start}) on, got {end}", "--end")
    return first, last
