"""Erase a person from a shop, or export all rows about them and the generations that learned from these.

Rows go at once. Weights and counts can't be taken apart, so the generations that learned from the person are retired:
none is made from them again, and the next night starts from one that never saw the person.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from shelfwise.errors import GenerationError, NightBusy, NotFound
from shelfwise.files import locked
from shelfwise.generation.card import ALL_EVENTS, LearnedRange
from shelfwise.generation.registry import NIGHT_LOCK, WORK, GenerationRegistry
from shelfwise.store import Store
from shelfwise.timestamps import to_iso
from shelfwise.types import Row
from shelfwise.validation import parse_id

__all__ = ["erase", "export"]

_NOTE = (
    "Nothing else is kept: taste is computed from these rows when it is asked for. A generation holds weights and"
    " counts over all shoppers. Rows without a user belong to no person where several users share their session."
)


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


def _learned_ranges(generations: GenerationRegistry) -> dict[int, LearnedRange]:
    ranges: dict[int, LearnedRange] = {}
    for number in generations.numbers():
        try:
            ranges[number] = generations.open(number).card.event_range
        except (GenerationError, NotFound):  # a generation that can't be read may hold anything
            ranges[number] = ALL_EVENTS
    return ranges
