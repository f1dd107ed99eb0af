"""The ways to keep learning that `continual.py` compares, each one line of a table, and the one loop that runs them.

The settings of a training are the product's own; the loop is plain torch, and the same for all but what they are.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import batch_to_device
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize
from transformers import get_scheduler

from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig, plan_batches
from shelfwise.trainer.encoder.pairs import KNOWN_ITEMS, REPLAY, known_items
from shelfwise.trainer.encoder.replay_sampling import sample_replay

CONFIG = TrainingConfig()
Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Strategy:
    """What a night trains, from what, on what. As it stands: the parent, whole, on one pass over the new pairs."""

    every: int = 1  # a night in so many trains; 0: none
    replay: float = 0.0  # old pairs for each new one, drawn by the product's reservoir
    known: float = 0.0  # words of titles that lead to their items, for each new pair
    distil: float = 0.0  # weight of the squared distance to the parent's embeddings, beside the loss
    average: float = 0.0  # the parent's share in the child's weights
    lora: int = 0  # the rank of adapters, which alone are trained
    frozen_layers: int = 0  # this many lower layers and the embeddings stay as they are
    from_base: bool = False  # on all pairs so far, from the base model
    epochs: int = 1
    learning_rate: float = CONFIG.learning_rate

    def trains(self, night: int) -> bool:
        """Return whether this night trains."""
        return self.every > 0 and night % self.every == 0

    def first_training(self, night: int) -> int:
        """Return the first night from `night` on that trains; `night` itself where none does."""
        return -(-night // self.every) * self.every if self.every else night


@dataclass(frozen=True, slots=True)
class TrainingPairs:
    """Pairs with their items' texts by id; `teacher` holds the embedding to stay near to of each text, if any."""

    pairs: Sequence[QueryClick]
    texts: Mapping[str, str]
    teacher: Mapping[str, Tensor] | None = None


SHIPPED = "replay-known"  # the product's, measured against
FROZEN, FULL = "frozen", "full-retrain"  # the bounds
STRATEGIES = {
    FROZEN: Strategy(every=0),
    "naive": Strategy(),
    "replay": Strategy(replay=1),
    SHIPPED: Strategy(replay=REPLAY, known=KNOWN_ITEMS),
    "replay-distil": Strategy(replay=1, distil=1.0),
    "replay-average": Strategy(replay=1, average=0.5),
    "replay-lora": Strategy(replay=1, lora=16, learning_rate=10 * CONFIG.learning_rate),
    "replay-lower-frozen": Strategy(replay=1, frozen_layers=3),
    FULL: Strategy(every=5, from_base=True, epochs=2),
}


def prepare_model(strategy: Strategy, base: str | None = None) -> SentenceTransformer:
    """Load the base model (default: the product's) with the strategy's adapters, and freeze what it freezes."""
    model = load_model(base)
    if strategy.lora:
        from peft import LoraConfig, TaskType

        torch.manual_seed(0)  # adapters begin at random
        model.add_adapter(  # freezes all else; twice the rank is the usual alpha
            LoraConfig(
                task_type=TaskType.FEATURE_EXTRACTION,
                r=strategy.lora,
                lora_alpha=2 * strategy.lora,
                target_modules=["query", "key", "value", "dense"],
            )
        )
    for name, weights in model.named_parameters():
        layer = re.search(r"\.layer\.(\d+)\.", name)
        is_low = int(layer[1]) < strategy.frozen_layers if layer else ".embeddings." in name
        if strategy.frozen_layers and is_low:
            weights.requires_grad_(False)
    return model


def copy_weights(model: SentenceTransformer) -> Weights:
    """Return a copy of the weights by name."""
    return {name: weights.detach().clone() for name, weights in model.state_dict().items()}


