"""Replay: a shop's own log, day by day, each day searched with what was known the evening before.

Two shops live through the log, one that learns every night and one that only counts. A day's events are recorded
after the day was scored, so nothing of the future can leak. All answers come from `Shop`'s own search.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise import Shop
from shelfwise.cleaning import MAX_LIMIT
from shelfwise.columns import Catalogue
from shelfwise.errors import InvalidInput
from shelfwise.importing import Imported, import_events, import_items
from shelfwise.lexical import Lexical
from shelfwise.memory import bare
from shelfwise.ranking import ALL, Sources
from shelfwise.records import EVENT_FIELDS, ITEM_FIELDS, Row
from shelfwise.rows import BadRow, Reading
from shelfwise.times import DAY, parse_time, to_datetime, to_iso
from shelfwise.trainer.build import Progress
from shelfwise.trainer.measures import Tally, summed
from shelfwise.trainer.night import increment, init
from shelfwise.trainer.report import write_page
from shelfwise.understanding import understand
from shelfwise.vocabulary import Vocabulary

__all__ = ["replay"]

_NEW_ITEM_SECONDS = 7 * DAY
# The encoder alone: its cosine, and popularity as a weak prior; no lexical side.
_ENCODER = Sources(words=False, memory=False, neighbours=False, taste=False, ranker=False)
_FROZEN = Sources(memory=False, neighbours=False, ranker=False)
_ABLATIONS = {
    "encoder_only": _ENCODER,
    "without_words": Sources(words=False),
    "without_meaning": Sources(meaning=False),
    "without_memory": Sources(memory=False, neighbours=False),
    "without_popularity": Sources(popularity=False),
    "without_ranker": Sources(ranker=False),
}


@dataclass(frozen=True, slots=True)
class Click:
    query: str
    item: str
    unseen_query: bool
    new_item: bool


@dataclass
class _Past:
    """What had been clicked before a day, for the definitions of `unseen_queries` and `new_items`."""

    queries: set[str] = field(default_factory=set)
    first_click: dict[str, float] = field(default_factory=dict)

    def look(self, event: Row, day: float) -> Click:
        first = self.first_click.get(event["item"])
        new = first is None or day - first <= _NEW_ITEM_SECONDS
        return Click(event["query"], event["item"], bare(event["query"]) not in self.queries, new)

    def remember(self, events: Iterable[Row]) -> None:
        for event in events:
            self.queries.add(bare(event["query"]))
            self.first_click.setdefault(event["item"], event["ts"])


def replay(
    items: str,
    events: str,
    *,
    start: str,
    report: str | Path,
    end: str | None = None,
    rename: Iterable[str] = (),
    event_type: str | None = None,
    scale: Iterable[str] = (),
    every_days: int = 1,
    k: int = 5,
    model: str | None = None,
    only: str | None = None,
    on_bad_row: Callable[[BadRow], object] = lambda bad: None,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Replay the log and write `report.json` and `replay.html` into the folder `report`; returns the report.

    `start` and `end` are inclusive UTC days; `only="encoder"` ranks by the nightly encoder, with
    popularity as a weak prior and nothing else.
    Raises InvalidInput for bad options or a log without clicks in that time.
    """
    if only not in (None, "encoder"):
        raise InvalidInput(f"--only {only!r}: the one source that can stand alone is 'encoder'", "--only")
    if every_days < 1 or not 1 <= k <= MAX_LIMIT:
        raise InvalidInput(f"--every is a number of days from 1 up, --k one from 1 to {MAX_LIMIT}", "--k")
    folder = Path(report)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder, prefix="shops-") as scratch, ExitStack() as stack:
        run = _Replay(Path(scratch), stack, _ENCODER if only else ALL, k, progress)
        run.load(items, events, list(rename), list(scale), event_type, model, on_bad_row)
        first, last = _period(run.log, start, end)
        run.live_through(first, last, every_days * DAY)
        if not run.tallies["learning"].n:
            raise InvalidInput(f"{events}: no click on a known item between --start and --end", "--start")
        result = run.result()
    result["seconds"]["total"] = round(time.perf_counter() - began, 1)
    result["options"] = {"start": start, "end": end, "every_days": every_days, "k": k, "only": only, "model": model}
    (folder / "report.json").write_text(json.dumps(result, indent=1))
    write_page(folder / "replay.html", result)
    return result


