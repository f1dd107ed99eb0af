"""Training the encoder on the night's pairs, with sentence-transformers' trainer and a loss that knows the items."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

from shelfwise.encoder import threads
from shelfwise.trainer.pairs import Pair

__all__ = ["Recipe", "learn"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a night trains; measured in docs/measurements.md."""

    learning_rate: float = 4e-5
    batch_size: int = 64
    warmup_share: float = 0.1
    scale: float = 20.0  # inverse temperature of the softmax over the batch
    max_grad_norm: float = 1.0
    epochs: int = 1


class ChoiceLoss(MultipleNegativesRankingLoss):
    """InfoNCE over the distinct items of the batch (van den Oord et al. 2018).

    An item that several shoppers of the batch chose is a candidate once: it is no negative of its own queries, and not
    several negatives of the others, which would teach the encoder to keep popular items down. `labels` are the items'
    numbers, (batch,) int64.
    """

    def compute_loss_from_embeddings(self, embeddings: list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        anchors, items = (torch.nn.functional.normalize(part.float(), dim=-1) for part in embeddings)  # (batch, dim)
        distinct, target = torch.unique(labels, return_inverse=True)  # (n_items,), (batch,)
        first = (labels == distinct[:, None]).int().argmax(dim=1)  # (n_items,) a row of the batch for each item
        logits = self.scale * anchors @ items[first].T  # (batch, n_items)
        return torch.nn.functional.cross_entropy(logits, target)


class _Trainer(SentenceTransformerTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """None: it would spend seconds on a model card that is never written."""


class _Watch(TrainerCallback):
    """Tells the night of each step, and keeps the loss curve."""

    def __init__(self, progress: Callable[[int, int], object]) -> None:
        self.losses: list[float] = []
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(round(float(logs["loss"]), 4))


def learn(
    model: SentenceTransformer,
    pairs: Sequence[Pair],
    texts: Mapping[str, str],
    work: Path,
    *,
    seed: int,
    recipe: Recipe,
    progress: Callable[[int, int], object],
) -> dict[str, Any]:
    """Train `model` in place on the pairs; returns settings and the loss curve for the ledger.

    The same pairs and seed give the same model on the same machine.
    """
    torch.set_num_threads(threads())
    codes = {item: code for code, item in enumerate(sorted({pair.item for pair in pairs}))}
    disable_progress_bar()
    dataset = Dataset.from_dict(
        {
            "anchor": [pair.anchor for pair in pairs],
            "positive": [texts[pair.item] for pair in pairs],
            "label": [codes[pair.item] for pair in pairs],
        }
    )
    watch = _Watch(progress)
    steps = max(1, len(pairs) // recipe.batch_size * recipe.epochs)
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the trainer's own making, such as pin_memory without a GPU
        trainer = _Trainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                num_train_epochs=recipe.epochs,
                per_device_train_batch_size=recipe.batch_size,
                learning_rate=recipe.learning_rate,
                lr_scheduler_type="constant_with_warmup",
                warmup_steps=round(recipe.warmup_share * steps),
                max_grad_norm=recipe.max_grad_norm,
                bf16=_bf16(),
                use_cpu=not torch.cuda.is_available(),
                seed=seed,
                data_seed=seed,
                save_strategy="no",
                logging_steps=max(1, steps // 20),
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
            train_dataset=dataset,
            loss=ChoiceLoss(model, scale=recipe.scale),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
        trainer.train()
    model.eval()
    return {**asdict(recipe), "seed": seed, "bf16": _bf16(), "pairs": len(pairs), "losses": watch.losses}


def _bf16() -> bool:
    """Whether bfloat16 is computed in hardware; elsewhere it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
