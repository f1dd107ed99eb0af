"""Train the encoder on the night's pairs.

The loop is sentence-transformers' own (`callbacks.py`), the loss in `loss.py`, what survives a kill in
`checkpoints.py`, and several processes in `distributed.py`.
"""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from transformers.trainer_callback import PrinterCallback

from shelfwise.errors import InvalidInput, TrainingDiverged
from shelfwise.night_report_parts import TrainingReport
from shelfwise.trainer.encoder import checkpoints, distributed
from shelfwise.trainer.encoder.callbacks import CHECKPOINT_STEPS, MonitorOptions, PlannedTrainer, TrainingMonitor
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig, plan_batches
from shelfwise.trainer.encoder.loss import DedupInfoNCELoss, PairCollator
from shelfwise.trainer.encoder.pairs import Pair

__all__ = ["TrainingTask", "run_helper", "train_encoder"]

_LOGGED_LOSSES = 20


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What one training learns: the pairs, the texts of their items by id, and how."""

    pairs: Sequence[Pair]
    texts: Mapping[str, str]
    seed: int
    config: TrainingConfig


@dataclass(frozen=True, slots=True)
class _Job:
    """One training, as every rank gets it. `start` is a model folder, for helpers; `resume` a whole checkpoint."""

    task: TrainingTask
    folder: Path
    resume: Path | None
    start: Path | None


def train_encoder(
    model: SentenceTransformer, task: TrainingTask, work: Path, options: MonitorOptions | None = None
) -> TrainingReport:
    """Train `model` in place, and return the settings, the loss curve and the end.

    A long training leaves checkpoints in `work`: the same call goes on from the newest, or takes the finished weights
    (then `resumed_at_step` says where). The same pairs and seed give the same model on the same machine.
    Raises TrainingDiverged when the loss or a weight is not finite, InvalidInput for what can't be trained on.
    """
    options = options or MonitorOptions()
    _check(task)
    writer = _tensorboard(options.tensorboard) if options.tensorboard else []
    used = {id: task.texts[id] for pair in task.pairs for id in (pair.item, *pair.negatives)}
    task = replace(task, texts=used)
    has_dev = options.dev is not None
    settings = [asdict(task.config), used, task.seed, distributed.world(), has_dev, model.max_seq_length]
    folder = checkpoints.open_run_folder(work, checkpoints.fingerprint(model, task.pairs, settings))
    if report := checkpoints.load_finished(folder, model):
        model.eval()
        return replace(report, resumed_at_step=report.steps)

    job = _Job(task, folder, checkpoints.latest_checkpoint(folder), _save_for_helpers(model, folder))
    with distributed.broadcast_job(job):
        report = _train(model, job, options, writer)
    if report.steps > CHECKPOINT_STEPS:
        checkpoints.save_finished(folder, model, report)
    else:
        shutil.rmtree(folder)  # quicker trained again than kept
    return report


def run_helper() -> None:
    """Train along with rank 0 of a torchrun until it says that the night is over.

    Exits with status 1 when rank 0 is gone.
    """
    while (job := distributed.next_job()) is not None:
        with suppress(TrainingDiverged):  # raised on every rank, at the same step; rank 0 reports it
            _train(SentenceTransformer(str(job.start), device="cpu"), job, MonitorOptions(), [])
    distributed.disconnect()


def _train(model: SentenceTransformer, job: _Job, options: MonitorOptions, callbacks: list[Any]) -> TrainingReport:
    """Train the model, the same on every rank; helpers leave dev and deadline to rank 0."""
    torch.set_num_threads(distributed.threads_each())
    disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    task, rank = job.task, distributed.rank()
    batches = plan_batches(len(task.pairs), task.config, task.seed)
    with warnings.catch_warnings(), _deterministic():
        warnings.simplefilter("ignore")  # of the trainer's own making, such as pin_memory without a GPU
        trainer = PlannedTrainer(
            model=model,
            args=_arguments(job, len(batches)),
            train_dataset=Dataset.from_dict({"pair": range(len(task.pairs))}),
            data_collator=PairCollator(model, task.pairs, task.texts),
            loss=DedupInfoNCELoss(model, scale=task.config.scale),
            callbacks=callbacks,
            batches=[np.array_split(batch, distributed.world())[rank].tolist() for batch in batches],
            dropout=task.config.dropout,
        )
        trainer.remove_callback(PrinterCallback)
        monitor = TrainingMonitor(trainer, options)
        trainer.add_callback(monitor)
        trainer.train(resume_from_checkpoint=str(job.resume) if job.resume else None)
    monitor.keep_best()
    model.eval()
    if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
        raise TrainingDiverged("expected finite weights after training, got others: the learning rate is too high")
    return _report(job, trainer, monitor)


def _arguments(job: _Job, steps: int) -> SentenceTransformerTrainingArguments:
    config = job.task.config
    return SentenceTransformerTrainingArguments(
        output_dir=str(job.folder),
        num_train_epochs=1,  # the batches are those of all epochs
        per_device_train_batch_size=config.batch_size // distributed.world(),
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup_share * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        bf16=_bf16(config),
        use_cpu=not distributed.on_gpu(),
        seed=job.task.seed,
        save_strategy="no",  # the monitor says when
        save_total_limit=2,
        logging_steps=max(1, steps // _LOGGED_LOSSES),
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _report(job: _Job, trainer: PlannedTrainer, monitor: TrainingMonitor) -> TrainingReport:
    return TrainingReport(
        asdict(job.task.config) | {"bf16": _bf16(job.task.config)},
        seed=job.task.seed,
        ranks=distributed.world(),
        pairs=len(job.task.pairs),
        steps=trainer.state.global_step,
        losses=monitor.losses,
        dev=monitor.dev_scores,
        stopped=monitor.stopped,
        resumed_at_step=int(job.resume.name.split("-")[1]) if job.resume else None,
    )


def _check(task: TrainingTask) -> None:
    minimum, batch = 2 * distributed.world(), task.config.batch_size
    if min(len(task.pairs), batch) < minimum:
        raise InvalidInput(
            f"pairs: expected {minimum} or more, in batches of as many, got {len(task.pairs)} in batches of {batch}"
        )


def _save_for_helpers(model: SentenceTransformer, folder: Path) -> Path | None:
    """Write a folder that the other ranks load the model from; None without other ranks."""
    if distributed.world() == 1:
        return None
    model.save(str(folder / "start"), create_model_card=False)
    return folder / "start"


def _tensorboard(folder: Path) -> list[Any]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise InvalidInput(
            "tensorboard: expected the package tensorboard, got none installed; run: pip install tensorboard",
            "tensorboard",
        ) from problem
    from transformers.integrations.integration_utils import TensorBoardCallback

    return [TensorBoardCallback(SummaryWriter(str(folder)))]  # type: ignore[no-untyped-call]


@contextmanager
def _deterministic() -> Iterator[None]:
    """Sum in a fixed order on a GPU within the block; a CPU does anyway."""
    before = torch.are_deterministic_algorithms_enabled()
    if distributed.on_gpu():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with a workspace only
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _bf16(config: TrainingConfig) -> bool:
    """Return what the config says, else whether the hardware computes bfloat16: elsewhere float32 is faster."""
    if config.bf16 is not None:
        return config.bf16
    if distributed.on_gpu():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
