"""The loss against itself by hand: distinct candidates, weights, hard negatives; and each text is encoded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.encoder.loss import DedupInfoNCELoss, PairCollator
from shelfwise.trainer.encoder.pairs import Pair

TEXTS = {
    "m": "red coffee mug",
    "m2": "red coffee mug",
    "l": "white metal lantern",
    "b": "lunch bag",
    "c": "alarm clock",
}
PAIRS = [
    Pair("cup", "m", 1.0, negatives=("c",)), Pair("cup", "m2", 2.0), Pair("light", "l", 0.5, negatives=("m", "b")),
    Pair("mug", "m", 1.0), Pair("cup", "l", 3.0),
]  # fmt: skip
# Of the items as they come (mug, clock, lantern, bag): what each pair's query chooses from
CANDIDATES = [[0, 1, 2], [0, 2], [0, 2, 3], [0, 2], [0, 2]]
CHOSEN = [0, 0, 2, 0, 2]


def unit(rows: int, seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)


def by_hand(queries: torch.Tensor, items: torch.Tensor) -> float:
    query_rows = [0, 0, 1, 2, 0]  # the queries cup, light, mug
    total = 0.0
    for pair, row, candidates, chosen in zip(PAIRS, query_rows, CANDIDATES, CHOSEN, strict=True):
        logits = 20 * items @ queries[row]
        total += pair.weight * float(torch.logsumexp(logits[candidates], dim=0) - logits[chosen])
    return total / sum(pair.weight for pair in PAIRS)


def batch(model: Any, pairs: list[Pair] = PAIRS) -> dict[str, Any]:
    return PairCollator(model, pairs, TEXTS)([{"pair": number} for number in range(len(pairs))])


def test_loss_equals_one_by_hand(tiny_model: Path) -> None:
    model = load_model(str(tiny_model))
    queries, items = unit(3, 1), unit(4, 2)
    loss = DedupInfoNCELoss(model, scale=20.0).compute_loss_from_embeddings([queries, items], batch(model)["label"])
    assert float(loss) == pytest.approx(by_hand(queries, items), rel=1e-5)


def test_loss_with_weights_of_one_is_a_plain_mean(tiny_model: Path) -> None:
    model = load_model(str(tiny_model))
    loss = DedupInfoNCELoss(model, scale=20.0)
    queries, items = unit(2, 1), unit(2, 2)
    labels = batch(model, [Pair("cup", "m"), Pair("light", "l")])["label"]
    expected = torch.nn.functional.cross_entropy(20 * queries @ items.T, torch.tensor([0, 1]))
    assert float(loss.compute_loss_from_embeddings([queries, items], labels)) == pytest.approx(float(expected))


def test_pair_collator_tokenizes_each_distinct_text_once(tiny_model: Path) -> None:
    model = load_model(str(tiny_model))
    inputs = batch(model)
    assert model.tokenizer.batch_decode(inputs["query_input_ids"], skip_special_tokens=True) == ["cup", "light", "mug"]
    items = model.tokenizer.batch_decode(inputs["item_input_ids"], skip_special_tokens=True)
    assert items == ["red coffee mug", "alarm clock", "white metal lantern", "lunch bag"]
    assert len(set(inputs["label"]["code"].tolist())) == 4, "and two items of one text are one"


def test_loss_with_weights_of_zero_has_no_gradient(tiny_model: Path) -> None:
    model = load_model(str(tiny_model))
    queries, items = unit(2, 1).requires_grad_(), unit(2, 2)
    labels = batch(model, [Pair("cup", "m", 0.0), Pair("light", "l", 0.0)])["label"]
    DedupInfoNCELoss(model, scale=20.0).compute_loss_from_embeddings([queries, items], labels).backward()
    assert queries.grad is not None and not queries.grad.any()
