"""What a night counts: decayed popularity, and which items lead to which, judged beside the parent's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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

__all__ = ["Links", "count_popularity", "link_items", "write_popularity"]

Links = dict[str, ItemLinks]


def link_items(
    data: TrainingData, parent: Generation, ids: list[str], learned: LearnedRange
) -> tuple[GateResult | None, LearnedRange, Links]:
    """What leads to what, counted up to `counted`; links worse than the parent's give way to those.

    The held-out baskets judge, so all that their shoppers did that day is counted the night after; the anchor never is.
    Returns the verdict, None where no basket is held out, up to where links are counted now, and the links.
    """
    rows = {id: row for row, id in enumerate(ids)}
    held = {seq for basket in data.baskets.holdout for seq in basket.seqs}
    days = {(event.shopper, event.ts // DAY) for event in data.clean_events if event.seq in held}
    learnable = [event for event in data.learnable if (event.shopper, event.ts // DAY) not in days]
    links = item_links(learnable, rows, learned.until)
    if not data.baskets.holdout:
        return None, learned, links
    before = ItemSignals.load(parent.verified_path("signals")) if parent.has_part("signals") else ItemSignals()
    verdict = judge_links(before, ItemSignals(ids, {}, links), data.baskets.holdout)
    if not verdict.passed:
        now, learned = learned.until, parent.card.links_range
        early = [event for event in learnable if event.ts < learned.until and event.seq <= learned.events_seq]
        links = item_links(early, rows, now)
    return verdict, learned, links


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
