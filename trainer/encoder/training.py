"""Training the encoder on the night's pairs: what one training is made of, and what it leaves.

The loop is sentence-transformers' own (`callbacks.py`), the loss in `loss.py`, what survives a kill in
`checkpoints.py`, and several processes in `distributed.py`.
"""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from transformers.trainer_callback import PrinterCallback

from shelfwise.errors import InvalidInput, TrainingDiverged
from shelfwise.trainer.encoder import checkpoints
from shelfwise.trainer.encoder import distributed as ranks
from shelfwise.trainer.encoder.callbacks import CHECKPOINT_STEPS, PlannedTrainer, TrainingMonitor
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig, plan_batches
from shelfwise.trainer.encoder.loss import DedupInfoNCELoss, PairCollator
from shelfwise.trainer.encoder.pairs import Pair

__all__ = ["run_helper", "train_encoder"]

Dev = Callable[[SentenceTransformer], float]


@dataclass(frozen=True, slots=True)
class _Job:
    """One training, as every rank gets it. `start` is a model folder, for helpers; `resume` a whole checkpoint."""

    pairs: Sequence[Pair]
    texts: Mapping[str, str]
    seed: int
    config: TrainingConfig
    folder: Path
    resume: Path | None
    start: Path | None

    @property
    def batches(self) -> list[list[int]]:
        return plan_batches(len(self.pairs), self.config, self.seed)


def train_encoder(
    model: SentenceTransformer,
    pairs: Sequence[Pair],
    texts: Mapping[str, str],
    work: Path,
    *,
    seed: int,
    config: TrainingConfig,
    progress: Callable[[int, int], object],
    dev: Dev | None = None,
    deadline: float | None = None,
    tensorboard: Path | None = None,
) -> dict[str, Any]:
    """Train `model` in place on the pairs; returns settings, loss curve and end, for the ledger.

    `dev` looks at the model about five times in a training of at least 50 steps, higher is better: two looks in a row
    below the best end it ("stopped": "early"), and the best weights stay. `deadline`, of time.monotonic(), ends it
    before the step that would pass it ("stopped": "budget"). `tensorboard` is a folder for logs.
    A long training leaves checkpoints in `work`: the same call goes on from the newest, or takes the finished weights
    (then "resumed_at_step" says where). The same pairs and seed give the same model on the same machine.
    Raises TrainingDiverged when the loss or a weight is no finite number, InvalidInput for what can't be trained on.
    """
    _check(pairs, config)
    writer = _tensorboard(tensorboard) if tensorboard else []
    used = {id: texts[id] for pair in pairs for id in (pair.item, *pair.negatives)}
    settings = [asdict(config), used, seed, ranks.world(), dev is not None, model.max_seq_length]
    folder = checkpoints.open_run_folder(work, checkpoints.fingerprint(model, pairs, settings))
    if report := checkpoints.load_finished(folder, model):
        model.eval()
        return report | {"resumed_at_step": report["steps"]}

    start = _for_helpers(model, folder)
    job = _Job(pairs, used, seed, config, folder, checkpoints.latest_checkpoint(folder), start)
    with ranks.broadcast_job(job):
        report = _train(model, job, progress, dev, deadline, writer)
    if report["steps"] > CHECKPOINT_STEPS:
        checkpoints.save_finished(folder, model, report)
    else:
        shutil.rmtree(folder)  # quicker learned again than kept
    return report


def run_helper() -> None:
    """Train along with rank 0 of a torchrun until it says that the night is over.

    Exits with status 1 when rank 0 is gone.
    """
    while (job := ranks.next_job()) is not None:
        with suppress(TrainingDiverged):  # raised on every rank, at the same step; rank 0 reports it
            _train_as_helper(job)
    ranks.disconnect()


def _train_as_helper(job: _Job) -> None:
    model = SentenceTransformer(str(job.start), device="cpu")
    _train(model, job, lambda done, total: None, None, None, [])


