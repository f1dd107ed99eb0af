"""sentence-transformers' trainer, step by step: what a night adds to its loop.

`PlannedTrainer` takes the batches as they were planned, refuses a loss that is not finite and seals its checkpoints.
`TrainingMonitor` counts the steps, scores the model now and then, and ends a training that gets worse or out of time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch.utils.data import DataLoader
from transformers import TrainerCallback

from shelfwise.errors import TrainingDiverged
from shelfwise.trainer.encoder import checkpoints, distributed

__all__ = ["CHECKPOINT_STEPS", "MonitorOptions", "PlannedTrainer", "TrainingMonitor"]

CHECKPOINT_STEPS = 25
_MIN_STEPS_FOR_DEV = 50  # a shorter training is over before a score could say anything
_DEV_SCORES = 5  # of one training
_PATIENCE = 2  # so many scores in a row below the best end it
_ENDS = {1: "early", 2: "budget"}
_BEST = "best.pt"


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """How a training is watched, and what ends it before its last step.

    `progress` is called with (done, total) steps. `dev` scores the model, higher is better, about five times in a
    training of at least 50 steps: two scores in a row below the best end it ("stopped": "early"), and the best weights
    stay. `deadline`, of time.monotonic(), ends it before the step that would pass it ("stopped": "budget").
    `tensorboard` is a folder for logs.
    """

    progress: Callable[[int, int], object] = lambda done, total: None
    dev: Callable[[SentenceTransformer], float] | None = None
    deadline: float | None = None
    tensorboard: Path | None = None


class PlannedTrainer(SentenceTransformerTrainer):
    """The trainer on planned batches: `batches` are the rows of this rank, step by step."""

    def __init__(self, *, batches: list[list[int]], dropout: bool, **settings: Any) -> None:
        self._batches, self._dropout = batches, dropout
        super().__init__(**settings)

    @property
    def folder(self) -> Path:
        """Return where checkpoints go."""
        return Path(str(self.args.output_dir))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the planned batches instead of random ones."""
        rows: Any = self.train_dataset
        return DataLoader(rows, batch_sampler=self._batches, collate_fn=self.data_collator)

    def compute_loss(self, model: Any, *args: Any, **settings: Any) -> Any:
        """Compute the loss with dropout as the config says."""
        model.train(self._dropout)
        return super().compute_loss(model, *args, **settings)

    def training_step(self, *args: Any, **settings: Any) -> torch.Tensor:
        """Do a step; raises TrainingDiverged on every rank where the loss of any is not finite."""
        loss: torch.Tensor = super().training_step(*args, **settings)
        if distributed.all_reduce_max(int(not torch.isfinite(loss))):
            raise TrainingDiverged(
                f"expected a finite loss, got {float(loss)} at step {self.state.global_step + 1}: the weights that"
                " training started from are not finite, or the learning rate is far too high"
            )
        return loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        distributed.barrier()  # each rank writes the state of its random numbers
        if self.is_world_process_zero():
            checkpoints.seal_checkpoint(self.folder / f"checkpoint-{self.state.global_step}")

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if not self.is_world_process_zero():
            return
        folder = Path(output_dir) if output_dir else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        checkpoints.save_weights(folder / "weights.pt", self.model)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        checkpoints.load_weights(Path(resume_from_checkpoint) / "weights.pt", self.model)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add none: it would spend seconds on a model card that is never written."""


class TrainingMonitor(TrainerCallback):
    """Watches each step of a training; `stopped` says why it ended before its last one: "early", "budget" or None."""

    def __init__(self, trainer: PlannedTrainer, options: MonitorOptions) -> None:
        self.stopped: str | None = None
        self._trainer, self._options = trainer, options
        self._step_seconds: deque[float] = deque(maxlen=5)  # of the last steps
        self._dev_seconds = 0.0
        self._started = 0.0

    @property
    def losses(self) -> list[float]:
        """Return the logged losses."""
        return [round(entry["loss"], 4) for entry in self._history() if "loss" in entry]

    @property
    def dev_scores(self) -> list[list[float]]:
        """Return [step, score] of each time that the model was scored."""
        return [[entry["step"], entry["dev"]] for entry in self._history() if "dev" in entry]

    def keep_best(self) -> None:
        """Load the weights with the best score into the model, unless it holds them."""
        scores = [score for _, score in self.dev_scores]
        if scores and scores[-1] < max(scores):
            checkpoints.load_weights(self._trainer.folder / _BEST, self._trainer.model)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note the time."""
        self._started = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report the step, score the model if it is time to, and decide whether to stop or to save."""
        self._step_seconds.append(time.monotonic() - self._started)
        self._options.progress(state.global_step, state.max_steps)
        if self._is_scored(state.global_step, state.max_steps):
            self._score()
        if end := distributed.all_reduce_max(self._end(state)):
            self.stopped = _ENDS[end]
            control.should_training_stop = True
        elif state.global_step % CHECKPOINT_STEPS == 0 and state.global_step < state.max_steps:
            control.should_save = control.should_log = True  # a resumed training logs the same losses

    def _is_scored(self, step: int, steps: int) -> bool:
        is_due = step % -(-steps // _DEV_SCORES) == 0 or step == steps
        return self._options.dev is not None and steps >= _MIN_STEPS_FOR_DEV and is_due

    def _score(self) -> None:
        assert self._options.dev is not None
        started = time.monotonic()
        score = float(self._options.dev(self._trainer.model))
        if score > max((before for _, before in self.dev_scores), default=-float("inf")):
            checkpoints.save_weights(self._trainer.folder / _BEST, self._trainer.model)
        self._trainer.log({"dev": score})
        self._dev_seconds = time.monotonic() - started

    def _end(self, state: Any) -> int:
        """Return the reason to end before the next step, a key of `_ENDS`; 0 to go on."""
        if state.global_step == state.max_steps:
            return 0
        scores = [score for _, score in self.dev_scores]
        if len(scores) > _PATIENCE and max(scores[-_PATIENCE:]) < max(scores):
            return 1
        needed = max(self._step_seconds)
        if self._is_scored(state.global_step + 1, state.max_steps):
            needed += self._dev_seconds
        deadline = self._options.deadline
        return 2 if deadline is not None and time.monotonic() + needed > deadline else 0

    def _history(self) -> list[dict[str, Any]]:
        return list(self._trainer.state.log_history)
