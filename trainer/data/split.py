"""From the shop's events to what a night may learn: searches with what was chosen, baskets, and which of them are new.

New is what the parent has not learned: later events, events imported late, and what the parent held out. The newest
of the new is held out for the judge, and is new again the night after. A small share of all sessions, the anchor, is
never learned: it asks every night the same questions about the past.

The same events serve these purposes, each without some of them:

| what is made  | from                   | bots | repeats | anchor | anomalous days | held out              |
|---------------|------------------------|------|---------|--------|----------------|-----------------------|
| popularity    | `clean_events`         | out  | out     | in     | in             | in                    |
| item links    | `learnable`            | out  | out     | out    | in             | out, their whole day  |
| encoder       | `searches`, `baskets`  | out  | out     | out    | out (searches) | out until next night  |
| search ranker | `searches.known`       | out  | out     | out    | out            | in                    |
| query memory  | `searches.known`       | out  | out     | out    | out            | in                    |
| for-you ranker| `clean_events`         | out  | out     | in     | in             | in                    |

Bots' purchases stay in everywhere; a repeat is a shopper's second view, click or cart of an item for a query in a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from shelfwise.generation.card import LearnedEvents
from shelfwise.store import Event, Impression
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import Basket, QueryClick, baskets, is_anchor, query_clicks
from shelfwise.trainer.data.position_bias import correct_bias, estimate_propensities
from shelfwise.trainer.data.spam_filters import SpamLimits, cap_interactions, drop_spam, weigh_by_shoppers

__all__ = ["MIN_PAIRS", "Split", "TrainingData", "split_events"]

_HOLDOUT_SHARE, _MAX_HOLDOUT_SEARCHES, _MAX_HOLDOUT_BASKETS = 0.1, 500, 300
_MIN_HOLDOUT_FOR_DEV = 150  # held-out searches, from which on a third of them are for early stopping
_MAX_POSTPONED, _AWAITED_SECONDS = 50_000, 30 * DAY  # events; how long an item may come after its first event
MIN_PAIRS = 8  # below that a batch has too few negatives to say anything
_ENOUGH_SEARCHES = 200  # from here on a shop is learned from its searches alone

Part = TypeVar("Part", bound=QueryClick | Basket)
T = TypeVar("T")
IsNew = Callable[[int, float], bool]  # (seq, ts) of an event → whether the parent has not learned it


@dataclass(frozen=True, slots=True)
class Split(Generic[Part]):
    """The interactions of one kind by what a night may do with them, each list in the order of time.

    `new` are learned tonight, `replay` the parent learned; `holdout` is the newest of the new, for the judge, and `dev`
    for early stopping; `anchor` is never learned.
    """

    new: Sequence[Part] = ()
    replay: Sequence[Part] = ()
    holdout: Sequence[Part] = ()
    anchor: Sequence[Part] = ()
    dev: Sequence[Part] = ()

    @property
    def since_parent(self) -> list[Part]:
        """Return what the parent has not learned, held out tonight or not; without the anchor."""
        return [*self.new, *self.holdout, *self.dev]

    @property
    def known(self) -> list[Part]:
        """Return all but the anchor, oldest first: what is held out is judged tonight, but may be remembered."""
        return sorted([*self.replay, *self.since_parent], key=lambda part: part.ts)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The events of a night by purpose; `counts` and `removed` go into its report.

    `clean_events` are without bots and repetitions, `learnable` those without the anchor; `awaited` are the `seq` of
    recent events on items that may still be imported; `bots` are the shoppers who look like a program.
    """

    searches: Split[QueryClick] = Split()
    baskets: Split[Basket] = Split()
    clean_events: Sequence[Event] = ()
    learnable: Sequence[Event] = ()
    awaited: Sequence[int] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    bots: Sequence[str] = ()

    @property
    def is_searched(self) -> bool:
        """Return whether the search log is enough to learn and judge by; else baskets and titles help."""
        searches = self.searches
        return len(searches.new) + len(searches.replay) + len(searches.holdout) >= _ENOUGH_SEARCHES

    @property
    def is_little(self) -> bool:
        """Return whether what is new is too little to train on."""
        return len(self.searches.new) + len(self.baskets.new) < MIN_PAIRS

    def held_out(self, postponed: Sequence[int]) -> tuple[int, ...]:
        """Return the `seq` of every event kept from learning tonight, ascending; the next night may learn them.

        `postponed` are the `seq` of events that wait for their item or for room; of many, the last 50,000 count.
        """
        parts: list[QueryClick | Basket] = [*self.searches.holdout, *self.searches.dev, *self.baskets.holdout]
        return tuple(sorted({*(seq for part in parts for seq in part.seqs), *postponed[-_MAX_POSTPONED:]}))