def _train(
    model: SentenceTransformer,
    job: _Job,
    progress: Callable[[int, int], object],
    dev: Dev | None,
    deadline: float | None,
    callbacks: list[Any],
) -> dict[str, Any]:
    """The training itself, the same on every rank; helpers leave `dev` and `deadline` to rank 0."""
    torch.set_num_threads(ranks.threads_each())
    disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    batches = job.batches
    with warnings.catch_warnings(), _repeatable():
        warnings.simplefilter("ignore")  # of the trainer's own making, such as pin_memory without a GPU
        trainer = PlannedTrainer(
            model=model,
            args=_arguments(job, len(batches)),
            train_dataset=Dataset.from_dict({"pair": range(len(job.pairs))}),
            data_collator=PairCollator(model, job.pairs, job.texts),
            loss=DedupInfoNCELoss(model, scale=job.config.scale),
            callbacks=callbacks,
            batches=[np.array_split(batch, ranks.world())[ranks.rank()].tolist() for batch in batches],
            dropout=job.config.dropout,
        )
        trainer.remove_callback(PrinterCallback)
        watch = TrainingMonitor(trainer, progress, dev, deadline)
        trainer.add_callback(watch)
        trainer.train(resume_from_checkpoint=str(job.resume) if job.resume else None)
    watch.keep_best()
    model.eval()
    if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
        raise TrainingDiverged("training ended with weights that are no finite numbers; the learning rate is too high")
    return _report(job, trainer, watch)


def _arguments(job: _Job, steps: int) -> SentenceTransformerTrainingArguments:
    config = job.config
    return SentenceTransformerTrainingArguments(
        output_dir=str(job.folder),
        num_train_epochs=1,  # the batches are those of all epochs
        per_device_train_batch_size=config.batch_size // ranks.world(),
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup_share * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        bf16=_bf16(config),
        use_cpu=not ranks.on_gpu(),
        seed=job.seed,
        save_strategy="no",  # the watch says when
        save_total_limit=2,
        logging_steps=max(1, steps // 20),
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _report(job: _Job, trainer: PlannedTrainer, watch: TrainingMonitor) -> dict[str, Any]:
    report = asdict(job.config) | {
        "seed": job.seed,
        "bf16": _bf16(job.config),
        "ranks": ranks.world(),
        "pairs": len(job.pairs),
        "steps": trainer.state.global_step,
        "losses": watch.losses,
        "dev": watch.dev,
        "stopped": watch.stopped,
    }
    return report | ({"resumed_at_step": int(job.resume.name.split("-")[1])} if job.resume else {})


def _check(pairs: Sequence[Pair], config: TrainingConfig) -> None:
    least = 2 * ranks.world()
    if min(len(pairs), config.batch_size) < least:
        raise InvalidInput(f"{len(pairs)} pairs in batches of {config.batch_size}: training needs at least {least}")


def _for_helpers(model: SentenceTransformer, folder: Path) -> Path | None:
    """A folder that the other ranks load the model from."""
    if ranks.world() == 1:
        return None
    model.save(str(folder / "start"), create_model_card=False)
    return folder / "start"


def _tensorboard(folder: Path) -> list[Any]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise InvalidInput("the logs need TensorBoard; run: pip install tensorboard", "tensorboard") from problem
    from transformers.integrations.integration_utils import TensorBoardCallback

    return [TensorBoardCallback(SummaryWriter(str(folder)))]  # type: ignore[no-untyped-call]


@contextmanager
def _repeatable() -> Iterator[None]:
    """While a GPU trains, its sums are taken in a fixed order; a processor's are anyway."""
    before = torch.are_deterministic_algorithms_enabled()
    if ranks.on_gpu():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats itself with a workspace only
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _bf16(config: TrainingConfig) -> bool:
    """As the recipe says; else whether bfloat16 is computed in hardware: elsewhere it is slower than float32."""
    if config.bf16 is not None:
        return config.bf16
    if ranks.on_gpu():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
