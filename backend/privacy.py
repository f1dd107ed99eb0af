"""Erase a person from a shop, or export all rows about them and the generations that learned from these.

Rows go at once. Weights and counts can't be taken apart, so the generations that learned from the person are retired:
none is made from them again, and the next night starts from one that never saw the person.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shelfwise.errors import GenerationError, NightBusy, NotFound
from shelfwise.files import locked
from shelfwise.generation.registry import NIGHT_LOCK, WORK, GenerationRegistry
from shelfwise.store import Store
from shelfwise.timestamps import to_iso
from shelfwise.types import Row
from shelfwise.validation import parse_id

__all__ = ["LearnedRange", "erase", "export", "learned_range"]

_NOTE = (
    "Nothing else is kept: taste is computed from these rows when it is asked for. A generation holds weights and"
    " counts over all shoppers. Rows without a user are nobody's where several users share their session."
)


class LearnedRange(NamedTuple):
    """The events that a generation may have learned or counted, at most: ts < until and seq ≤ events_seq."""

    until: float
    events_seq: int


_EVERYTHING = LearnedRange(float("inf"), 2**63 - 1)


def erase(folder: Path, store: Store, generations: GenerationRegistry, user: str, at: float) -> Row:
    """Delete all rows about a person from the shop in `folder`, and retire the generations that learned from them.

    A retired generation that serves does so until the next night has made another. Returns the receipt: {"erasure",
    "at", "events", "searches", "recommendations", "generations", "next_parent", "scrubbed"}, that is its number (None
    without any row), the rows erased, the generations on disk that learned from them, the one that the next night
    starts from (None: the base model), and whether no copy of a deleted row stays in the file. Repeating it is
    harmless, and erases rows that another process logged within this second. Raises InvalidInput for an invalid id,
    NightBusy while a night runs, since it would learn from rows that it read before.

    Args:
        folder: the folder of the shop.
        store: its store.
        generations: its generations.
        user: the id of the person.
        at: now, in epoch seconds.
    """
    user = parse_id(user, "user")
    with locked(folder / NIGHT_LOCK, wait=False) as acquired:
        if not acquired:
            raise NightBusy(f"a night is running on {folder} and may be learning from this person; erase when it ended")
        generations.current()  # raises GenerationCorrupt before anything is erased
        store.answer_log.close()  # writes the queue; the next answer starts the log again
        generations.remove_unfinished()  # a night that was killed may have left weights here and checkpoints in WORK
        if (folder / WORK).exists():
            shutil.rmtree(folder / WORK)
        erased = store.personal_data.erase(user, at, _learned_ranges(generations))
        parent = generations.latest_valid(exclude=store.personal_data.generations_to_retire())
        scrubbed = store.personal_data.vacuum()
    receipt = {"erasure": erased["erasure"], "at": to_iso(at)} | erased
    return receipt | {"next_parent": parent.number if parent else None, "scrubbed": scrubbed}


def export(store: Store, generations: GenerationRegistry, user: str) -> Row:
    """Return all that is kept about a person. Raises InvalidInput for an invalid id.

    That is {"user", "events", "searches", "recommendations", "sessions", "generations", "note"}: whole rows, the
    sessions that are theirs alone, and the generations on disk that learned from them.
    """
    user = parse_id(user, "user")
    store.answer_log.close()
    data = store.personal_data.find(user)
    learned_by = data.learned_by(_learned_ranges(generations))
    return {"user": user, **data.to_dict(), "generations": learned_by, "note": _NOTE}


def learned_range(card: Mapping[str, Any]) -> LearnedRange:
    """Every event that is in a generation lies within its reach; a card that doesn't say it reaches everything.

    A night never goes back in time, and counts all events before its `until`, those that it holds out too. So what it
    learned, what it counted and what its ancestors learned are all within the reach of what it counted.
    """
    try:
        learned, report = card["learned"], card.get("report") or {}
        until = max(float(learned["until"]), float(card["until"]))
        # A rebuilt index carries the statistics of its parent on, and its own report names no events.
        events_seq = int(report.get("events_seq", _EVERYTHING.events_seq))
        return LearnedRange(until, max(events_seq, int(learned["events_seq"])))
    except (AttributeError, KeyError, TypeError, ValueError):
        return _EVERYTHING


def _learned_ranges(generations: GenerationRegistry) -> dict[int, LearnedRange]:
    ranges: dict[int, LearnedRange] = {}
    for number in generations.numbers():
        try:
            ranges[number] = learned_range(generations.open(number).card)
        except (GenerationError, NotFound):  # a generation that can't be read may hold anything
            ranges[number] = _EVERYTHING
    return ranges
