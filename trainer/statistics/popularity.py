"""Count popularity, and the links between items, judged beside the parent's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shelfwise.generation.card import LearnedRange
from shelfwise.generation.item_links import ItemLinks
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.generation.popularity import (
    RECENT_HALF_LIFE_DAYS,
    PopularityCounts,
    decayed_popularity,
    save_popularity,
)
from shelfwise.generation.registry import Generation
from shelfwise.night_report_parts import GateResult
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.evaluation.judge import judge_links
from shelfwise.trainer.statistics.item_signals import item_links

__all__ = ["LinkOutcome", "Links", "count_popularity", "link_items", "write_popularity"]

Links = dict[str, ItemLinks]


class LinkOutcome(NamedTuple):
    """The item links of a night, up to where they are counted, and the result of the judge.

    `gate` is None where no basket was held out to ask.
    """

    links: Links
    learned: LearnedRange
    gate: GateResult | None


def link_items(data: TrainingData, parent: Generation, ids: list[str], learned: LearnedRange) -> LinkOutcome:
    """Count the links between the items `ids` up to `learned`; where they do worse, up to the parent's range.

    The held-out baskets judge, so all that their shoppers did that day is counted the night after; the anchor never is.
    """
    rows = {id: row for row, id in enumerate(ids)}
    held_out = {seq for basket in data.baskets.holdout for seq in basket.seqs}
    days = {(event.shopper, event.ts // DAY) for event in data.clean_events if event.seq in held_out}
    learnable = [event for event in data.learnable if (event.shopper, event.ts // DAY) not in days]
    links = item_links(learnable, rows, learned.until)
    if not data.baskets.holdout:
        return LinkOutcome(links, learned, None)
    before = ItemSignals.load(parent.verified_path("signals")) if parent.has_part("signals") else ItemSignals()
    gate = judge_links(before, ItemSignals(ids, {}, links), data.baskets.holdout)
    if gate.passed:
        return LinkOutcome(links, learned, gate)
    old = parent.card.links_range
    early = [event for event in learnable if event.ts < old.until and event.seq <= old.events_seq]
    return LinkOutcome(item_links(early, rows, learned.until), old, gate)


def count_popularity(events: Sequence[Event], now: float) -> PopularityCounts:
    """Return decayed popularity and first events of the items, as of `now` (epoch seconds)."""
    recent = decayed_popularity(events, now, RECENT_HALF_LIFE_DAYS)
    first_seen = {event.item: event.ts for event in sorted(events, key=lambda event: -event.ts)}
    return PopularityCounts(decayed_popularity(events, now), recent, first_seen)


def write_popularity(events: Sequence[Event], ids: list[str], now: float, folder: Path) -> None:
    """Write the popularity of the items `ids` as of `now` (epoch seconds), counted from their events."""
    known = set(ids)
    counts = count_popularity([event for event in events if event.item in known], now)
    save_popularity(folder, ids, vars(counts))
