"""Replay of a purchase or view log: what each person took first in a period, asked of the shelf of the evening before.

One shop lives through the log and learns every night; `shelf_baselines` are fitted on the same evenings to the same
past. All answers of ours come from `Shop.recommend`.
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

__all__ = ["MOST_PEOPLE", "RecommendReplay", "first_baskets"]

MOST_PEOPLE = 2_000  # asked a period; of more, so many are drawn
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

    def look(self, user: str, wanted: set[str]) -> Question:
        new = wanted - self.had.get(user, set())
        return Question(user, frozenset(wanted), frozenset(new), user in self.people)

    def remember(self, event: Row, positive: bool) -> None:
        user = event["user"]
        if user is not None:
            self.people.add(user)
        if positive:
            self.history.add(user, event["session"], event["item"], event["ts"])
            if user is not None:
                self.had.setdefault(user, set()).add(event["item"])


class RecommendReplay(Replay):
    def __init__(self, scratch: Path, stack: ExitStack, k: int, progress: Progress) -> None:
        super().__init__(scratch, stack, k, progress)
        self.past = SeenBefore()
        self.left_out = {"unknown_item": 0, "without_user": 0, "people_not_drawn": 0}
        self.missing: dict[str, str] = {}
        self.tallies = {side: _tallies() for side in ("learning", *BASELINES)}

    def stock(self, learning: Path, files: ReplayInputs) -> ImportCounts:
        """The catalogue goes to the log: an item comes into the shop with the evening that follows its creation."""
        done = files.import_items(self.log)
        catalogue = CatalogueCache(self.log.store).current()
        created = zip(catalogue.ids, catalogue.created.tolist(), strict=True)
        self.to_come = {id: -inf if isnan(at) else at for id, at in created if id is not None}
        self.known = frozenset(self.to_come)
        with Shop(learning) as shop:
            self._receive(shop)
        return done

    def begin(self) -> None:
        everything = self.log.store.events.before(inf, 2**62)
        self.positive = _POSITIVE if any(event.type in _POSITIVE for event in everything) else frozenset({"view"})

    def live(self, events: list[Row], night: dict[str, Any] | None, *, scored: bool) -> None:
        taken = [event for event in events if self._counts(event)]
        if scored:
            self._score(self._questions(taken), night)
        for event in events:
            self.past.remember(event, event["type"] in self.positive and event["item"] in self.known)

    def evening(self) -> None:
        self._receive(self.learning)

    def asked(self) -> int:
        return self.tallies["learning"]["all"].n

    def measured(self) -> dict[str, Any]:
        size = self.learning.store.items.count()
        reports = {side: _report(tallies, size) for side, tallies in self.tallies.items() if side not in self.missing}
        return {
            "task": "recommend",
            "overall": reports.pop("learning"),
            "baselines": reports,
            "missing": self.missing,
            "behind": {name: self._behind(name) for name in reports},
            "note": _NOTE,
        }

    def _receive(self, shop: Shop) -> None:
        """Import what was created, or had an event, before this evening; at first what does not say when it was."""
        come = [id for id, at in self.to_come.items() if at < self.day or id in self.past.history.items]
        for start in range(0, len(come), _BATCH):
            shop.upsert(self.log.store.items.get(come[start : start + _BATCH]).values())
        for id in come:
            del self.to_come[id]

    def _counts(self, event: Row) -> bool:
        if event["type"] not in self.positive:
            return False
        self.left_out["unknown_item"] += event["item"] not in self.known
        self.left_out["without_user"] += event["user"] is None
        return event["item"] in self.known and event["user"] is not None

    def _questions(self, taken: list[Row]) -> list[Question]:
        baskets = first_baskets(taken)
        people = sorted(baskets)
        if len(people) > MOST_PEOPLE:
            self.left_out["people_not_drawn"] += len(people) - MOST_PEOPLE
            people = random.Random(int(self.day)).sample(people, MOST_PEOPLE)
        return [self.past.look(user, baskets[user]) for user in people]

    def _score(self, questions: list[Question], night: dict[str, Any] | None) -> None:
        baselines = Baselines(self.past.history, self.day)
        self.missing |= baselines.missing
        asks: dict[str, Ask] = {"learning": self._ask}
        asks |= {name: partial(self._ask_baseline, baselines, name) for name in baselines.fitted}
        percentile, size = self._percentiles(), self.learning.store.items.count()
        of_day = {}
        for side, ask in asks.items():
            tallies = _tallies()
            for question in questions:
                self._tally(tallies, question, ask, percentile)
            of_day[side] = _report(tallies, size)
            for group in GROUPS:
                self.tallies[side][group].merge(tallies[group])
        row = {"day": to_iso(self.day)[:10], **of_day["learning"]["all"], "catalogue": size}
        self.days.append({**row, "baselines": of_day, "night": night})

    def _tally(
        self, tallies: dict[str, RecommendMetrics], question: Question, ask: Ask, percentile: dict[str, float]
    ) -> None:
        shelf = ask(question.user, True)
        for group in ("all", "known") if question.known else ("all",):
            tallies[group].add(shelf, question.wanted, self.k, percentile)
        if question.new:
            shelf = ask(question.user, False)
            for group in ("new_items", "known_new_items") if question.known else ("new_items",):
                tallies[group].add(shelf, question.new, self.k, percentile)

    def _ask(self, user: str, repeats: bool) -> list[str]:
        """Our own shelf. `repeats` speaks of purchases; what was only clicked or viewed is excluded by name."""
        had = () if repeats else sorted(self.past.had.get(user, ()))
        answer = self.learning.recommend(user=user, limit=self.k, log=False, repeats=repeats, exclude=had)
        return [hit.id for hit in answer.hits]

    def _ask_baseline(self, baselines: Baselines, name: str, user: str, repeats: bool) -> list[str]:
        return baselines.shelf(name, user, self.k, () if repeats else self.past.had.get(user, ()))

    def _percentiles(self) -> dict[str, float]:
        """Each item of the catalogue by the events it ever had: 0 for the least popular, 1 for the most."""
        ids = [id for id, _ in self.learning.store.items.titles()]
        counts = dict(zip(self.past.history.items, self.past.history.counts().tolist(), strict=True))
        places = rankdata(np.array([counts.get(id, 0.0) for id in ids]))  # equal counts share the middle of theirs
        return dict(zip(ids, ((places - 0.5) / max(1, len(ids))).tolist(), strict=True))

    def _behind(self, name: str) -> dict[str, list[str]]:
        """By group the periods in which the baseline's recall was above ours."""
        return {
            group: [
                day["day"]
                for day in self.days
                if name in day["baselines"]
                and day["baselines"][name][group]["recall"] > day["baselines"]["learning"][group]["recall"]
            ]
            for group in GROUPS
        }


def first_baskets(taken: list[Row]) -> dict[str, set[str]]:
    """user → the items of their first session among these events; where it has no session, of its first day.

    The events are in the order of `ts`.
    """
    baskets: dict[str, tuple[str | int, set[str]]] = {}
    for event in taken:
        basket = visit_key(event["session"], event["ts"])
        first, items = baskets.setdefault(event["user"], (basket, set()))
        if basket == first:
            items.add(event["item"])
    return {user: items for user, (_, items) in baskets.items()}


def _tallies() -> dict[str, RecommendMetrics]:
    return {group: RecommendMetrics() for group in GROUPS}


def _report(tallies: dict[str, RecommendMetrics], catalogue: int) -> dict[str, dict[str, float]]:
    return {group: tally.report(catalogue) for group, tally in tallies.items()}
