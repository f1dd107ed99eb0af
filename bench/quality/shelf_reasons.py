"""Are the reasons of the shelf `for-you` true? The cited evidence of a hit is taken away, beside it other evidence.

A hit that cites another item is scored without what the shopper did with that one, and without another item of theirs.
One that cites a source is scored without that source, and without another. What a hit loses is measured against the
mean of the shelf's candidates, for only differences order a shelf.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.support.options import add_data, new_parser
from shelfwise import Shop
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.explain import explain_recommendations
from shelfwise.recommend.features import NAMES, SOURCES, build_features, link_features
from shelfwise.recommend.for_you import ScoredCandidates
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.request import RecommendRequest
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event
from shelfwise.timestamps import to_datetime

SOURCE_OF_TEXT = {
    "you bought": "own", "you looked": "own", "popular": "popularity", "more and more": "trend", "new here": "age",
    "often bought": "repeat",
}  # fmt: skip
Loss = tuple[float, int]  # score beyond the candidates' mean, and ranks
Losses = tuple[str, tuple[Loss, Loss]]  # what a hit cites; what it loses without that, and without another


def main() -> None:
    parser = new_parser(__doc__)
    add_data(parser, "a shop that has learned")
    parser.add_argument("--users", type=int, default=60, help="of the newest before the last night")
    parser.add_argument("--hits", type=int, default=5, help="of each user")
    parser.add_argument("--fresh", action="store_true", help="repeats=0: only what the shopper never had")
    options = parser.parse_args()
    with Shop(options.data) as shop:
        current = shop.generations.current()
        if current is None:
            raise SystemExit(f"{options.data}: expected a shop with a generation, got none")
        until = shop.generations.open(current).card.until
        newest = shop.store.events.newest(until, 50_000)
    users = list(dict.fromkeys(event.user for event in newest if event.user))
    sample = random.Random(1).sample(users, min(options.users, len(users)))
    losses: defaultdict[str, list[tuple[Loss, Loss]]] = defaultdict(list)
    with Shop(options.data, clock=lambda: to_datetime(until)) as shop:
        for user in sample:
            for cited, lost in delete_evidence(shop, user, options.hits, not options.fresh):
                losses[cited].append(lost)
        kind = shop.generation.for_you_ranker.kind
    print(f"{sum(map(len, losses.values()))} hits of {len(sample)} shoppers, ranker: {kind}")
    print_losses(losses)


def delete_evidence(shop: Shop, user: str, hits: int, repeats: bool) -> list[Losses]:
    """Return for each hit what it cites, and what it loses without that and without something else."""
    generation = shop.generation
    events = shop.shopper_data.history(user, None)
    request = RecommendRequest("for-you", events=events, limit=hits, repeats=repeats)
    outcome = shop.recommend_pipeline.run(request, generation)
    if outcome.context is None or outcome.scored is None:
        return []
    reasons = explain_recommendations(outcome, generation.for_you_ranker, shop.shopper_data.titles)
    trial = Trial(outcome.context, outcome.scored, events, generation.for_you_ranker, shop.now(), random.Random(user))
    losses = (trial.losses(id, reasons[id]) for id in outcome.ids if id in reasons)
    return [lost for lost in losses if lost is not None]


class Trial:
    """One shelf, and what its hits lose without this or that.

    Args:
        context: What the shelf was made from.
        scored: Its candidates.
        events: The shopper's, newest first.
        ranker: What scored the candidates.
        now: Epoch seconds.
        rng: Draws the other evidence.
    """

    def __init__(
        self,
        context: RecommendContext,
        scored: ScoredCandidates,
        events: Sequence[Event],
        ranker: ForYouRanker,
        now: float,
        rng: random.Random,
    ) -> None:
        self.context, self.scored = context, scored
        self.events, self.ranker, self.now, self.rng = events, ranker, now, rng

    def losses(self, id: str, reason: dict[str, object]) -> Losses | None:
        """Return what a hit cites and loses; None for one of another kind, or with nothing else to take away."""
        row = self.context.columns.row_of[id]
        if reason["kind"] != "for-you" or row not in self.scored.rows:
            return None
        position = int(np.flatnonzero(self.scored.rows == row)[0])
        if cited := reason.get("because"):
            others = [item for item in self._own_items() if item not in (id, cited)]
            if not others:
                return None
            items = str(cited), self.rng.choice(others)
            lost, lost_other = (self._loss(position, self._without_item(item)) for item in items)
            return str(reason["text"]).split("“")[0] + "…", (lost, lost_other)
        source = next((name for text, name in SOURCE_OF_TEXT.items() if str(reason["text"]).startswith(text)), None)
        if source is None:
            return None
        other = self.rng.choice(sorted({*SOURCE_OF_TEXT.values(), "links", "taste"} - {source}))
        without = self._without_item(id) if source == "own" else self._without_source(source, position)
        return source, (self._loss(position, without), self._loss(position, self._without_source(other, position)))

    def _own_items(self) -> list[str]:
        return [self.context.columns.ids[row] or "" for row in self.context.profile.rows.tolist()]

    def _without_item(self, id: str) -> np.ndarray:
        """Return the candidates' features had the shopper never chosen the item."""
        events = [event for event in self.events if event.item != id]
        profile = UserProfile.from_events(events, self.context.columns, self.now)
        if not len(profile):
            return np.zeros_like(self.scored.features)
        context = replace(self.context, profile=profile)
        return build_features(context, self.scored.rows, link_features(context))

    def _without_source(self, source: str, position: int) -> np.ndarray:
        """Return the candidates' features, those of a source at `position` as they are on average."""
        columns = [column for column, name in enumerate(NAMES) if SOURCES[name] == source]
        features = self.scored.features.copy()
        features[position, columns] = self.scored.features[:, columns].mean(axis=0)
        return features

    def _loss(self, position: int, features: np.ndarray) -> Loss:
        before, after = self.scored.scores, self.ranker.scores(features)
        lost = (before[position] - before.mean()) - (after[position] - after.mean())
        return float(lost), int((after > after[position]).sum()) - int((before > before[position]).sum())


def print_losses(losses: dict[str, list[tuple[Loss, Loss]]]) -> None:
    """Print the mean losses by what was cited."""
    print(f"{'cited':<22}{'hits':>6}{'score lost: cited':>19}{'other':>8}{'ranks: cited':>15}{'other':>8}{'more':>8}")
    everything = [row for rows in losses.values() for row in rows]
    for name, rows in [*sorted(losses.items()), ("all", everything)]:
        table = np.array(rows)  # (n, cited or other, score or ranks)
        cited, other = table[:, 0], table[:, 1]
        print(
            f"{name:<22}{len(table):>6}{cited[:, 0].mean():>19.3f}{other[:, 0].mean():>8.3f}"
            f"{cited[:, 1].mean():>15.1f}{other[:, 1].mean():>8.1f}{(cited[:, 0] > other[:, 0]).mean():>8.1%}"
        )


if __name__ == "__main__":
    main()
