"""The commands of the trainer, each alone on its shop and with its row in the ledger.

`init` makes generation 0 from the base model, `increment` runs a night, `compact` rebuilds the index with the same
encoder. All three publish under one lock, so that two nights never overlap. The steps are in `pipeline.py`.
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
    """Make generation 0 from the base model (default all-MiniLM-L6-v2), and return the generation that serves.

    A shop that has a generation is left as it is. Raises EncoderUnsupported, NightBusy, and InvalidInput when that
    generation descends from another model than `model`.
    """
    with Shop(path) as shop, _locked(shop):
        current = shop.generations.current()
        if current is None:
            return publish_base_generation(shop, model, progress or _silent).number
        base = shop.generations.open(current).card.base
        if model not in (None, base):
            raise InvalidInput(
                f"--model: expected {base}, from which generation {current} descends, or a new folder, got {model}"
            )
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
    """Run one night on a shop.

    A killed night is resumed where it was, unless another `until` is given. Under torchrun rank 0 calls this and the
    other ranks `help_training`. Raises NightBusy when another night runs, InvalidInput for a bad `until` or `budget`.

    Args:
        path: The shop's folder.
        until: The end of the events to learn (exclusive); None for now.
        progress: Called with (stage, done, total).
        learn_pairs: False only counts: popularity and co-purchases follow, the encoder stays (replay's baseline).
        force: Publish an encoder that is judged worse, and record it.
        budget: Seconds that the night may take; None for as long as it takes.
        tensorboard: A folder for training logs.
        config: Training settings, for measuring others than the default.
        limits: Limits of the spam filters, for measuring others than the default.
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
        raise InvalidInput(f"budget: expected more than 0 seconds, got {options.budget}", "budget")
    with Shop(path) as shop, _locked(shop):
        end = None if until is None else parse_time(until, "until")
        parent = _find_or_make_parent(shop, progress)
        seq, now = shop.store.events.last_seq(), shop.now()
        since = parent.card.until if parent.card.is_complete else now  # a night holds all events of its parent
        plan = make_plan(shop.path / WORK, parent.number, end, now, seq, since=since)
        pipeline = _open_pipeline(shop, parent, progress, options)
        return _record(pipeline, lambda: pipeline.increment(plan))


def help_training() -> None:
    """Train along with rank 0 of a torchrun, which runs `increment`, until its night is over.

    Exits with status 1 when rank 0 is gone.
    """
    from shelfwise.trainer.encoder.training import run_helper

    run_helper()


def compact(path: str | Path, progress: Progress | None = None) -> NightResult | None:
    """Rebuild the index with the same encoder if enough items changed since it was built; return None if not."""
    with Shop(path) as shop, _locked(shop):
        parent = shop.generations.latest_valid(exclude=shop.store.personal_data.generations_to_retire())
        if parent is None or parent.number != shop.generations.current() or not needs_compaction(shop, parent):
            return None
        pipeline = _open_pipeline(shop, parent, progress or _silent, Options())
        return _record(pipeline, pipeline.compact)


# ---- a night and its row in the ledger ----------------------------------------------------------------------


@contextmanager
def _locked(shop: Shop) -> Iterator[None]:
    with locked(shop.path / NIGHT_LOCK, wait=False) as is_held:
        if not is_held:
            raise NightBusy(f"another night is running on {shop.path}; wait for it, or see `shelfwise nights`")
        shop.generations.remove_unfinished()
        yield


def _find_or_make_parent(shop: Shop, progress: Progress) -> Generation:
    """Return the generation to learn from: the current one, the newest valid one before it, or the base model anew.

    Those that learned from a person who was erased since are passed over. A damaged generation is derived data, so a
    night repairs the shop.
    """
    valid = shop.generations.latest_valid(exclude=shop.store.personal_data.generations_to_retire())
    return valid or _find_base(shop) or publish_base_generation(shop, shop.generations.base_model(), progress)


def _find_base(shop: Shop) -> Generation | None:
    """Return the base model that a killed night had made its parent, to resume that night; None without any."""
    for number in reversed(shop.generations.numbers()):
        with suppress(GenerationError):
            generation = shop.generations.open(number)
            if generation.card.parent is None and number not in shop.store.personal_data.generations_to_retire():
                generation.verify()
                return generation
    return None


def _open_pipeline(shop: Shop, parent: Generation, progress: Progress, options: Options) -> NightPipeline:
    """Open the night's row in the ledger, and return its steps."""
    number = shop.store.ledger.begin(shop.now(), parent.number)
    return NightPipeline(shop, number, parent, progress, options)


def _record(pipeline: NightPipeline, run: Callable[[], NightResult]) -> NightResult:
    """Run the night and end its row in the ledger, whatever its end.

    What a killed night has done so far stays in `work`, for the next one to go on from.
    """
    shop, number = pipeline.shop, pipeline.number
    try:
        night = run()
    except BaseException as problem:
        is_killed = isinstance(problem, KeyboardInterrupt | SystemExit)
        verdict, reason = "killed" if is_killed else "failed", f"{type(problem).__name__}: {problem}"
        shop.store.ledger.end(number, shop.now(), verdict, reason, shop.generations.current(), pipeline.report)
        shop.generations.remove_unfinished()
        if not is_killed:
            shutil.rmtree(shop.path / WORK, ignore_errors=True)
        raise
    shutil.rmtree(shop.path / WORK, ignore_errors=True)
    shop.store.ledger.end(number, shop.now(), night.verdict, night.reason, night.generation, night.report)
    return night


def _silent(stage: str, done: int, total: int) -> None: ...
