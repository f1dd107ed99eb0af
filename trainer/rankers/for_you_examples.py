"""What the `for-you` ranker is trained on: past visits of known shoppers, each with its candidates before the visit.

Events, counts and links are as of a point in time before the visits; the items' fields are today's, and the vectors the
parent's, whose encoder learned nothing from the visits since its own night.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import CHOICE_TYPES
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.index import VectorIndex
from shelfwise.recommend.candidates import find_candidates
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import NAMES, build_features, link_features
from shelfwise.recommend.impression_discount import IMPRESSION_SECONDS, MAX_IMPRESSIONS, impression_discount
from shelfwise.serving.shopper_data import MAX_HISTORY_EVENTS
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event, ShownRecommendation
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix
from shelfwise.trainer.rankers.examples import Group, RankingExamples
from shelfwise.trainer.statistics.item_signals import basket_event_types, item_links, item_numbers
from shelfwise.trainer.statistics.popularity import count_popularity

__all__ = [
    "ExampleSources",
    "ForYouExamples",
    "PointInTime",
    "build_for_you_examples",
    "has_returning_shoppers",
    "point_in_time",
    "snapshot_times",
]

# (user, session, since, until, limit) → what the shopper was shown, as `Impressions.recommendations_of`
ImpressionsOf = Callable[[str | None, str | None, float, float, int], Iterable[ShownRecommendation]]

_MAX_SHOPPERS = 1_500  # of a point in time
# Of the candidates that were not chosen, whichever they are: were the likely ones kept more often, trees would learn
# that likely candidates are seldom chosen.
_KEPT_SHARE = 0.15
_MAX_SNAPSHOTS, _MAX_HORIZON, _MIN_HORIZON = 8, 40 * DAY, DAY
_FEW_ITEMS, _MAX_SNAPSHOTS_OF_MANY = 5_000, 3


class ForYouExamples(RankingExamples):
    """A group of candidates for each visit; groups of one shopper are one cluster."""

    NAMES = NAMES
    MAX_GROUPS = 8_000


@dataclass(frozen=True, eq=False)
class PointInTime:
    """What was known at `at` (epoch seconds), and until when the visits after it are looked at."""

    at: float
    until: float
    signals: ItemSignals


@dataclass(frozen=True, eq=False)
class ExampleSources:
    """What the examples of every point in time are made from: catalogue, item vectors and impressions."""

    columns: CatalogueSnapshot
    index: VectorIndex
    impressions: ImpressionsOf = lambda user, session, since, until, limit: ()


def snapshot_times(events: Sequence[Event], until: float, n_items: int) -> list[tuple[float, float]]:
    """Return (time, horizon's end) pairs to build the first training set from, in epoch seconds, oldest first.

    Up to eight times, each with the 40 days after it, half of that apart; closer where the log is shorter. At most
    three above 5,000 items, where links take long to count.
    """
    if not events:
        return []
    span = until - min(event.ts for event in events)
    horizon = min(_MAX_HORIZON, max(_MIN_HORIZON, span / 8))
    count = _MAX_SNAPSHOTS if n_items <= _FEW_ITEMS else _MAX_SNAPSHOTS_OF_MANY
    starts = [until - horizon * (1 + number / 2) for number in range(count)]
    return [(start, start + horizon) for start in reversed(starts) if start > until - span * 0.75]


def has_returning_shoppers(events: Sequence[Event]) -> bool:
    """Return whether any shopper came more than once; else there is no past to rank by."""
    visits: dict[str, object] = {}
    return any(visits.setdefault(name, event.visit) != event.visit for event in events if (name := event.shopper))


def point_in_time(
    at: float, until: float, events: Sequence[Event], ids: Sequence[str], categories: np.ndarray
) -> PointInTime:
    """Count the signals of a point in time that no generation is left of.

    Args:
        at: The time (epoch seconds); only events before it are counted.
        until: The end of the visits to look at (epoch seconds).
        events: All events that count.
        ids: The items, n of them.
        categories: Their category codes, (n,), 0 for none.
    """
    rows = {id: row for row, id in enumerate(ids)}
    before = [event for event in events if event.ts < at]
    chosen, bought = (
        BasketMatrix.from_events(before, rows, types) for types in (CHOICE_TYPES, basket_event_types(before))
    )
    numbers = item_numbers(chosen, bought, categories, None, at)
    return PointInTime(at, until, ItemSignals(ids, numbers, item_links(before, rows, at)))


def build_for_you_examples(
    past: PointInTime,
    events: Sequence[Event],
    sources: ExampleSources,
    seed: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> ForYouExamples:
    """Return a group for the first visit after `past` of each shopper who was known then.

    Args:
        past: What was known, and the end of the visits.
        events: All events that count, in the order of time.
        sources: What the examples are made from beside them.
        seed: Draws shoppers, of more than 1,500, and the candidates that are kept.
        progress: Called with (done, total) shoppers.
    """
    columns = sources.columns
    before = [event for event in events if event.ts < past.at]
    visits = _first_visits([event for event in events if past.at <= event.ts < past.until])
    histories: defaultdict[str, list[Event]] = defaultdict(list)
    for event in before:
        histories[event.shopper].append(event)
    rng = np.random.default_rng([seed, int(past.at)])
    known = _sampled([name for name in visits if name and histories.get(name)], rng)
    counts = ItemCounts.of(count_popularity(before, past.at), columns, past.at)
    signals = SignalsByRow(past.signals, columns)
    existed = columns.live & ~(columns.created > past.until)  # an item that came later could not be wanted
    nothing, groups = np.zeros(0, np.int64), []
    for done, name in enumerate(known):
        progress(done, len(known))
        history = histories[name][-MAX_HISTORY_EVENTS:][::-1]
        profile = UserProfile.from_events(history, columns, past.at)
        discount = impression_discount(_impressions(sources, history[0], past.at), history, columns, past.at)
        context = RecommendContext(nothing, profile, columns, counts, signals, existed, sources.index, discount)
        group = _group(context, name, columns.rows(visits[name]), rng)
        if group is not None:
            groups.append(group)
    progress(len(known), len(known))
    return ForYouExamples.from_groups(groups)


def _sampled(shoppers: list[str], rng: np.random.Generator) -> list[str]:
    if len(shoppers) <= _MAX_SHOPPERS:
        return shoppers
    positions = rng.choice(len(shoppers), _MAX_SHOPPERS, replace=False)
    return [shoppers[position] for position in sorted(positions.tolist())]


def _impressions(sources: ExampleSources, newest: Event, at: float) -> Iterable[ShownRecommendation]:
    """Return what the shopper of the event was shown in the time before `at`."""
    session = None if newest.user else newest.session
    return sources.impressions(newest.user, session, at - IMPRESSION_SECONDS, at, MAX_IMPRESSIONS)


def _group(context: RecommendContext, shopper: str, wanted: np.ndarray, rng: np.random.Generator) -> Group | None:
    """Return the chosen candidates and a share of the others; None where no choice was a candidate."""
    if not len(context.profile):
        return None
    link_scores = link_features(context)
    rows = find_candidates(context, link_scores)
    chosen = np.isin(rows, wanted[wanted > 0])
    if not chosen.any():
        return None
    kept = chosen | (rng.random(len(rows)) < _KEPT_SHARE)
    return Group(build_features(context, rows, link_scores)[kept].astype(np.float16), chosen[kept], shopper)


def _first_visits(events: Sequence[Event]) -> dict[str, list[str]]:
    """Return shopper → the items chosen in their first visit in which any was."""
    visits: dict[str, object] = {}
    items: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.type in CHOICE_TYPES and visits.setdefault(event.shopper, event.visit) == event.visit:
            items[event.shopper].append(event.item)
    return items
