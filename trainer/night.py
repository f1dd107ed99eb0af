"""A night, alone on its shop and with its row in the ledger; generation 0; and the rebuild of a worn index.

`init` makes generation 0 from the base model, `increment` runs a night, `compact` rebuilds the index with the same
encoder. All three publish under one lock, so that two nights never overlap. The steps are in `run.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from shelfwise import Shop
from shelfwise.errors import InvalidInput, NightBusy
from shelfwise.generations import Generation
from shelfwise.locks import locked
from shelfwise.times import parse_time, to_iso
from shelfwise.trainer.run import Night, Progress, Run, genesis, is_worn

__all__ = ["compact", "increment", "init"]


def init(path: str | Path, model: str | None = None, progress: Progress | None = None) -> int:
    """Make generation 0 from the base model (default all-MiniLM-L6-v2); returns the generation that serves.

    A shop that has a generation is left as it is. Raises EncoderUnsupported, NightBusy, and InvalidInput when that
    generation descends from another model than the one asked for.
    """
    with Shop(path) as shop, _alone(shop):
        current = shop.generations.current()
        if current is None:
            return genesis(shop, model, progress or _silent).number
        base = shop.generations.open(current).card.get("base")
        if model not in (None, base):
            raise InvalidInput(f"--model {model}: generation {current} descends from {base}; start with a new folder")
        return current


def increment(
    path: str | Path,
    until: datetime | str | None = None,
    progress: Progress | None = None,
    *,
    learn_pairs: bool = True,
) -> Night:
    """Run one night on the shop in `path`, with the events before `until` (exclusive; default: now).

    `learn_pairs=False` only counts: popularity and co-purchases follow, the encoder stays (replay's frozen baseline).
    Raises NightBusy when another night runs, InvalidInput for a bad `until`.
    """
    with Shop(path) as shop, _alone(shop):
        parent = _sound_parent(shop, progress or _silent)
        now = shop.now() if until is None else parse_time(until, "until")
        if now < parent.card["until"]:
            raise InvalidInput(f"until: lies before the last night's, {to_iso(parent.card['until'])}", "until")
        return _recorded(shop, parent, lambda run: run.increment(now, learn_pairs), progress or _silent)


def compact(path: str | Path, progress: Progress | None = None) -> Night | None:
    """Rebuild the index with the same encoder if enough items changed since it was built; None if not."""
    with Shop(path) as shop, _alone(shop):
        parent = shop.generations.newest_sound()
        if parent is None or not is_worn(shop, parent):
            return None
        return _recorded(shop, parent, lambda run: run.compact(), progress or _silent)


# ---- a night and its row in the ledger ----------------------------------------------------------------------


@contextmanager
def _alone(shop: Shop) -> Iterator[None]:
    with locked(shop.path / "night.lock", wait=False) as mine:
        if not mine:
            raise NightBusy(f"another night is running on {shop.path}; wait for it, or see `shelfwise nights`")
        shop.generations.sweep()
        shutil.rmtree(shop.path / "work", ignore_errors=True)
        yield


def _sound_parent(shop: Shop, progress: Progress) -> Generation:
    """The generation to learn from: the current one, the newest sound one before it, or the base model anew.

    A damaged generation is derived data, so a night repairs the shop.
    """
    return shop.generations.newest_sound() or genesis(shop, None, progress)


def _recorded(shop: Shop, parent: Generation, work: Callable[[Run], Night], progress: Progress) -> Night:
    """Run the night's work and leave a row in the ledger, whatever its end."""
    number = shop.store.nights.begin(shop.now(), parent.number)
    run = Run(shop, number, parent, progress)
    try:
        night = work(run)
    except BaseException as problem:
        verdict = "killed" if isinstance(problem, KeyboardInterrupt | SystemExit) else "failed"
        reason = f"{type(problem).__name__}: {problem}"
        shop.store.nights.end(number, shop.now(), verdict, reason, shop.generations.current(), run.report)
        shop.generations.sweep()
        raise
    finally:
        shutil.rmtree(shop.path / "work", ignore_errors=True)
    shop.store.nights.end(number, shop.now(), night.verdict, night.reason, night.generation, night.report)
    return night


def _silent(stage: str, done: int, total: int) -> None: ...
