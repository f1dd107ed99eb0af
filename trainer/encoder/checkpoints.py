"""Save and resume a training, so that a night killed half-way goes on where it was.

A checkpoint counts once it is sealed: the seal names every file with its sha256 and is written last, so that a
checkpoint cut off by a kill is ignored. A finished training leaves its weights and its report.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from shelfwise.files import sha256_of, write_atomically
from shelfwise.night_report_parts import TrainingReport
from shelfwise.trainer.encoder.pairs import Pair

__all__ = [
    "fingerprint",
    "latest_checkpoint",
    "load_finished",
    "load_weights",
    "open_run_folder",
    "save_finished",
    "save_weights",
    "seal_checkpoint",
]

_SEAL = "sealed.json"
_FINISHED = "finished.pt"


def fingerprint(model: SentenceTransformer, pairs: Sequence[Pair], settings: Sequence[Any]) -> str:
    """Return 16 hex digits over a training's start weights, pairs and settings; equal only for the same ones."""
    digest = hashlib.sha256(json.dumps([settings, [asdict(pair) for pair in pairs]], sort_keys=True).encode())
    for name, weights in model.state_dict().items():
        digest.update(f"{name} {weights.dtype} {tuple(weights.shape)}".encode())
        digest.update(weights.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def open_run_folder(work: Path, name: str) -> Path:
    """Return the folder of the training `name` in `work`; remove those of others, and files that a kill left half."""
    work.mkdir(parents=True, exist_ok=True)
    for other in work.iterdir():
        if re.fullmatch("[0-9a-f]{16}", other.name) and other.name != name:
            shutil.rmtree(other)
    folder = work / name
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if re.fullmatch(r"\..+-\d+", path.name):  # of `write_atomically`, as large as the model
            path.unlink()
    return folder


def seal_checkpoint(checkpoint: Path) -> None:
    """Mark the checkpoint as complete."""
    write_atomically(checkpoint / _SEAL, lambda path: path.write_text(json.dumps(_hashes(checkpoint))))


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint or None, and remove incomplete ones, which a kill left."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.split("-")[1])):
        try:
            if json.loads((checkpoint / _SEAL).read_text()) == _hashes(checkpoint):
                return checkpoint
        except (OSError, ValueError):
            pass
        shutil.rmtree(checkpoint)
    return None


def save_finished(folder: Path, model: SentenceTransformer, report: TrainingReport) -> None:
    """Write the trained weights and the training's report, and remove its checkpoints."""
    kept = {"weights": model.state_dict(), "report": json.dumps(report.to_dict())}
    write_atomically(folder / _FINISHED, lambda path: torch.save(kept, path))
    for other in folder.iterdir():
        if other.name != _FINISHED:
            shutil.rmtree(other) if other.is_dir() else other.unlink()


def load_finished(folder: Path, model: SentenceTransformer) -> TrainingReport | None:
    """Load the finished training's weights into the model and return its report; None if it did not finish."""
    if not (folder / _FINISHED).is_file():
        return None
    kept = torch.load(folder / _FINISHED, map_location="cpu", weights_only=True)
    model.load_state_dict(kept["weights"])
    return TrainingReport.from_dict(json.loads(kept["report"]))


def save_weights(path: Path, model: SentenceTransformer) -> None:
    """Write the weights to `path`, completely or not at all."""
    write_atomically(path, lambda part: torch.save(model.state_dict(), part))


def load_weights(path: Path, model: SentenceTransformer) -> None:
    """Load the weights that `save_weights` wrote into the model."""
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != _SEAL}
