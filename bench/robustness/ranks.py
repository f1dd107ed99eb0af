"""Two processes of 32 pairs against one of 64: does torchrun train the same encoder, within rounding?

The packaged model, float32, no dropout, the same global batches and no item twice in any of them: titles of the example
shop's items, each led to by its last two words. Prints the greatest difference of any weight, beside how far training
moved the weights. Both runs are torchruns of this file.
"""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from bench.support.example_shop import EXAMPLE
from bench.support.options import new_parser
from shelfwise.trainer.encoder import distributed as ranks
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.encoder.callbacks import MonitorOptions
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.encoder.pairs import Pair, known_item_query
from shelfwise.trainer.encoder.training import TrainingTask, run_helper, train_encoder

STEPS, BATCH = 6, 64
CONFIG = TrainingConfig(batch_size=BATCH, dropout=False, bf16=False)

Weights = dict[str, torch.Tensor]


def main() -> None:
    new_parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        before = load_model().cpu().state_dict()
        one, two = (torchrun(processes, Path(temporary) / f"{processes}.pt") for processes in (1, 2))
    print(f"{STEPS} steps of {BATCH} pairs, learning rate {CONFIG.learning_rate}; losses {one['losses']}")
    print(f"two ranks of {BATCH // 2} gave the losses {two['losses']}")
    print_difference("all weights", one["weights"], two["weights"], before)
    # A key's bias adds the same to all scores of a softmax: its gradient is rounding, which Adam blows up to a step.
    effective = [name for name in before if not name.endswith("key.bias")]
    sets = ({name: weights[name] for name in effective} for weights in (one["weights"], two["weights"], before))
    print_difference("weights that a vector depends on", *sets)


def print_difference(title: str, one: Weights, two: Weights, before: Weights) -> None:
    """Print how far the weights of one and two ranks are apart, beside how far they moved."""
    change = max(max_differences(one, before).values())
    apart = max_differences(one, two)
    worst = max(apart, key=apart.__getitem__)
    share = apart[worst] / change
    print(f"{title}: greatest difference {apart[worst]:.3g} ({worst}), {share:.1e} of the greatest change")
    print(f"{title}: norm of the difference {distance(one, two) / distance(one, before):.1e} of that of the change")


def torchrun(processes: int, out: Path) -> dict[str, Any]:
    """Run this file in so many processes, and return the weights and losses."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    subprocess.run(
        [*launch, "-m", "bench.robustness.ranks", str(out)], check=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    )
    result: dict[str, Any] = torch.load(out)
    return result


def train(out: Path) -> None:
    """Train in one process of a torchrun; rank 0 writes the result."""
    if ranks.is_helper():
        return run_helper()
    titles = distinct_titles(STEPS * BATCH)
    pairs = [Pair(known_item_query(title), id) for id, title in titles.items()]
    model = load_model()
    try:
        report = train_encoder(
            model, TrainingTask(pairs, titles, 1, CONFIG), out.with_suffix(""), MonitorOptions(print_step)
        )
    finally:
        ranks.release_helpers()
    torch.save({"weights": model.cpu().state_dict(), "losses": report.losses}, out)


def distinct_titles(count: int) -> dict[str, str]:
    """Return id → title of items, no two of one title."""
    with gzip.open(EXAMPLE / "items.csv.gz", "rt", encoding="utf-8", newline="") as file:
        titles = {row["title"].lower(): row["id"] for row in csv.DictReader(file)}
    return {id: title for title, id in list(titles.items())[:count]}


def print_step(done: int, total: int) -> None:
    """Print the step that is done."""
    print(f"\r{ranks.world()} processes: step {done} of {total}", end="\n" if done == total else "", file=sys.stderr)


def max_differences(one: Weights, other: Weights) -> dict[str, float]:
    """Return the greatest absolute difference by the name of the weights."""
    return {name: float((one[name] - other[name]).abs().max()) for name in one}


def distance(one: Weights, other: Weights) -> float:
    """Return the Euclidean distance of two sets of weights."""
    return float(sum(float((one[name].double() - other[name].double()).square().sum()) for name in one) ** 0.5)


if __name__ == "__main__":
    train(Path(sys.argv[1])) if "RANK" in os.environ else main()
