"""Training is repeatable, does learn, goes on after a kill as if there had been none, and ends when it should."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shelfwise.errors import InvalidInput, TrainingDiverged
from shelfwise.trainer.encoder import callbacks
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.encoder.callbacks import MonitorOptions
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig, plan_batches
from shelfwise.trainer.encoder.pairs import Pair
from shelfwise.trainer.encoder.training import TrainingTask, train_encoder

TEXTS = {"m": "red coffee mug", "l": "white metal lantern", "b": "lunch bag", "c": "alarm clock"}
PAIRS = [Pair(f"{query} {number}", item) for number in range(16) for query, item in
         (("cup", "m"), ("light", "l"), ("school", "b"), ("time", "c"))]  # fmt: skip
CONFIG = TrainingConfig(batch_size=16, learning_rate=5e-3, epochs=3, bf16=False)  # 12 steps


class Killed(BaseException):
    """Stands for a kill: our code never catches it."""


def trained(model: Path, work: Path, config: TrainingConfig = CONFIG, **options: Any) -> Any:
    encoder = load_model(str(model))
    return encoder, train_encoder(encoder, TrainingTask(PAIRS, TEXTS, 3, config), work, MonitorOptions(**options))


def same(first: Any, second: Any) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def killed_at(step: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done == step:
            raise Killed

    return progress


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for each other make small steps many times slower on a busy machine."""
    monkeypatch.setattr("shelfwise.trainer.encoder.distributed.thread_count", lambda: 1)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints every four steps."""
    monkeypatch.setattr(callbacks, "CHECKPOINT_STEPS", 4)
    monkeypatch.setattr("shelfwise.trainer.encoder.training.CHECKPOINT_STEPS", 4)


def test_train_encoder_learns_and_repeats(tiny_model: Path, tmp_path: Path) -> None:
    config = TrainingConfig(batch_size=16, learning_rate=5e-3, epochs=10)
    (first, report), (second, _) = (trained(tiny_model, tmp_path / "work", config) for _ in range(2))
    assert report.steps == 40 and report.pairs == 64 and report.stopped is None and report.ranks == 1
    assert report.losses[-1] < report.losses[0] / 2
    queries = ["cup 99", "light 99", "school 99", "time 99"]
    similar = first.encode(queries) @ first.encode(list(TEXTS.values())).T
    assert similar.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert same(first, second), "same data and seed, same model"


def test_plan_batches_is_even_and_holds_every_pair_once_an_epoch() -> None:
    batches = plan_batches(130, TrainingConfig(batch_size=64, epochs=2), seed=1)
    assert [len(batch) for batch in batches] == [44, 43, 43] * 2
    for epoch in (batches[:3], batches[3:]):
        assert sorted(row for batch in epoch for row in batch) == list(range(130))
    assert batches[:3] != batches[3:] and batches == plan_batches(130, TrainingConfig(batch_size=64, epochs=2), seed=1)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("schedule", ["constant_with_warmup", "cosine"])
def test_train_encoder_after_a_kill_ends_as_without_one(tiny_model: Path, tmp_path: Path, schedule: Any) -> None:
    config = TrainingConfig(batch_size=16, learning_rate=5e-3, epochs=3, bf16=False, schedule=schedule)
    whole, report = trained(tiny_model, tmp_path / "whole", config)
    assert report.resumed_at_step is None

    with pytest.raises(Killed):
        trained(tiny_model, tmp_path / "work", config, progress=killed_at(11))
    steps: list[int] = []
    resumed, again = trained(tiny_model, tmp_path / "work", config, progress=lambda done, total: steps.append(done))
    assert steps == [9, 10, 11, 12]
    assert same(whole, resumed)
    assert again == replace(report, resumed_at_step=8)


@pytest.mark.usefixtures("often")
def test_train_encoder_ignores_an_incomplete_checkpoint(tiny_model: Path, tmp_path: Path) -> None:
    whole, _ = trained(tiny_model, tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tiny_model, tmp_path / "work", progress=killed_at(11))
    newest, older = sorted(tmp_path.glob("work/*/checkpoint-*"), key=lambda path: -int(path.name.split("-")[1]))
    weights = newest / "optimizer.pt"
    weights.write_bytes(weights.read_bytes()[:-100])
    (older.with_name("checkpoint-12")).mkdir()  # killed before anything was in it
    resumed, report = trained(tiny_model, tmp_path / "work")
    assert report.resumed_at_step == 4 and same(whole, resumed)


@pytest.mark.usefixtures("often")
def test_train_encoder_takes_finished_weights(tiny_model: Path, tmp_path: Path) -> None:
    whole, report = trained(tiny_model, tmp_path / "work")
    again, second_report = trained(tiny_model, tmp_path / "work", progress=killed_at(1))
    assert same(whole, again) and second_report == replace(report, resumed_at_step=12)
    folder = next((tmp_path / "work").iterdir())
    assert [path.name for path in folder.iterdir()] == ["finished.pt"], "its checkpoints are gone"

    trained(tiny_model, tmp_path / "work", TrainingConfig(batch_size=16, epochs=1))
    assert not folder.exists(), "another training takes its place"


def test_train_encoder_of_few_steps_leaves_nothing(tiny_model: Path, tmp_path: Path) -> None:
    trained(tiny_model, tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())


LONG = TrainingConfig(
    batch_size=16, learning_rate=5e-3, epochs=13, bf16=False
)  # 52 steps: scored after 11, 22, 33, 44, 52


@pytest.mark.parametrize(
    ("scores", "stopped", "kept"),
    [
        ([0.1, 0.5, 0.4, 0.3, 0.9], "early", 1),
        ([0.1, 0.5, 0.4, 0.6, 0.9], None, 4),
    ],
)
def test_train_encoder_stops_early_and_keeps_the_best(
    tiny_model: Path, tmp_path: Path, scores: list[float], stopped: str | None, kept: int
) -> None:
    vectors: list[Any] = []

    def dev(model: Any) -> float:
        vectors.append(model.encode(["cup"]))
        return scores[len(vectors) - 1]

    model, report = trained(tiny_model, tmp_path / "work", LONG, dev=dev)
    steps = [11, 22, 33, 44, 52][: 4 if stopped else 5]
    assert report.dev == [[step, score] for step, score in zip(steps, scores, strict=False)]
    assert (report.stopped, report.steps) == (stopped, steps[-1])
    assert np.array_equal(model.encode(["cup"]), vectors[kept])


def test_train_encoder_killed_between_two_scores_ends_the_same(tiny_model: Path, tmp_path: Path) -> None:
    def dev(model: Any) -> float:  # depends on the weights only
        return float(model.encode(["cup"])[0, 0])

    whole, report = trained(tiny_model, tmp_path / "whole", LONG, dev=dev)
    with pytest.raises(Killed):
        trained(tiny_model, tmp_path / "work", LONG, dev=dev, progress=killed_at(40))
    resumed, again = trained(tiny_model, tmp_path / "work", LONG, dev=dev)
    assert same(whole, resumed) and again == replace(report, resumed_at_step=25)


def test_train_encoder_of_few_steps_is_not_scored(tiny_model: Path, tmp_path: Path) -> None:
    _, report = trained(tiny_model, tmp_path / "work", dev=lambda model: pytest.fail("scored"))
    assert report.dev == []


def test_train_encoder_stops_at_the_deadline(tiny_model: Path, tmp_path: Path) -> None:
    _, report = trained(
        tiny_model, tmp_path / "work", LONG, deadline=time.monotonic() + 1.5, progress=lambda *_: time.sleep(0.2)
    )
    assert report.stopped == "budget" and 1 <= report.steps < 52


@pytest.mark.parametrize("start, rate", [(float("nan"), 1e-5), (None, 1e30)])
def test_train_encoder_of_infinite_numbers_is_refused(
    tiny_model: Path, tmp_path: Path, start: float | None, rate: float
) -> None:
    model = load_model(str(tiny_model))
    if start is not None:
        next(model.parameters()).data[101] = start  # the embedding of [CLS], which stands in every text
    with pytest.raises(TrainingDiverged, match=r"expected (a )?finite"):
        config = TrainingConfig(batch_size=16, learning_rate=rate, epochs=3, bf16=False)
        train_encoder(model, TrainingTask(PAIRS, TEXTS, 1, config), tmp_path / "work")


def test_train_encoder_of_too_few_pairs_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got 1 in batches of 16"):
        train_encoder(load_model(str(tiny_model)), TrainingTask(PAIRS[:1], TEXTS, 1, CONFIG), tmp_path)


def test_train_encoder_writes_logs_for_tensorboard(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    trained(tiny_model, tmp_path / "work", tensorboard=tmp_path / "logs")
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_train_encoder_without_tensorboard_names_the_package(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InvalidInput, match="pip install tensorboard"):
        trained(tiny_model, tmp_path / "work", tensorboard=tmp_path / "logs")
    assert not (tmp_path / "work").exists()
