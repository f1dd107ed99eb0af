"""Replay a purchase or view log: predict each person's first basket of a period from what was known the evening before.

One shop lives through the log and learns every night; the baselines are fitted on the same evenings to the same past.
All answers of ours come from `Shop.recommend`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from math import inf, isnan
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from shelfwise import Shop
from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.events import CHOICE_TYPES, visit_key
from shelfwise.ingest.importer import ImportCounts
from shelfwise.timestamps import to_iso
from shelfwise.trainer.replay.base import Replay, ReplayInputs
from shelfwise.trainer.replay.baselines import BASELINES, Baselines, InteractionHistory
from shelfwise.trainer.replay.recommend_metrics import GROUPS, RecommendMetrics
from shelfwise.trainer.statistics.catalogue_vectors import Progress
from shelfwise.types import Row

__all__ = ["MAX_PEOPLE", "RecommendReplay", "first_baskets"]

MAX_PEOPLE = 2_000  # questions a period; of more people, so many are drawn
_BATCH = 500  # items a transaction
_POSITIVE = frozenset(CHOICE_TYPES)
_NOTE = (
    "Not online lift: people took what the shop of that time showed them, and a shelf counts only where it names what "
    "they took anyway."
)

Ask = Callable[[str, bool], list[str]]  # (user, whether repeats are allowed) → ids, best first


@dataclass(frozen=True, slots=True)
class Question:
    """A person's first basket of the period; `new` is what they never had before."""

    user: str
    wanted: frozenset[str]
    new: frozenset[str]
    known: bool


@dataclass
class SeenBefore:
    """What was known of everybody before a period."""

    people: set[str] = field(default_factory=set)
    had: dict[str, set[str]] = field(default_factory=dict)
    history: InteractionHistory = field(default_factory=InteractionHistory)

    def question(self, user: str, wanted: set[str]) -> Question:
        """Return the question of a person whose first basket holds the `wanted` items."""
        new = wanted - self.had.get(user, set())
        return Question(user, frozenset(wanted), frozenset(new), user in self.people)

    def remember(self, event: Row, positive: bool) -> None:
        """Note the person, and if the event is `positive` the item too."""
        user = event["user"]
        if user is not None:
            self.people.add(user)
        if positive:
            self.history.add(user, event["session"], event["item"], event["ts"])
            if user is not None:
                self.had.setdefault(user, set()).add(event["item"])