def split_events(
    events: Sequence[Event],
    learned: LearnedEvents,
    is_known: Callable[[str], bool],
    impressions: Iterable[Impression] = (),
    limits: SpamLimits | None = None,
) -> TrainingData:
    """Sort the events of the shop by what the parent learned, without spam.

    Args:
        events: all events before the night's end, oldest first.
        learned: what the parent learned; searches of its anomalous days are left out.
        is_known: whether an item id is in the catalogue; events on others are counted and left out.
        impressions: logged answers, for position bias and for what was passed over.
        limits: of the spam filters; None for the defaults.
    """
    limits = limits or SpamLimits()
    is_new = _is_new(learned)
    on_known_items, on_others = _partition(events, lambda event: is_known(event.item))
    newest = max((event.ts for event in events), default=0.0)
    clean_events, spam, bots = drop_spam(on_known_items, limits)
    anchor, learnable = _partition(clean_events, is_anchor)
    ordinary_anchor, ordinary = (
        [event for event in part if int(event.ts // DAY) not in learned.anomalous_days] for part in (anchor, learnable)
    )
    searches, capped, weighed_less = _split_searches(ordinary_anchor, ordinary, is_new, list(impressions), limits)
    bought = _split(sorted(baskets(learnable), key=_age), baskets(anchor), is_new, _MAX_HOLDOUT_BASKETS)
    counts = _event_counts(events, is_new, learned.held_out) | {"weighed_less": weighed_less}
    return TrainingData(
        searches,
        bought,
        clean_events,
        learnable,
        awaited=[event.seq for event in on_others if event.ts >= newest - _AWAITED_SECONDS],
        counts=counts | _sizes("searches", searches) | _sizes("baskets", bought),
        removed={"unknown_item": len(on_others)} | spam | capped,
        bots=bots,
    )


def _is_new(learned: LearnedEvents) -> IsNew:
    held_out = frozenset(learned.held_out)
    return lambda seq, ts: seq > learned.events_seq or ts >= learned.until or seq in held_out


def _event_counts(events: Sequence[Event], is_new: IsNew, held_out: Sequence[int]) -> dict[str, int]:
    new = [event.seq for event in events if is_new(event.seq, event.ts)]
    since_parent = len(new) - len(frozenset(held_out).intersection(new))
    return {"events": len(events), "new_events": len(new), "since_parent": since_parent}


def _sizes(kind: str, split: Split[Part]) -> dict[str, int]:
    parts = {"new": split.new, "old": split.replay, "held": split.holdout, "anchor": split.anchor}
    return {f"{name}_{kind}": len(part) for name, part in parts.items()}


def _split_searches(
    anchor: Sequence[Event],
    learnable: Sequence[Event],
    is_new: IsNew,
    impressions: Sequence[Impression],
    limits: SpamLimits,
) -> tuple[Split[QueryClick], dict[str, int], int]:
    """Return the searches within the caps, weighed by position and by shoppers; removed by rule; how many weigh less.

    Args:
        anchor: the ordinary events of the anchor.
        learnable: the ordinary events outside of it.
        is_new: whether the parent has not learned an event.
        impressions: logged answers.
        limits: of the spam filters.
    """
    shown = {answer.search_id: answer for answer in impressions}
    clicks = sorted(query_clicks(learnable, shown, merged=not limits.count_repeats), key=_age)
    capped, removed = cap_interactions(clicks, limits)
    corrected = correct_bias(capped, estimate_propensities(impressions, learnable))
    weighed, weighed_less = weigh_by_shoppers(corrected, limits)
    searches = _split(weighed, query_clicks(anchor, shown), is_new, _MAX_HOLDOUT_SEARCHES)
    holdout = searches.holdout
    if len(holdout) >= _MIN_HOLDOUT_FOR_DEV:  # what stopped a training early can't judge it
        judged = [search for position, search in enumerate(holdout) if position % 3]
        searches = replace(searches, holdout=judged, dev=holdout[::3])
    return searches, removed, weighed_less


def _split(parts: Iterable[Part], anchor: Iterable[Part], is_new: IsNew, max_holdout: int) -> Split[Part]:
    """Sort `parts`, in the order of time, into new and replay, and hold the newest of the new out for the judge."""
    new, replay = _partition(parts, lambda part: any(is_new(seq, part.ts) for seq in part.seqs))
    start = len(new) - min(max_holdout, round(len(new) * _HOLDOUT_SHARE))
    return Split(new[:start], replay, new[start:], sorted(anchor, key=_age))


def _partition(values: Iterable[T], is_first: Callable[[T], bool]) -> tuple[list[T], list[T]]:
    first: list[T] = []
    second: list[T] = []
    for value in values:
        (first if is_first(value) else second).append(value)
    return first, second


def _age(part: QueryClick | Basket) -> tuple[float, tuple[int, ...]]:
    return part.ts, part.seqs
