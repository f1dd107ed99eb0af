"""A night, alone on its shop and with its row in the ledger; generation 0; and the rebuild of a worn index.

`init` makes generation 0 from the base model, `increment` runs a night, `compact` rebuilds the index with the same
encoder. All three publish under one lock, so that two nights never overlap. The steps are in `run.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from shelfwise import Shop
from shelfwise.errors import GenerationError, InvalidInput, NightBusy
from shelfwise.files import locked
from shelfwise.generation.registry import NIGHT_LOCK, WORK, Generation
from shelfwise.timestamps import parse_time
from shelfwise.trainer.data.spam_filters import SpamLimits
from shelfwise.trainer.encoder.distributed import release_helpers
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.night.bootstrap import needs_compaction, publish_base_generation
from shelfwise.trainer.night.pipeline import NightPipeline, NightResult
from shelfwise.trainer.night.plan import Options, make_plan
from shelfwise.trainer.statistics.catalogue_vectors import Progress

__all__ = ["compact", "help_training", "increment", "init"]


def init(path: str | Path, model: str | None = None, progress: Progress | None = None) -> int:
    """Make generation 0 from the base model (default all-MiniLM-L6-v2); returns the generation that serves.

    A shop that has a generation is left as it is. Raises EncoderUnsupported, NightBusy, and InvalidInput when that
    generation descends from another model than the one asked for.
    """
    with Shop(path) as shop, _alone(shop):
        current = shop.generations.current()
        if current is None:
            return publish_base_generation(shop, model, progress or _silent).number
        base = shop.generations.open(current).card.base
        if model not in (None, base):
            raise InvalidInput(f"--model {model}: generation {current} descends from {base}; start with a new folder")
        return current


def increment(
    path: str | Path,
    until: datetime | str | None = None,
    progress: Progress | None = None,
    *,
    learn_pairs: bool = True,
    force: bool = False,
    budget: float | None = None,
    tensorboard: str | Path | None = None,
    config: TrainingConfig | None = None,
    limits: SpamLimits | None = None,
) -> NightResult:
    """Run one night on the shop in `path`, with the events before `until` (exclusive; default: now).

    `budget` is the time in seconds that the night may take, `force` publishes an encoder judged worse and records it,
    `tensorboard` is a folder for training logs. `learn_pairs=False` only counts: popularity and co-purchases follow,
    the encoder stays (replay's frozen baseline). `recipe` and `defences` are for measuring others than the default.
    A killed night is taken up where it was, unless another `until` is asked for. Under torchrun rank 0 calls this and
    the other ranks `help_training`.
    Raises NightBusy when another night runs, InvalidInput for a bad `until` or `budget`.
    """
    options = Options(
        learn_pairs, force, budget, Path(tensorboard) if tensorboard else None, config or TrainingConfig(),
        limits or SpamLimits(),
    )  # fmt: skip
    try:
        return _increment(Path(path), until, progress or _silent, options)
    finally:
        release_helpers()


def _increment(path: Path, until: datetime | str | None, progress: Progress, options: Options) -> NightResult:
    if options.budget is not None and not options.budget > 0:
        raise InvalidInput(f"budget: {options.budget} seconds is no time to learn in", "budget")
    with Shop(path) as shop, _alone(shop):
        asked = None if until is None else parse_time(until, "until")
        parent = _valid_parent(shop, progress)
        seq, since = shop.store.events.last_seq(), parent.card.until
        plan = make_plan(shop.path / WORK, parent.number, asked, shop.now(), seq, since=since)
        return _recorded(shop, parent, lambda run: run.increment(plan), progress, options)


def help_training() -> None:
    """Train along with rank 0 of a torchrun, which runs `increment`, until its night is over.

    Exits with status 1 when rank 0 is gone.
    """
    from shelfwise.trainer.encoder.training import run_helper

    run_helper()


def compact(path: str | Path, progress: Progress | None = None) -> NightResult | None:
    """Rebuild the index with the same encoder if enough items changed since it was built; None if not."""
    with Shop(path) as shop, _alone(shop):
        parent = shop.generations.latest_valid(exclude=shop.store.personal_data.generations_to_retire())
        if parent is None or parent.number != shop.generations.current() or not needs_compaction(shop, parent):
            return None
        return _recorded(shop, parent, lambda run: run.compact(), progress or _silent, Options())


# ---- a night and its row in the ledger ----------------------------------------------------------------------


@contextmanager
def _alone(shop: Shop) -> Iterator[None]:
    with locked(shop.path / NIGHT_LOCK, wait=False) as mine:
        if not mine:
            raise NightBusy(f"another night is running on {shop.path}; wait for it, or see `shelfwise nights`")
        shop.generations.remove_unfinished()
        yield


def _valid_parent(shop: Shop, progress: Progress) -> Generation:
    """The generation to learn from: the current one, the newest sound one before it, or the base model anew.

    One that learned from a person who was erased since is no parent. A damaged generation is derived data, so a night
    repairs the shop.
    """
    sound = shop.generations.latest_valid(exclude=shop.store.personal_data.generations_to_retire())
    return sound or _left_base(shop) or publish_base_generation(shop, shop.generations.base_model(), progress)


def _left_base(shop: Shop) -> Generation | None:
    """The base model that a killed night had made its parent, to carry that night on; None without any."""
    for number in reversed(shop.generations.numbers()):
        with suppress(GenerationError):
            generation = shop.generations.open(number)
            if generation.card.parent is None and number not in shop.store.personal_data.generations_to_retire():
                generation.verify()
                return generation
    return None


def _recorded(
    shop: Shop, parent: Generation, work: Callable[[NightPipeline], NightResult], progress: Progress, options: Options
) -> NightResult:
    """Run the night's work and leave a row in the ledger, whatever its end.

    What a stopped night has done so far stays in `work`, for the next one to go on from.
    """
    number = shop.store.ledger.begin(shop.now(), parent.number)
    run = NightPipeline(shop, number, parent, progress, options)
    try:
        night = work(run)
    except BaseException as problem:
        stopped = isinstance(problem, KeyboardInterrupt | SystemExit)
        reason = f"{type(problem).__name__}: {problem}"
        verdict = "killed" if stopped else "failed"
        shop.store.ledger.end(number, shop.now(), verdict, reason, shop.generations.current(), run.report)
        shop.generations.remove_unfinished()
        if not stopped:
            shutil.rmtree(shop.path / WORK, ignore_errors=True)
        raise
    shutil.rmtree(shop.path / WORK, ignore_errors=True)
    shop.store.ledger.end(number, shop.now(), night.verdict, night.reason, night.generation, night.report)
    return night


def _silent(stage: str, done: int, total: int) -> None: ...
