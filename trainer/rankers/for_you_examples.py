"""What the shelves' ranker learns from: past visits of known shoppers, each with what could have been wanted before it.

Events, counts and links are as they were known on the evening before; the items' fields are today's, and the vectors
the parent's, which learned nothing from the visits since its own night. Kept from generation to generation, as numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from zlib import crc32

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import CHOICE_TYPES
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import RECENT_HALF_LIFE_DAYS, PopularityCounts, decayed_popularity
from shelfwise.index import VectorIndex
from shelfwise.recommend.candidates import find_candidates
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import NAMES, build_features, link_features
from shelfwise.recommend.impression_discount import IMPRESSION_SECONDS, MAX_IMPRESSIONS, impression_discount
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event, ShownRecommendation
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix
from shelfwise.trainer.rankers.search_examples import RankingExamples
from shelfwise.trainer.statistics.item_signals import basket_event_types, item_links, item_numbers

__all__ = [
    "ForYouExamples",
    "PointInTime",
    "build_for_you_examples",
    "has_returning_shoppers",
    "point_in_time",
    "snapshot_times",
]

ShelvesOf = Callable[[str | None, str | None, float, float, int], Iterable[ShownRecommendation]]

HISTORY = 500  # events of a shopper, as at the door
_MOST_SHOPPERS = 1_500  # of an evening
# Of the candidates that were not chosen, whichever they are: were the likely ones kept more often, trees would learn
# that likely candidates are seldom chosen.
_OTHERS = 0.15
_EVENINGS, _LONGEST, _LEAST = 8, 40 * DAY, DAY
_FEW_ITEMS, _FEW_EVENINGS = 5_000, 3


@dataclass(frozen=True)
class ForYouExamples(RankingExamples):
    """A group of candidates for each visit, oldest first."""

    NAMES: ClassVar[tuple[str, ...]] = NAMES
    MOST: ClassVar[int] = 8_000

    features: np.ndarray = field(default_factory=lambda: np.zeros((0, len(NAMES)), np.float16))


@dataclass(frozen=True, eq=False)
class PointInTime:
    """What was known at `at` (epoch seconds), and until when the visits after it are looked at."""

    at: float
    until: float
    signals: ItemSignals


def snapshot_times(events: Sequence[Event], until: float, n_items: int) -> list[tuple[float, float]]:
    """Moments of the past, each with the end of the time after it, for a shop whose ranker begins: oldest first.

    Up to eight, three weeks apart, each with the six weeks after it; closer where the log is shorter.
    Three where links of many items take long to count.
    """
    if not events:
        return []
    span = until - min(event.ts for event in events)
    horizon = min(_LONGEST, max(_LEAST, span / 8))
    count = _EVENINGS if n_items <= _FEW_ITEMS else _FEW_EVENINGS
    starts = [until - horizon * (1 + number / 2) for number in range(count)]
    return [(start, start + horizon) for start in reversed(starts) if start > until - span * 0.75]


def has_returning_shoppers(events: Sequence[Event]) -> bool:
    """Whether any shopper came more than once; else there is no past to rank by."""
    visits: dict[str, object] = {}
    return any(visits.setdefault(name, event.visit) != event.visit for event in events if (name := event.shopper))


def point_in_time(
    at: float, until: float, events: Sequence[Event], ids: Sequence[str], categories: np.ndarray
) -> PointInTime:
    """An evening of which no generation is left, counted anew; `categories` (n_items,) are codes."""
    rows = {id: row for row, id in enumerate(ids)}
    before = [event for event in events if event.ts < at]
    chosen, bought = (
        BasketMatrix.from_events(before, rows, types) for types in (CHOICE_TYPES, basket_event_types(before))
    )
    numbers = item_numbers(chosen, bought, categories, None, at)
    return PointInTime(at, until, ItemSignals(ids, numbers, item_links(before, rows, at)))


def build_for_you_examples(
    evening: PointInTime,
    events: Sequence[Event],
    columns: CatalogueSnapshot,
    index: VectorIndex,
    seed: int,
    shown: ShelvesOf = lambda user, session, since, until, most: (),
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> ForYouExamples:
    """A group for the first visit after the evening of each shopper who was known then; `events` in order of time.

    `shown` gives the shelves that a user or session was shown, as `Impressions.shelves_of` does.
    """
    before = [event for event in events if event.ts < evening.at]
    visits = _first_visits([event for event in events if evening.at <= event.ts < evening.until])
    histories: defaultdict[str, list[Event]] = defaultdict(list)
    for event in before:
        histories[event.shopper].append(event)
    known = [name for name in visits if name and histories.get(name)]
    rng = np.random.default_rng([seed, int(evening.at)])
    if len(known) > _MOST_SHOPPERS:
        known = [known[position] for position in sorted(rng.choice(len(known), _MOST_SHOPPERS, replace=False).tolist())]
    counts = ItemCounts.of(_counted(before, evening.at), columns, evening.at)
    signals = SignalsByRow(evening.signals, columns)
    there = columns.live & ~(columns.created > evening.until)  # what came later could not be wanted
    made = []
    for done, name in enumerate(known):
        progress(done, len(known))
        history = histories[name][-HISTORY:][::-1]
        profile = UserProfile.from_events(history, columns, evening.at)
        user, session = history[0].user, history[0].session
        shelves = shown(user, None if user else session, evening.at - IMPRESSION_SECONDS, evening.at, MAX_IMPRESSIONS)
        passed = impression_discount(shelves, history, columns, evening.at)
        context = RecommendContext(np.zeros(0, np.int64), profile, columns, counts, signals, there, index, passed)
        group = _group(context, columns.rows(visits[name]), rng)
        if group is not None:
            made.append((*group, crc32(name.encode())))
    progress(len(known), len(known))
    return _joined(made)


def _group(
    context: RecommendContext, wanted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Features and whether it was chosen, of the candidates that are kept; None where no choice was a candidate."""
    if not len(context.profile):
        return None
    led = link_features(context)
    rows = find_candidates(context, led)
    chosen = np.isin(rows, wanted[wanted > 0])
    if not chosen.any():
        return None
    made = build_features(context, rows, led)
    kept = chosen | (rng.random(len(rows)) < _OTHERS)
    return made[kept].astype(np.float16), chosen[kept].astype(np.float32)


def _first_visits(events: Sequence[Event]) -> dict[str, list[str]]:
    """Shopper → the items chosen in their first visit in which any was."""
    visits: dict[str, object] = {}
    items: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.type in CHOICE_TYPES and visits.setdefault(event.shopper, event.visit) == event.visit:
            items[event.shopper].append(event.item)
    return items


def _counted(events: Sequence[Event], at: float) -> PopularityCounts:
    first: dict[str, float] = {}
    for event in events:
        first.setdefault(event.item, event.ts)
    return PopularityCounts(
        decayed_popularity(events, at), decayed_popularity(events, at, RECENT_HALF_LIFE_DAYS), first
    )


def _joined(made: Sequence[tuple[np.ndarray, np.ndarray, int]]) -> ForYouExamples:
    if not made:
        return ForYouExamples()
    return ForYouExamples(
        np.concatenate([features for features, _, _ in made]),
        np.concatenate([chosen for _, chosen, _ in made]),
        np.array([len(chosen) for _, chosen, _ in made], np.int32),
        np.array([name for _, _, name in made], np.int64),
    )
