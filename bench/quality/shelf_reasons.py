"""Are the reasons of the shelf `for-you` true? The cited evidence of a hit is taken away, beside it other evidence.

A hit that cites another item is scored without what the shopper did with that one, and without another item of theirs.
One that cites a source is scored without that source, and without another. What a hit loses is measured against the
mean of the shelf's candidates, for only differences order a shelf.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shelfwise import Shop
from shelfwise.recommend.explain import explain_recommendations
from shelfwise.recommend.features import NAMES, SOURCES, build_features, link_features
from shelfwise.recommend.pipeline import RecommendOutcome
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.request import RecommendRequest
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event
from shelfwise.timestamps import to_datetime

SAID = {
    "you bought": "own", "you looked": "own", "popular": "popularity", "more and more": "trend", "new here": "age",
    "often bought": "repeat",
}  # fmt: skip
Loss = tuple[float, int]  # score beyond the candidates' mean, and places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a shop that has learned")
    parser.add_argument("--users", type=int, default=60, help="of the newest before the last night")
    parser.add_argument("--hits", type=int, default=5, help="of each user")
    parser.add_argument("--fresh", action="store_true", help="repeats=0: only what the shopper never had")
    given = parser.parse_args()
    with Shop(given.data) as shop:
        current = shop.generations.current()
        assert current is not None
        until = shop.generations.open(current).card.until
        newest = shop.store.events.newest(until, 50_000)
    users = list(dict.fromkeys(event.user for event in newest if event.user))
    chosen = random.Random(1).sample(users, min(given.users, len(users)))
    losses: defaultdict[str, list[tuple[Loss, Loss]]] = defaultdict(list)
    with Shop(given.data, clock=lambda: to_datetime(until)) as shop:
        for user in chosen:
            for cited, lost in deletions(shop, user, given.hits, not given.fresh, until):
                losses[cited].append(lost)
        serving = shop.generation
        print(f"{sum(map(len, losses.values()))} hits of {len(chosen)} shoppers, ranker: {serving.for_you_ranker.kind}")
    show(losses)


def deletions(shop: Shop, user: str, hits: int, repeats: bool, now: float) -> list[tuple[str, tuple[Loss, Loss]]]:
    """For each hit what it cites, and what it loses without that and without something else."""
    serving = shop.generation
    events = shop.shopper_data.history(user, None)
    request = RecommendRequest("for-you", events=events, limit=hits, repeats=repeats)
    shelf = shop.recommend_pipeline.run(request, serving)
    reasons = explain_recommendations(shelf, serving.for_you_ranker, shop.shopper_data.titles)
    trial = Trial(shelf, events, serving.for_you_ranker, now, random.Random(user))
    return [found for id in shelf.ids if id in reasons if (found := trial.of(id, reasons[id])) is not None]


class Trial:
    """One shelf, and what its hits lose without this or that."""

    def __init__(
        self, shelf: RecommendOutcome, events: Sequence[Event], ranker: ForYouRanker, now: float, chance: random.Random
    ) -> None:
        assert shelf.context is not None
        self.setting, self.wishes = shelf.context, shelf.scored
        self.events, self.ranker, self.now, self.chance = events, ranker, now, chance

    def of(self, id: str, reason: dict[str, object]) -> tuple[str, tuple[Loss, Loss]] | None:
        """None for a hit that another kind put there, or where there is nothing else to take away."""
        row = self.setting.columns.row_of[id]
        if self.wishes is None or reason["kind"] != "for-you" or row not in self.wishes.rows:
            return None
        place = int(np.flatnonzero(self.wishes.rows == row)[0])
        if cited := reason.get("because"):
            others = [other for other in self._items() if other not in (id, cited)]
            if not others:
                return None
            without = [self._loss(place, self._without_item(item)) for item in (str(cited), self.chance.choice(others))]
            return str(reason["text"]).split("“")[0] + "…", (without[0], without[1])
        source = next((source for text, source in SAID.items() if str(reason["text"]).startswith(text)), None)
        if source is None:
            return None
        told = sorted({*SAID.values(), "links", "taste"} - {source})
        made = self._without_item(id) if source == "own" else self._without_source(source, place)
        other = self._without_source(self.chance.choice(told), place)
        return source, (self._loss(place, made), self._loss(place, other))

    def _items(self) -> list[str]:
        return [self.setting.columns.ids[row] or "" for row in self.setting.profile.rows.tolist()]

    def _without_item(self, id: str) -> np.ndarray:
        """The candidates' features had the shopper never turned to the item."""
        assert self.wishes is not None
        profile = UserProfile.from_events(
            [event for event in self.events if event.item != id], self.setting.columns, self.now
        )
        if not len(profile):
            return np.zeros_like(self.wishes.features)
        setting = replace(self.setting, profile=profile)
        return build_features(setting, self.wishes.rows, link_features(setting))

    def _without_source(self, source: str, place: int) -> np.ndarray:
        """The candidates' features, those of a source for this one as they are on average."""
        assert self.wishes is not None
        columns = [column for column, name in enumerate(NAMES) if SOURCES[name] == source]
        made = self.wishes.features.copy()
        made[place, columns] = self.wishes.features[:, columns].mean(axis=0)
        return made

    def _loss(self, place: int, made: np.ndarray) -> Loss:
        assert self.wishes is not None
        before, after = self.wishes.scores, self.ranker.scores(made)
        lost = (before[place] - before.mean()) - (after[place] - after.mean())
        return float(lost), int((after > after[place]).sum()) - int((before > before[place]).sum())


def show(losses: dict[str, list[tuple[Loss, Loss]]]) -> None:
    print(f"{'cited':<22}{'hits':>6}{'score lost: cited':>19}{'other':>8}{'places: cited':>15}{'other':>8}{'more':>8}")
    everything = [row for rows in losses.values() for row in rows]
    for name, lost in [*sorted(losses.items()), ("all", everything)]:
        table = np.array(lost)  # (n, cited or other, score or places)
        cited, other = table[:, 0], table[:, 1]
        print(
            f"{name:<22}{len(table):>6}{cited[:, 0].mean():>19.3f}{other[:, 0].mean():>8.3f}"
            f"{cited[:, 1].mean():>15.1f}{other[:, 1].mean():>8.1f}{(cited[:, 0] > other[:, 0]).mean():>8.1%}"
        )


if __name__ == "__main__":
    main()
