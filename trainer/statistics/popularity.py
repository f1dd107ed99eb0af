"""What a night counts: decayed popularity, and which items lead to which, judged beside the parent's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shelfwise.generation.item_links import ItemLinks
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.generation.popularity import RECENT_HALF_LIFE_DAYS, decayed_popularity, save_popularity
from shelfwise.generation.registry import Generation
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.evaluation.judge import GateResult, judge_links
from shelfwise.trainer.statistics.item_signals import item_links

__all__ = ["LearnedRange", "Links", "learned_range", "link_items", "write_popularity"]

Links = dict[str, ItemLinks]


class LearnedRange(NamedTuple):
    """The events with ts < until (epoch seconds) and seq ≤ events_seq."""

    until: float
    events_seq: int


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
    before = ItemSignals.open(parent.verified_path("signals")) if parent.has_part("signals") else ItemSignals()
    verdict = judge_links(before, ItemSignals(ids, {}, links), data.baskets.holdout)
    if not verdict.passed:
        now, learned = learned.until, learned_range(parent)
        early = [event for event in learnable if event.ts < learned.until and event.seq <= learned.events_seq]
        links = item_links(early, rows, now)
    return verdict, learned, links


def learned_range(generation: Generation) -> LearnedRange:
    """Up to where the generation counted co-purchases; one made before cards said so counted what its night saw."""
    card = generation.card
    own = {"until": card["until"], "events_seq": card.get("report", {}).get("events_seq", 0)}
    return LearnedRange(**card.get("together", own))


def write_popularity(events: Sequence[Event], ids: list[str], now: float, folder: Path) -> None:
    """Write the statistics of the events about the items `ids`, as of `now` (epoch seconds)."""
    of = set(ids)
    known = [event for event in events if event.item in of]
    counts = {
        "popularity": decayed_popularity(known, now),
        "recent": decayed_popularity(known, now, RECENT_HALF_LIFE_DAYS),
        "first_seen": {event.item: event.ts for event in sorted(known, key=lambda event: -event.ts)},
    }
    save_popularity(folder, ids, counts)
