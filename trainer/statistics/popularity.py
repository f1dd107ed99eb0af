"""What a night counts: decayed popularity, and which items lead to which, judged beside the parent's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shelfwise.generation.item_links import Neighbours
from shelfwise.generation.item_signals import Signals
from shelfwise.generation.popularity import RECENT_HALF_LIFE_DAYS, popularity, save
from shelfwise.generation.registry import Generation
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.spam_filters import who
from shelfwise.trainer.data.split import Material
from shelfwise.trainer.evaluation.judge import Verdict, judge_together
from shelfwise.trainer.statistics.item_signals import links_of

__all__ = ["Counted", "Links", "count", "counted_by", "judged_links"]

Links = dict[str, Neighbours]


class Counted(NamedTuple):
    """The events with ts < until (epoch seconds) and seq ≤ events_seq."""

    until: float
    events_seq: int


def judged_links(
    material: Material, parent: Generation, ids: list[str], counted: Counted
) -> tuple[Verdict | None, Counted, Links]:
    """What leads to what, counted up to `counted`; links worse than the parent's give way to those.

    The held-out baskets judge, so all that their shoppers did that day is counted the night after; the anchor never is.
    Returns the verdict, None where no basket is held out, up to where links are counted now, and the links.
    """
    rows = {id: row for row, id in enumerate(ids)}
    held = {seq for basket in material.held_baskets for seq in basket.seqs}
    days = {(who(event), event.ts // DAY) for event in material.honest if event.seq in held}
    learnable = [event for event in material.learnable if (who(event), event.ts // DAY) not in days]
    links = links_of(learnable, rows, counted.until)
    if not material.held_baskets:
        return None, counted, links
    before = Signals.open(parent.checked("signals")) if parent.holds("signals") else Signals()
    verdict = judge_together(before, Signals(ids, {}, links), material.held_baskets)
    if not verdict.passed:
        now, counted = counted.until, counted_by(parent)
        early = [event for event in learnable if event.ts < counted.until and event.seq <= counted.events_seq]
        links = links_of(early, rows, now)
    return verdict, counted, links


def counted_by(generation: Generation) -> Counted:
    """Up to where the generation counted co-purchases; one made before cards said so counted what its night saw."""
    card = generation.card
    own = {"until": card["until"], "events_seq": card.get("report", {}).get("events_seq", 0)}
    return Counted(**card.get("together", own))


def count(events: Sequence[Event], ids: list[str], now: float, folder: Path) -> None:
    """Write the statistics of the events about the items `ids`, as of `now` (epoch seconds)."""
    of = set(ids)
    known = [event for event in events if event.item in of]
    counts = {
        "popularity": popularity(known, now),
        "recent": popularity(known, now, RECENT_HALF_LIFE_DAYS),
        "first_seen": {event.item: event.ts for event in sorted(known, key=lambda event: -event.ts)},
    }
    save(folder, ids, counts)
