"""sentence-transformers' trainer, step by step: what a night adds to its loop.

`Stepper` takes the batches as they were planned, refuses a loss that is no number and seals its checkpoints. `Watch`
looks at each step: it counts it, asks the judge now and then, and ends a training that gets worse or out of time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch.utils.data import DataLoader
from transformers import TrainerCallback

from shelfwise.errors import TrainingDiverged
from shelfwise.trainer.encoder import checkpoints
from shelfwise.trainer.encoder import distributed as ranks

__all__ = ["CHECKPOINT_STEPS", "PlannedTrainer", "TrainingMonitor"]

CHECKPOINT_STEPS = 25
_LEAST_STEPS = 50  # a shorter training is over before the judge could say anything
_EXAMS = 5  # how often the judge looks at a training
_PATIENCE = 2  # so many looks in a row below the best end it
_ENDS = {1: "early", 2: "budget"}
_BEST = "best.pt"


class PlannedTrainer(SentenceTransformerTrainer):
    """The trainer on planned batches; `batches` are the rows of this rank, step by step."""

    def __init__(self, *, batches: list[list[int]], dropout: bool, **settings: Any) -> None:
        self._batches, self._dropout = batches, dropout
        super().__init__(**settings)

    @property
    def folder(self) -> Path:
        """Where checkpoints go."""
        return Path(str(self.args.output_dir))

    def get_train_dataloader(self) -> DataLoader[Any]:
        rows: Any = self.train_dataset
        return DataLoader(rows, batch_sampler=self._batches, collate_fn=self.data_collator)

    def compute_loss(self, model: Any, *args: Any, **settings: Any) -> Any:
        model.train(self._dropout)
        return super().compute_loss(model, *args, **settings)

    def training_step(self, *args: Any, **settings: Any) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(*args, **settings)
        if ranks.all_reduce_max(int(not torch.isfinite(loss))):
            raise TrainingDiverged(
                f"the loss of step {self.state.global_step + 1} is no finite number: the weights that training started"
                " from hold such numbers, or the learning rate is far too high"
            )
        return loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        ranks.barrier()  # each rank writes the state of its random numbers
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
        """None: it would spend seconds on a model card that is never written."""


class TrainingMonitor(TrainerCallback):
    """Looks at each step of a training; `stopped` says why it ended before its last one."""

    def __init__(
        self,
        trainer: PlannedTrainer,
        progress: Callable[[int, int], object],
        dev: Callable[[SentenceTransformer], float] | None,
        deadline: float | None,
    ) -> None:
        self.stopped: str | None = None
        self._trainer, self._progress, self._dev, self._deadline = trainer, progress, dev, deadline
        self._seconds: deque[float] = deque(maxlen=5)  # of the last steps
        self._exam_seconds = 0.0
        self._started = 0.0

    @property
    def losses(self) -> list[float]:
        return [round(entry["loss"], 4) for entry in self._history() if "loss" in entry]

    @property
    def dev(self) -> list[list[float]]:
        """[step, the judge's figure] of each look."""
        return [[entry["step"], entry["dev"]] for entry in self._history() if "dev" in entry]

    def keep_best(self) -> None:
        """Put the best weights that the judge saw into the model, unless those of its last look are."""
        scores = [score for _, score in self.dev]
        if scores and scores[-1] < max(scores):
            checkpoints.load_weights(self._trainer.folder / _BEST, self._trainer.model)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._seconds.append(time.monotonic() - self._started)
        self._progress(state.global_step, state.max_steps)
        if self._is_exam(state.global_step, state.max_steps):
            self._examine()
        if end := ranks.all_reduce_max(self._end(state)):
            self.stopped = _ENDS[end]
            control.should_training_stop = True
        elif state.global_step % CHECKPOINT_STEPS == 0 and state.global_step < state.max_steps:
            control.should_save = control.should_log = True  # a resumed training logs the same losses

    def _is_exam(self, step: int, steps: int) -> bool:
        return self._dev is not None and steps >= _LEAST_STEPS and (step % -(-steps // _EXAMS) == 0 or step == steps)

    def _examine(self) -> None:
        assert self._dev is not None
        started = time.monotonic()
        score = float(self._dev(self._trainer.model))
        if score > max((before for _, before in self.dev), default=-float("inf")):
            checkpoints.save_weights(self._trainer.folder / _BEST, self._trainer.model)
        self._trainer.log({"dev": score})
        self._exam_seconds = time.monotonic() - started

    def _end(self, state: Any) -> int:
        """The reason to end before the next step, a key of `_ENDS`; 0 to go on."""
        if state.global_step == state.max_steps:
            return 0
        scores = [score for _, score in self.dev]
        if len(scores) > _PATIENCE and max(scores[-_PATIENCE:]) < max(scores):
            return 1
        needed = max(self._seconds)
        if self._is_exam(state.global_step + 1, state.max_steps):
            needed += self._exam_seconds
        return 2 if self._deadline is not None and time.monotonic() + needed > self._deadline else 0

    def _history(self) -> list[dict[str, Any]]:
        return list(self._trainer.state.log_history)
