"""The query encoder: one text or many, the same vectors; its identity follows its files."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from shelfwise.generation.encoder import SERVING_CONFIG, Encoder, encoder_id

TEXTS = [f"thing number {number} of {'many ' * (number % 9)}" for number in range(100)]


@pytest.fixture
def serving(tiny_shop: Path) -> Path:
    return tiny_shop / "generations" / "0000" / "serving"


def test_items_equals_single_texts_and_reports_progress(serving: Path) -> None:
    encoder = Encoder(serving)
    progress: list[tuple[int, int]] = []
    vectors = encoder.items(TEXTS, lambda more: progress.append((more, threading.get_ident())))
    assert vectors.shape == (100, encoder.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    singly = np.stack([encoder.query(text) for text in TEXTS])
    assert np.sum(vectors * singly, axis=1).min() > 0.98  # int8 scales depend a little on the batch
    assert sum(more for more, _ in progress) == 100
    assert {thread for _, thread in progress} == {threading.get_ident()}
    assert encoder.items([]).shape == (0, encoder.dim)


def test_encoder_id_follows_every_file(serving: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(serving, copy)
    assert encoder_id(copy) == encoder_id(serving) == Encoder(serving).id
    config = json.loads((copy / SERVING_CONFIG).read_text())
    (copy / SERVING_CONFIG).write_text(json.dumps(config | {"query_prompt": "query: "}))
    assert encoder_id(copy) != encoder_id(serving)
    assert not np.array_equal(Encoder(copy).query("mug"), Encoder(serving).query("mug"))
