"""The serving form says what the model says, on padded batches too; what can't be served is refused clearly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling

from shelfwise.encoder import Encoder
from shelfwise.errors import EncoderUnsupported, GenerationCorrupt
from shelfwise.trainer import models
from shelfwise.trainer.export import export_serving
from shelfwise.trainer.models import load_model

TEXTS = ["mug", "a red coffee mug with white dots, set of six", "lanterne en métal", 'C++ / 17" (new!)', "x " * 300]


@pytest.mark.real
def test_the_real_encoder_survives_export(tmp_path: Path) -> None:
    model = load_model()
    export_serving(model, tmp_path)
    encoder = Encoder(tmp_path)
    want = model.encode(TEXTS, normalize_embeddings=True)
    assert np.sum(want * encoder.encode_raw(TEXTS), axis=1).min() > 0.97
    assert np.allclose(np.linalg.norm(encoder.items(TEXTS), axis=1), 1, atol=1e-4)
    singly = np.stack([encoder.query(text) for text in TEXTS])
    assert np.sum(singly * encoder.queries(TEXTS), axis=1).min() > 0.98
    mug, cup, clock = encoder.queries(["coffee mug", "tea cup", "alarm clock"])
    assert mug @ cup > mug @ clock


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_both_poolings_are_exact_before_quantisation(tiny_model: Path, tmp_path: Path, mode: str) -> None:
    loaded = load_model(str(tiny_model))
    model = SentenceTransformer(modules=[loaded[0], Pooling(32, pooling_mode=mode)], device="cpu")
    export_serving(model, tmp_path, quantise=False)
    want = model.encode(TEXTS, normalize_embeddings=True)
    assert np.sum(want * Encoder(tmp_path).encode_raw(TEXTS), axis=1).min() > 0.9999


def test_other_architectures_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    loaded = load_model(str(tiny_model))
    pooled_by_max = SentenceTransformer(modules=[loaded[0], Pooling(32, pooling_mode="max")], device="cpu")
    with pytest.raises(EncoderUnsupported, match="max"):
        export_serving(pooled_by_max, tmp_path)
    with_dense = SentenceTransformer(modules=[loaded[0], loaded[1], Dense(32, 8)], device="cpu")
    with pytest.raises(EncoderUnsupported, match="Dense"):
        export_serving(with_dense, tmp_path)


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(EncoderUnsupported, match="no-such-folder"):
        load_model("./no-such-folder")


def test_a_changed_package_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models._HASHES, "config.json", "0" * 64)
    with pytest.raises(GenerationCorrupt, match=r"config\.json"):
        load_model()
