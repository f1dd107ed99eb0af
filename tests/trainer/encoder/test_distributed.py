"""Two processes under torchrun train what one does, helpers end when the night does, and no process waits for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from shelfwise.trainer.encoder import distributed
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.encoder.pairs import Pair
from shelfwise.trainer.encoder.training import TrainingTask, train_encoder

ITEMS = ["red mug", "white lantern", "lunch bag", "alarm clock", "vanilla candle", "garden chair", "paper napkin"]
TEXTS = {str(number): f"{colour} {item}" for number, (colour, item) in
         enumerate((colour, item) for colour in ("red", "blue") for item in ITEMS)}  # fmt: skip
# Items that stand on both ranks, weights and hard negatives; 45 pairs, so that the ranks' shares differ
PAIRS = [
    Pair(f"{TEXTS[str(number % 14)].split()[-1]} {number % 4}", str(number % 14), 0.5 + number % 3,
         negatives=(str((number + 3) % 14),) if number % 5 == 0 else ())
    for number in range(45)
]  # fmt: skip
CONFIG = TrainingConfig(batch_size=16, learning_rate=1e-3, epochs=2, dropout=False, bf16=False, max_grad_norm=0.5)

NIGHT = """
import os, sys
from pathlib import Path
import torch
from shelfwise.trainer.encoder import callbacks, distributed
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.encoder.callbacks import MonitorOptions
from shelfwise.trainer.encoder.training import TrainingTask, run_helper, train_encoder
from test_distributed import CONFIG, PAIRS, TEXTS

model, work, mode = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
callbacks.CHECKPOINT_STEPS = 3
if distributed.is_helper():
    run_helper()
    sys.exit()

def progress(done, total):
    if mode == "killed" and done == 4:
        os.kill(os.getpid(), 9)
    if mode == "failed" and done == 4:
        raise KeyError("disk")

try:
    for night in range(2 if mode == "twice" else 1):
        encoder = load_model(model)
        task = TrainingTask(PAIRS, TEXTS, 3, CONFIG)
        report = train_encoder(encoder, task, work / str(night), MonitorOptions(progress))
        torch.save({"weights": encoder.state_dict(), "report": report.to_dict()}, work / f"{mode}-{night}.pt")
finally:
    distributed.release_helpers()
"""


def start(command: list[str], model: Path, work: Path, mode: str, **environment: str) -> subprocess.Popen[str]:
    work.mkdir(exist_ok=True)
    (work / "night.py").write_text(NIGHT)
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", *command, str(work / "night.py"), str(model), str(work), mode],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | environment,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def two_ranks(model: Path, work: Path, mode: str) -> list[tuple[int, str]]:
    """Return exit status and stderr of both ranks, started by hand: no launcher ends one when the other is gone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    started = [start([], model, work, mode, **common, RANK=rank, LOCAL_RANK=rank) for rank in "01"]
    errors = [process.communicate(timeout=180)[1] for process in started]
    return [(process.returncode, stderr) for process, stderr in zip(started, errors, strict=True)]


@pytest.fixture(scope="module")
def whole(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Two nights of one torchrun, weights and report."""
    work = tmp_path_factory.mktemp("ranks") / "work"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    night = start(torchrun, tiny_model, work, "twice")
    stderr = night.communicate(timeout=180)[1]
    assert night.returncode == 0, stderr
    return [torch.load(work / f"twice-{number}.pt") for number in range(2)]


def furthest(first: Any, second: Any) -> float:
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def test_distributed_without_torchrun_does_nothing() -> None:
    assert (distributed.world(), distributed.rank(), distributed.is_helper()) == (1, 0, False)
    assert distributed.all_reduce_max(7) == 7
    with distributed.broadcast_job("job"):
        distributed.barrier()
    distributed.release_helpers()


@pytest.mark.real
def test_two_ranks_train_what_one_does(tiny_model: Path, tmp_path: Path, whole: list[Any]) -> None:
    alone = load_model(str(tiny_model))
    before = {name: weights.clone() for name, weights in alone.state_dict().items()}
    report = train_encoder(alone, TrainingTask(PAIRS, TEXTS, 3, CONFIG), tmp_path)
    assert furthest(before, alone.state_dict()) > 1e-3
    assert furthest(whole[0]["weights"], alone.state_dict()) < 1e-6
    assert whole[0]["report"] == report.to_dict() | {"ranks": 2}
    assert furthest(whole[0]["weights"], whole[1]["weights"]) == 0, "again the same"


@pytest.mark.real
def test_two_ranks_after_a_kill_go_on(tiny_model: Path, tmp_path: Path, whole: list[Any]) -> None:
    (status, _), (helpers_status, stderr) = two_ranks(tiny_model, tmp_path, "killed")
    assert (status, helpers_status) == (-9, 1), stderr
    assert [status for status, _ in two_ranks(tiny_model, tmp_path, "once")] == [0, 0]
    resumed = torch.load(tmp_path / "once-0.pt")
    assert resumed["report"]["resumed_at_step"] == 3
    assert furthest(whole[0]["weights"], resumed["weights"]) == 0


@pytest.mark.real
def test_two_ranks_after_a_failure_end_with_status_1(tiny_model: Path, tmp_path: Path) -> None:
    (status, stderr), (helpers_status, _) = two_ranks(tiny_model, tmp_path, "failed")
    assert (status, helpers_status) == (1, 1) and "KeyError: 'disk'" in stderr