def train_night(
    model: SentenceTransformer,
    strategy: Strategy,
    base: Weights,
    new: Sequence[QueryClick],
    old: Sequence[QueryClick],
    texts: Mapping[str, str],
    night: int,
) -> float:
    """Train `model` in place as the strategy does on this night, and return the seconds it took.

    Args:
        model: The model as the night before left it.
        strategy: What is trained, and from what.
        base: The weights that every strategy began with.
        new: The day's clicks.
        old: The clicks of the days before.
        texts: Item id → the text that the encoder reads.
        night: The number of the night, which is also the seed.
    """
    if not strategy.trains(night) or not (new or strategy.from_base):
        return 0.0
    rng = random.Random(night)
    torch.manual_seed(night)
    started = time.perf_counter()
    if strategy.from_base:
        model.load_state_dict(base)
        pairs = [*old, *new]
    else:
        known = known_items(texts, round(strategy.known * len(new)), rng)
        pairs = [
            *new,
            *sample_replay(old, round(strategy.replay * len(new)), rng),
            *(QueryClick(pair.anchor, pair.item, 0.0, ()) for pair in known),
        ]
    parent = copy_weights(model) if strategy.average else {}
    teacher = _embeddings(model, pairs, texts) if strategy.distil else None
    _train(model, strategy, TrainingPairs(pairs, texts, teacher), seed=night)
    if strategy.average:
        with torch.no_grad():
            for name, weights in model.named_parameters():
                weights.lerp_(parent[name], strategy.average)
    return time.perf_counter() - started


def _train(model: SentenceTransformer, strategy: Strategy, task: TrainingPairs, seed: int) -> None:
    """Take the steps that all strategies share, over planned batches."""
    config = replace(CONFIG, learning_rate=strategy.learning_rate, epochs=strategy.epochs)
    batches = plan_batches(len(task.pairs), config, seed)
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = get_scheduler(config.schedule, optimiser, round(config.warmup_share * len(batches)), len(batches))
    model.train(config.dropout)
    for batch in batches:
        loss = _loss(model, replace(task, pairs=[task.pairs[row] for row in batch]), strategy.distil)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, config.max_grad_norm)
        optimiser.step()
        schedule.step()
    model.eval()


def _loss(model: SentenceTransformer, task: TrainingPairs, distil: float) -> Tensor:
    """Return InfoNCE over the distinct items of the batch, plus the mean squared distance to the teacher's vectors."""
    queries = list(dict.fromkeys(pair.query for pair in task.pairs))
    items = list(dict.fromkeys(task.texts[pair.item] for pair in task.pairs))
    query_vectors, item_vectors = _embed(model, queries), _embed(model, items)  # (n_queries, dim), (n_items, dim)
    rows = [queries.index(pair.query) for pair in task.pairs]
    positives = [items.index(task.texts[pair.item]) for pair in task.pairs]
    scores = CONFIG.scale * query_vectors[rows] @ item_vectors.T
    loss = cross_entropy(scores, torch.tensor(positives, device=item_vectors.device))
    if task.teacher is None:
        return loss
    target = torch.stack([task.teacher[text] for text in [*queries, *items]])
    return loss + distil * (torch.cat([query_vectors, item_vectors]) - target).square().sum(dim=1).mean()


def _embeddings(model: SentenceTransformer, pairs: Sequence[QueryClick], texts: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the embedding of each distinct text of the pairs as the model is now, without dropout."""
    distinct = sorted({text for pair in pairs for text in (pair.query, texts[pair.item])}, key=len)
    model.eval()
    with torch.no_grad():
        parts = [_embed(model, distinct[at : at + 64]) for at in range(0, len(distinct), 64)]
    return dict(zip(distinct, torch.cat(parts), strict=True))


def _embed(model: SentenceTransformer, texts: list[str]) -> Tensor:
    """Return unit vectors, (n, dim) float32, through bfloat16 where the hardware computes it, as in the product."""
    features = batch_to_device(model.preprocess(texts), model.device)
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=_has_bf16(model.device)):
        vectors = model(features)["sentence_embedding"]
    return normalize(vectors.float(), dim=-1)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