class _Replay:
    """The two shops, the log, and what was measured so far."""

    def __init__(self, scratch: Path, stack: ExitStack, sources: Sources, k: int, progress: Progress) -> None:
        self.scratch, self.stack, self.sources, self.k, self.progress = scratch, stack, sources, k, progress
        self.day = 0.0
        self.past = _Past()
        self.skipped = {"unknown_item": 0, "without_query": 0}
        self.tallies = {name: Tally(k) for name in ("learning", "frozen", "bm25", *_ABLATIONS)}
        self.days: list[dict[str, Any]] = []
        self.nights: list[float] = []

    def load(
        self,
        items: str,
        events: str,
        rename: list[str],
        scale: list[str],
        event_type: str | None,
        model: str | None,
        on_bad_row: Callable[[BadRow], object],
    ) -> None:
        """Import the catalogue into both shops and the log into a third, from which each day is taken."""
        constants = {"type": event_type} if event_type else {}
        item_reading = Reading.of(ITEM_FIELDS, rename, scale, foreign=EVENT_FIELDS)
        event_reading = Reading.of(EVENT_FIELDS, rename, scale, constants, foreign=ITEM_FIELDS)
        learning, frozen, log = (self.scratch / name for name in ("learning", "frozen", "log"))
        with Shop(learning) as shop:
            self.items = import_items(shop, [items], item_reading, on_bad_row, lambda n: None)
        init(learning, model, self.progress)
        shutil.copytree(learning, frozen)
        self.log = self.stack.enter_context(Shop(log))
        self.events: Imported = import_events(self.log, [events], event_reading, on_bad_row, lambda n: None)
        self.learning, self.frozen = (
            self.stack.enter_context(Shop(path, clock=lambda: to_datetime(self.day))) for path in (learning, frozen)
        )
        self.words, self.columns = Lexical(self.learning.store), Catalogue(self.learning.store).current()
        self.known = {id for id, _ in self.learning.store.items.titles()}

    def live_through(self, first: float, last: float, every: float) -> None:
        """Night, searches, events, and so on, from the log's first day to the end of `last`."""
        span = self.log.store.events.span()
        assert span is not None
        self.day = first - every * max(0, -(-(first - span[0]) // every))
        total = int((last - self.day) // every) + 1
        for number in range(total):
            self.progress("replay", number, total)
            events = self.log.store.events.between(self.day, min(self.day + every, last + DAY))
            night = self._night() if self.learning.store.events.last_seq() else None
            clicks = self._clicks(events)
            if self.day >= first:
                self._score(clicks, night)
            for shop in (self.learning, self.frozen):
                shop.store.events.add(events)
            self.day += every
        self.progress("replay", total, total)

    def result(self) -> dict[str, Any]:
        overall = self.tallies.pop("learning").report()
        baselines = {name: self.tallies.pop(name).report() for name in ("frozen", "bm25")}
        return {
            "overall": overall,
            "baselines": baselines,
            "ablations": {name: tally.report() for name, tally in self.tallies.items()},
            "days": self.days,
            "seconds": {
                "night": round(sum(self.nights) / max(1, len(self.nights)), 2),
                "longest_night": round(max(self.nights, default=0.0), 2),
                "nights": len(self.nights),
            },
            "left_out": self.skipped | {"bad_items": self.items.rejected, "bad_events": self.events.rejected},
            "note": "Not online lift: the clicks carry the position bias of the engine that was live then.",
        }

    def _night(self) -> dict[str, Any]:
        until = to_datetime(self.day)
        increment(self.frozen.path, until, learn_pairs=False)
        began = time.perf_counter()
        night = increment(self.learning.path, until, self.progress)
        self.nights.append(time.perf_counter() - began)
        return {
            "generation": night.generation,
            "verdict": night.verdict,
            "reason": night.reason,
            "seconds": round(self.nights[-1], 2),
        }

    def _clicks(self, events: list[Row]) -> list[Click]:
        for event in events:
            self.skipped["without_query"] += not event["query"]
            self.skipped["unknown_item"] += event["item"] not in self.known
        clicks = []
        counted = (event for event in events if self._counts(event))
        for day, of_day in groupby(counted, key=lambda event: event["ts"] // DAY * DAY):
            listed = list(of_day)
            clicks += [self.past.look(event, day) for event in listed]
            self.past.remember(listed)
        return clicks

    def _counts(self, event: Row) -> bool:
        return event["type"] == "click" and bool(event["query"]) and event["item"] in self.known

    def _score(self, clicks: list[Click], night: dict[str, Any] | None) -> None:
        asked: dict[str, Callable[[str], list[str]]] = {
            "learning": lambda q: self._hits(self.learning, self.sources, q),
            "frozen": lambda q: self._hits(self.frozen, _FROZEN, q),
            "bm25": self._bm25,
        }
        for name, sources in _ABLATIONS.items():
            asked[name] = lambda q, sources=sources: self._hits(self.learning, sources, q)  # type: ignore[misc]
        of_day = {}
        for name, ask in asked.items():
            answers = {query: ask(query) for query in dict.fromkeys(click.query for click in clicks)}
            of_day[name] = [_rank(answers[click.query], click.item) for click in clicks]
            for click, rank in zip(clicks, of_day[name], strict=True):
                self.tallies[name].add(rank, click.unseen_query, click.new_item)
        shown = {name: summed(of_day[name], self.k) for name in ("learning", "frozen", "bm25")}
        self.days.append({"day": to_iso(self.day)[:10], **shown["learning"], "baselines": shown, "night": night})

    def _bm25(self, query: str) -> list[str]:
        """By FTS5's BM25 alone, any word as it stands: what a keyword engine answers."""
        terms = [term.match for term in understand(query, Vocabulary(), lambda _: 1, exact=True).terms]
        scores = self.words.match(terms, self.columns.size).bm25
        best = np.argsort(-scores, kind="stable")[: self.k]
        return [id for row in best.tolist() if scores[row] > 0 and (id := self.columns.ids[row]) is not None]

    def _hits(self, shop: Shop, sources: Sources, query: str) -> list[str]:
        try:
            return [hit.id for hit in shop.search(query, limit=self.k, log=False, sources=sources).hits]
        except InvalidInput:  # blank or overlong in the log: nothing could be shown for it
            return []


def _rank(hits: list[str], item: str) -> int | None:
    """1-based; None when the item is not among the hits."""
    return hits.index(item) + 1 if item in hits else None


def _period(log: Shop, start: str, end: str | None) -> tuple[float, float]:
    """The first and last day, as epoch seconds of their midnights."""
    span = log.store.events.span()
    if span is None:
        raise InvalidInput("the log holds no readable event", "--events")
    first = parse_time(start, "--start") // DAY * DAY
    last = (span[1] if end is None else parse_time(end, "--end")) // DAY * DAY
    if last < first:
        raise InvalidInput("--end: lies before --start", "--end")
    return first, last
