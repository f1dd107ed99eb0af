"""From the shop's events to what a night may learn: searches with what was chosen, baskets, and which of them are new.

New is what the parent has not learned: later events, events imported late, and what the parent held out. The newest
of the new is held out for the judge, and is new again the night after. A small share of all sessions, the anchor, is
never learned: it asks every night the same questions about the past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shelfwise.store import Event, Impression
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import Basket, QueryClick, baskets, is_anchor, query_clicks
from shelfwise.trainer.data.position_bias import correct_bias, estimate_propensities
from shelfwise.trainer.data.spam_filters import SpamLimits, cap_interactions, drop_spam, weigh_by_shoppers

__all__ = ["LEAST_PAIRS", "TrainingData", "split_events"]

_HELD_OUT_SHARE, _HELD_OUT_MOST = 0.1, 500
_BASKETS_HELD_OUT_MOST = 300
_DEV_FROM = 150  # held-out searches, from which on a third of them are for the training to look at
_POSTPONED_MOST, _AWAITED = 50_000, 30 * DAY  # events; how long an item may come after its first event
LEAST_PAIRS = 8  # below that a batch has too few negatives to say anything
_ENOUGH_SEARCHES = 200  # from here on a shop is learned from its searches alone
Part = TypeVar("Part", QueryClick, Basket)


@dataclass
class TrainingData:
    """What a night works on, each list in the order of time. `counts` and `removed` go into the ledger.

    `dev_searches` are held out too, for the training to look at. `postponed` are events that may be learned later: on
    items not known yet, or without room tonight. `honest` are the events that count: without bots, without
    repetitions; `learnable` are those without the anchor.
    """

    new_searches: list[QueryClick] = field(default_factory=list)
    old_searches: list[QueryClick] = field(default_factory=list)
    held_searches: list[QueryClick] = field(default_factory=list)
    anchor_searches: list[QueryClick] = field(default_factory=list)
    new_baskets: list[Basket] = field(default_factory=list)
    old_baskets: list[Basket] = field(default_factory=list)
    held_baskets: list[Basket] = field(default_factory=list)
    anchor_baskets: list[Basket] = field(default_factory=list)
    dev_searches: list[QueryClick] = field(default_factory=list)
    postponed: list[int] = field(default_factory=list)
    clean_events: list[Event] = field(default_factory=list)
    learnable: list[Event] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    bots: list[str] = field(default_factory=list)

    @property
    def is_searched(self) -> bool:
        """Whether the shop's search log is enough to learn and judge by; else its baskets and titles help."""
        searches = len(self.new_searches) + len(self.old_searches) + len(self.held_searches)
        return searches >= _ENOUGH_SEARCHES

    @property
    def is_little(self) -> bool:
        """Whether what is new is too little to train on."""
        return len(self.new_searches) + len(self.new_baskets) < LEAST_PAIRS

    @property
    def held_out(self) -> list[int]:
        """The `seq` of every event that this night keeps from learning, and that the next night may learn."""
        held: list[QueryClick | Basket] = [*self.held_searches, *self.dev_searches, *self.held_baskets]
        return sorted({*(seq for part in held for seq in part.seqs), *self.postponed[-_POSTPONED_MOST:]})


def split_events(
    events: Sequence[Event],
    learned: Mapping[str, Any],
    known: Callable[[str], bool],
    impressions: Iterable[Impression] = (),
    limits: SpamLimits | None = None,
) -> TrainingData:
    """Sort the events of the shop by what the parent's card says was `learned` (events_seq, until, held_out).

    Events on items for which `known` is false are counted and left out, and so is what the defences remove; and the
    searches of the days that the parent's line found strange.
    """
    limits = limits or SpamLimits()
    is_new = _newness(learned)
    held = frozenset(learned["held_out"])
    data = TrainingData()
    about = [event for event in events if known(event.item)]
    data.counts = {
        "events": len(events),
        "new_events": sum(is_new(event.seq, event.ts) for event in events),
        "since_parent": sum(is_new(event.seq, event.ts) and event.seq not in held for event in events),
    }
    data.removed["unknown_item"] = len(events) - len(about)
    newest = max((event.ts for event in events), default=0.0)
    data.postponed = [event.seq for event in events if event.ts >= newest - _AWAITED and not known(event.item)]
    data.clean_events, removed, data.bots = drop_spam(about, limits)
    data.removed |= removed
    asked, data.learnable = _split_anchor(data.clean_events)
    strange = frozenset(learned.get("strange_days", ()))
    ordinary = [[event for event in part if int(event.ts // DAY) not in strange] for part in (asked, data.learnable)]
    _sort_searches(data, ordinary[0], ordinary[1], is_new, list(impressions), limits)
    _sort_baskets(data, asked, is_new)
    _hold_out(data)
    data.counts |= {
        f"{age}_{kind}": len(getattr(data, f"{age}_{kind}"))
        for kind in ("searches", "baskets")
        for age in ("new", "old", "held", "anchor")
    }
    return data


def _newness(learned: Mapping[str, Any]) -> Callable[[int, float], bool]:
    last_seq, until, held = learned["events_seq"], learned["until"], frozenset(learned["held_out"])
    return lambda seq, ts: seq > last_seq or ts >= until or seq in held


def _sort_searches(
    data: TrainingData,
    asked: Sequence[Event],
    learnable: Sequence[Event],
    is_new: Callable[[int, float], bool],
    impressions: list[Impression],
    limits: SpamLimits,
) -> None:
    """Fill the lists of searches: within the caps, weighed by place and by shoppers, and by what is new."""
    shown = {answer.search_id: answer for answer in impressions}
    data.anchor_searches = sorted(query_clicks(asked, shown), key=_age)
    searches, capped = cap_interactions(
        sorted(query_clicks(learnable, shown, merged=not limits.repeats), key=_age), limits
    )
    searches = correct_bias(searches, estimate_propensities(impressions, learnable))
    weighed, data.counts["weighed_less"] = weigh_by_shoppers(searches, limits)
    data.removed |= capped
    for search in weighed:
        new = any(is_new(seq, search.ts) for seq in search.seqs)
        (data.new_searches if new else data.old_searches).append(search)


def _sort_baskets(data: TrainingData, asked: Sequence[Event], is_new: Callable[[int, float], bool]) -> None:
    data.anchor_baskets = sorted(baskets(asked), key=_age)
    for basket in sorted(baskets(data.learnable), key=_age):
        new = any(is_new(seq, basket.ts) for seq in basket.seqs)
        (data.new_baskets if new else data.old_baskets).append(basket)


def _split_anchor(events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    asked: list[Event] = []
    learnable: list[Event] = []
    for event in events:
        (asked if is_anchor(event) else learnable).append(event)
    return asked, learnable


def _hold_out(data: TrainingData) -> None:
    """Move the newest new searches and baskets aside for the judge."""
    data.new_searches, data.held_searches = _split(data.new_searches, _HELD_OUT_MOST)
    if len(data.held_searches) >= _DEV_FROM:  # what stopped a training early can't judge it
        held = data.held_searches
        data.dev_searches = held[::3]
        data.held_searches = [search for position, search in enumerate(held) if position % 3]
    data.new_baskets, data.held_baskets = _split(data.new_baskets, _BASKETS_HELD_OUT_MOST)


def _split(parts: list[Part], limit: int) -> tuple[list[Part], list[Part]]:
    count = min(limit, round(len(parts) * _HELD_OUT_SHARE))
    return parts[: len(parts) - count], parts[len(parts) - count :]


def _age(part: QueryClick | Basket) -> tuple[float, tuple[int, ...]]:
    return part.ts, part.seqs
