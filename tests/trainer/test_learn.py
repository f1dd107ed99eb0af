"""The loss masks what is no negative, and training is repeatable and does learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shelfwise.trainer.learn import ChoiceLoss, Recipe, learn
from shelfwise.trainer.models import load_model
from shelfwise.trainer.pairs import Pair

TEXTS = {"m": "red coffee mug", "l": "white metal lantern", "b": "lunch bag", "c": "alarm clock"}
PAIRS = [Pair(f"{query} {number}", item) for number in range(16) for query, item in
         (("cup", "m"), ("light", "l"), ("school", "b"), ("time", "c"))]  # fmt: skip


def trained(model: Path, work: Path, **recipe: Any) -> Any:
    encoder = load_model(str(model))
    settings = Recipe(batch_size=16, learning_rate=5e-3, epochs=10)
    report = learn(encoder, PAIRS, TEXTS, work, seed=3, recipe=settings, progress=lambda done, total: None)
    return encoder, report


def test_an_item_chosen_twice_is_one_candidate(tiny_model: Path) -> None:
    loss = ChoiceLoss(load_model(str(tiny_model)), scale=20.0)
    anchors, items = (
        torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)
        for seed in (1, 2)
    )
    items[3] = items[4] = items[0]
    logits = 20 * anchors @ items[:3].T  # the distinct ones
    chosen = [0, 1, 2, 0, 0]
    by_hand = (torch.logsumexp(logits, dim=1) - logits[range(5), chosen]).mean()
    got = loss.compute_loss_from_embeddings([anchors, items], torch.tensor([7, 9, 8, 7, 7]))
    assert float(got) == pytest.approx(float(by_hand), rel=1e-5)


def test_training_learns_and_repeats(tiny_model: Path, tmp_path: Path) -> None:
    first, report = trained(tiny_model, tmp_path / "work")
    second, _ = trained(tiny_model, tmp_path / "work")
    assert report["losses"][-1] < report["losses"][0] / 2
    queries = ["cup 99", "light 99", "school 99", "time 99"]
    similar = first.encode(queries) @ first.encode(list(TEXTS.values())).T
    assert similar.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert np.array_equal(first.encode(queries), second.encode(queries)), "same data and seed, same model"
    assert not list((tmp_path / "work").iterdir()), "nothing is left in the work folder"
