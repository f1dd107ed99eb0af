"""Replay a search log: each click is a question, searched by its query with what was known the evening before.

Two shops live through the log, one that learns every night and one that only counts. All answers come from `Shop`'s
own search.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.errors import InvalidInput
from shelfwise.generation.query_memory import query_key
from shelfwise.query.understanding import understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.search.request import SearchRequest
from shelfwise.timestamps import DAY, to_datetime, to_iso
from shelfwise.trainer.evaluation.metrics import mean_rank_metrics
from shelfwise.trainer.night.commands import increment
from shelfwise.trainer.replay.base import Replay
from shelfwise.trainer.replay.search_metrics import SearchMetrics
from shelfwise.trainer.statistics.catalogue_vectors import Progress
from shelfwise.types import Row

__all__ = ["SearchReplay"]

_NEW_ITEM_SECONDS = 7 * DAY
# The encoder alone: its cosine, and popularity as a weak prior; no lexical side.
_ENCODER = SourceSwitches(words=False, memory=False, neighbours=False, taste=False, ranker=False)
_FROZEN = SourceSwitches(memory=False, neighbours=False, ranker=False)
_ABLATIONS = {
    "encoder_only": _ENCODER,
    "without_words": SourceSwitches(words=False),
    "without_meaning": SourceSwitches(meaning=False),
    "without_memory": SourceSwitches(memory=False, neighbours=False),
    "without_popularity": SourceSwitches(popularity=False),
    "without_ranker": SourceSwitches(ranker=False),
}


@dataclass(frozen=True, slots=True)
class Click:
    """A scored click, and whether its query and its item were new that day."""

    query: str
    item: str
    unseen_query: bool
    new_item: bool


@dataclass
class SeenBefore:
    """The queries and items clicked before a day, for the definitions of `unseen_queries` and `new_items`."""

    queries: set[str] = field(default_factory=set)
    first_click: dict[str, float] = field(default_factory=dict)

    def classify(self, event: Row, day: float) -> Click:
        """Return the event as a Click; `day` is its midnight in epoch seconds."""
        first = self.first_click.get(event["item"])
        new = first is None or day - first <= _NEW_ITEM_SECONDS
        return Click(event["query"], event["item"], query_key(event["query"]) not in self.queries, new)

    def remember(self, events: Iterable[Row]) -> None:
        """Note the queries and first clicks of a finished day."""
        for event in events:
            self.queries.add(query_key(event["query"]))
            self.first_click.setdefault(event["item"], event["ts"])


class SearchReplay(Replay):
    """A replay of searches.

    Args:
        scratch: an empty folder for the shops
        stack: closes the shops that are opened
        k: hits of each answer that are measured
        progress: called with the stage, the periods done and their total
        encoder_only: rank by the nightly encoder, with popularity as a weak prior
    """

    def __init__(self, scratch: Path, stack: ExitStack, k: int, progress: Progress, *, encoder_only: bool) -> None:
        super().__init__(scratch, stack, k, progress)
        self.sources = _ENCODER if encoder_only else ALL
        self.seen_before = SeenBefore()
        self.left_out = {"unknown_item": 0, "without_query": 0}
        self.metrics = {name: SearchMetrics(k) for name in ("learning", "frozen", "bm25", *_ABLATIONS)}

    def open_shops(self, learning: Path) -> list[Shop]:
        frozen = Path(shutil.copytree(learning, self.scratch / "frozen"))
        return [self.open(learning), self.open(frozen)]

    def on_loaded(self) -> None:
        self.frozen = self.shops[1]
        self.postings = PostingsCache(self.learning.store).current()
        self.columns = CatalogueCache(self.learning.store).current()
        self.known = {id for id, _ in self.learning.store.items.titles()}

    def before_night(self) -> None:
        """Do nothing: the whole catalogue is there from the start."""

    def run_night(self) -> dict[str, Any]:
        increment(self.frozen.path, to_datetime(self.day), learn_pairs=False)
        return super().run_night()

    def live_day(self, events: list[Row], night: dict[str, Any] | None, *, scored: bool) -> None:
        clicks = self._clicks(events)
        if scored:
            self._score(clicks, night)

    def question_count(self) -> int:
        return self.metrics["learning"].n

    def measurements(self) -> dict[str, Any]:
        reports = {name: metric.report() for name, metric in self.metrics.items()}
        return {
            "overall": reports["learning"],
            "baselines": {name: reports[name] for name in ("frozen", "bm25")},
            "ablations": {name: reports[name] for name in _ABLATIONS},
            "note": "Not online lift: the clicks carry the position bias of the engine that was live then.",
        }

    def _clicks(self, events: list[Row]) -> list[Click]:
        for event in events:
            self.left_out["without_query"] += not event["query"]
            self.left_out["unknown_item"] += event["item"] not in self.known
        clicks = []
        counted = (event for event in events if self._counts(event))
        for day, of_day in groupby(counted, key=lambda event: event["ts"] // DAY * DAY):
            listed = list(of_day)
            clicks += [self.seen_before.classify(event, day) for event in listed]
            self.seen_before.remember(listed)
        return clicks

    def _counts(self, event: Row) -> bool:
        return event["type"] == "click" and bool(event["query"]) and event["item"] in self.known

    def _score(self, clicks: list[Click], night: dict[str, Any] | None) -> None:
        engines: dict[str, Callable[[str], list[str]]] = {
            "learning": lambda q: self._hits(self.learning, self.sources, q),
            "frozen": lambda q: self._hits(self.frozen, _FROZEN, q),
            "bm25": self._bm25,
        }
        for name, sources in _ABLATIONS.items():
            engines[name] = lambda q, sources=sources: self._hits(self.learning, sources, q)  # type: ignore[misc]
        of_day = {}
        for name, search in engines.items():
            answers = {query: search(query) for query in dict.fromkeys(click.query for click in clicks)}
            of_day[name] = [_rank(answers[click.query], click.item) for click in clicks]
            for click, rank in zip(clicks, of_day[name], strict=True):
                self.metrics[name].add(rank, click.unseen_query, click.new_item)
        shown = {name: mean_rank_metrics(of_day[name], self.k) for name in ("learning", "frozen", "bm25")}
        self.days.append({"day": to_iso(self.day)[:10], **shown["learning"], "baselines": shown, "night": night})

    def _bm25(self, query: str) -> list[str]:
        """Return the hits by FTS5's BM25 alone, any word as it stands: what a keyword engine answers."""
        terms = [term.match for term in understand(query, Vocabulary(), lambda _: 1, exact=True).terms]
        scores = self.postings.match(terms, self.columns.size).bm25
        best = np.argsort(-scores, kind="stable")[: self.k]
        return [id for row in best.tolist() if scores[row] > 0 and (id := self.columns.ids[row]) is not None]

    def _hits(self, shop: Shop, sources: SourceSwitches, query: str) -> list[str]:
        try:
            request = SearchRequest(query, self.k, sources=sources).validated()
        except InvalidInput:  # blank or overlong in the log: nothing could be shown for it
            return []
        return shop.search_pipeline.run(request, shop.generation).ids


def _rank(hits: list[str], item: str) -> int | None:
    """Return the item's 1-based rank; None when it is not among the hits."""
    return hits.index(item) + 1 if item in hits else None