class RecommendReplay(Replay):
    """A replay of shelves beside baselines refitted each period."""

    def __init__(self, scratch: Path, stack: ExitStack, k: int, progress: Progress) -> None:
        super().__init__(scratch, stack, k, progress)
        self.seen_before = SeenBefore()
        self.left_out = {"unknown_item": 0, "without_user": 0, "people_not_drawn": 0}
        self.missing: dict[str, str] = {}
        self.metrics = {side: _empty_metrics() for side in ("learning", *BASELINES)}

    def import_catalogue(self, learning: Path, files: ReplayInputs) -> ImportCounts:
        """Import the catalogue into the log's shop; an item enters the learning shop the evening after its creation."""
        counts = files.import_items(self.log)
        catalogue = CatalogueCache(self.log.store).current()
        created = zip(catalogue.ids, catalogue.created.tolist(), strict=True)
        self.pending_items = {id: -inf if isnan(at) else at for id, at in created if id is not None}
        self.known = frozenset(self.pending_items)
        with Shop(learning) as shop:
            self._receive(shop)
        return counts

    def on_loaded(self) -> None:
        everything = self.log.store.events.before(inf, 2**62)
        self.positive = _POSITIVE if any(event.type in _POSITIVE for event in everything) else frozenset({"view"})

    def live_day(self, events: list[Row], night: dict[str, Any] | None, *, scored: bool) -> None:
        choices = [event for event in events if self._counts(event)]
        if scored:
            self._score(self._questions(choices), night)
        for event in events:
            self.seen_before.remember(event, event["type"] in self.positive and event["item"] in self.known)

    def before_night(self) -> None:
        self._receive(self.learning)

    def question_count(self) -> int:
        return self.metrics["learning"]["all"].n

    def measurements(self) -> dict[str, Any]:
        size = self.learning.store.items.count()
        reports = {side: _report(metrics, size) for side, metrics in self.metrics.items() if side not in self.missing}
        return {
            "task": "recommend",
            "overall": reports.pop("learning"),
            "baselines": reports,
            "missing": self.missing,
            "behind": {name: self._behind(name) for name in reports},
            "note": _NOTE,
        }

    def _receive(self, shop: Shop) -> None:
        """Import the items created, or with an event, before this evening; items without a creation time come first."""
        arrived = [id for id, at in self.pending_items.items() if at < self.day or id in self.seen_before.history.items]
        for start in range(0, len(arrived), _BATCH):
            shop.upsert(self.log.store.items.get(arrived[start : start + _BATCH]).values())
        for id in arrived:
            del self.pending_items[id]

    def _counts(self, event: Row) -> bool:
        if event["type"] not in self.positive:
            return False
        self.left_out["unknown_item"] += event["item"] not in self.known
        self.left_out["without_user"] += event["user"] is None
        return event["item"] in self.known and event["user"] is not None

    def _questions(self, choices: list[Row]) -> list[Question]:
        baskets = first_baskets(choices)
        people = sorted(baskets)
        if len(people) > MAX_PEOPLE:
            self.left_out["people_not_drawn"] += len(people) - MAX_PEOPLE
            people = random.Random(int(self.day)).sample(people, MAX_PEOPLE)
        return [self.seen_before.question(user, baskets[user]) for user in people]

    def _score(self, questions: list[Question], night: dict[str, Any] | None) -> None:
        baselines = Baselines(self.seen_before.history, self.day)
        self.missing |= baselines.missing
        asks: dict[str, Ask] = {"learning": self._ask}
        asks |= {name: partial(self._ask_baseline, baselines, name) for name in baselines.fitted}
        percentile, size = self._percentiles(), self.learning.store.items.count()
        of_day = {}
        for side, ask in asks.items():
            metrics = _empty_metrics()
            for question in questions:
                self._add(metrics, question, ask, percentile)
            of_day[side] = _report(metrics, size)
            for group in GROUPS:
                self.metrics[side][group].merge(metrics[group])
        row = {"day": to_iso(self.day)[:10], **of_day["learning"]["all"], "catalogue": size}
        self.days.append({**row, "baselines": of_day, "night": night})

    def _add(
        self, metrics: dict[str, RecommendMetrics], question: Question, ask: Ask, percentile: dict[str, float]
    ) -> None:
        shelf = ask(question.user, True)
        for group in ("all", "known") if question.known else ("all",):
            metrics[group].add(shelf, question.wanted, self.k, percentile)
        if question.new:
            shelf = ask(question.user, False)
            for group in ("new_items", "known_new_items") if question.known else ("new_items",):
                metrics[group].add(shelf, question.new, self.k, percentile)

    def _ask(self, user: str, repeats: bool) -> list[str]:
        """Return our own shelf. `repeats` covers purchases; what was only clicked or viewed is excluded by id."""
        had = () if repeats else sorted(self.seen_before.had.get(user, ()))
        answer = self.learning.recommend(user=user, limit=self.k, log=False, repeats=repeats, exclude=had)
        return [hit.id for hit in answer.hits]

    def _ask_baseline(self, baselines: Baselines, name: str, user: str, repeats: bool) -> list[str]:
        return baselines.recommend(name, user, self.k, () if repeats else self.seen_before.had.get(user, ()))

    def _percentiles(self) -> dict[str, float]:
        """Return each item's percentile by its number of events: 0 for the least popular, 1 for the most."""
        ids = [id for id, _ in self.learning.store.items.titles()]
        counts = dict(zip(self.seen_before.history.items, self.seen_before.history.counts().tolist(), strict=True))
        places = rankdata(np.array([counts.get(id, 0.0) for id in ids]))  # equal counts share the middle of theirs
        return dict(zip(ids, ((places - 0.5) / max(1, len(ids))).tolist(), strict=True))

    def _behind(self, name: str) -> dict[str, list[str]]:
        """Return by group the periods in which the baseline's recall was above ours."""
        return {
            group: [
                day["day"]
                for day in self.days
                if name in day["baselines"]
                and day["baselines"][name][group]["recall"] > day["baselines"]["learning"][group]["recall"]
            ]
            for group in GROUPS
        }


def first_baskets(choices: list[Row]) -> dict[str, set[str]]:
    """Return user → the items of their first visit among these events, which are in the order of `ts`."""
    baskets: dict[str, tuple[str | int, set[str]]] = {}
    for event in choices:
        visit = visit_key(event["session"], event["ts"])
        first, items = baskets.setdefault(event["user"], (visit, set()))
        if visit == first:
            items.add(event["item"])
    return {user: items for user, (_, items) in baskets.items()}


def _empty_metrics() -> dict[str, RecommendMetrics]:
    return {group: RecommendMetrics() for group in GROUPS}


def _report(metrics: dict[str, RecommendMetrics], catalogue: int) -> dict[str, dict[str, float]]:
    return {group: metric.report(catalogue) for group, metric in metrics.items()}
