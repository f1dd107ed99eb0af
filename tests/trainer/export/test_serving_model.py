"""The serving form embeds as the model does, on padded batches too; models that can't be served are refused clearly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling

from shelfwise.errors import EncoderUnsupported, ShelfwiseError, TrainingDiverged
from shelfwise.generation.encoder import SERVING_CONFIG, SERVING_MODEL, Encoder
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.export import serving_model
from shelfwise.trainer.export.serving_model import EXACT_MODEL, choose_precision, export_best, export_serving

TEXTS = ["mug", "a red coffee mug with white dots, set of six", "lanterne en métal", 'C++ / 17" (new!)', "x " * 300]


def moved_model(name: str | None, by: float = 0.1) -> SentenceTransformer:
    """Return the model with each of its weights moved a little, as by a night."""
    model = load_model(name)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)
    return model


def least_cosine(model: SentenceTransformer, encoder: Encoder) -> float:
    """Return the least cosine between torch's and the encoder's vectors of the texts."""
    expected = model.encode(TEXTS, normalize_embeddings=True)
    return float(np.sum(expected * encoder.encode_raw(TEXTS), axis=1).min())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.real
def test_export_serving_of_the_real_model_embeds_alike(tmp_path: Path) -> None:
    model = load_model()
    export_serving(model, tmp_path / "parent")
    encoder = Encoder(tmp_path / "parent")
    assert least_cosine(model, encoder) > 0.97
    assert np.allclose(np.linalg.norm(encoder.items(TEXTS), axis=1), 1, atol=1e-4)
    singly = np.stack([encoder.query(text) for text in TEXTS])
    assert np.sum(singly * encoder.queries(TEXTS), axis=1).min() > 0.98
    mug, cup, clock = encoder.queries(["coffee mug", "tea cup", "alarm clock"])
    assert mug @ cup > mug @ clock

    trained = moved_model(None, by=1e-3)
    export_serving(trained, tmp_path / "trained")
    assert least_cosine(trained, Encoder(tmp_path / "trained")) > 0.97
    assert least_cosine(model, Encoder(tmp_path / "trained")) < 0.999


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_export_serving_in_float32_is_exact_for_both_poolings(tiny_model: Path, tmp_path: Path, mode: str) -> None:
    loaded = load_model(str(tiny_model))
    model = SentenceTransformer(modules=[loaded[0], Pooling(32, pooling_mode=mode)], device="cpu")
    export_serving(model, tmp_path, precision="fp32")
    assert least_cosine(model, Encoder(tmp_path)) > 0.9999
    assert json.loads((tmp_path / SERVING_CONFIG).read_text())["precision"] == "fp32"
    assert not (tmp_path / EXACT_MODEL).exists()


@pytest.mark.parametrize("by", [0.0, 0.1], ids=["untrained: many zeros and ones", "trained"])
def test_export_serving_twice_writes_the_same_bytes(tiny_model: Path, tmp_path: Path, by: float) -> None:
    model = moved_model(str(tiny_model), by)
    for name in ("one", "two"):
        export_serving(model, tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert set(contents(tmp_path / "one")) == {"model.onnx", "serving.json", "tokenizer.json"}
    assert least_cosine(model, Encoder(tmp_path / "one")) > 0.97


def test_choose_precision_keeps_one_graph(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(str(tiny_model))
    export_serving(model, tmp_path / "int8", keep_exact=True)
    (tmp_path / "fp32").mkdir()
    for name, content in contents(tmp_path / "int8").items():
        (tmp_path / "fp32" / name).write_bytes(content)
    exact = (tmp_path / "fp32" / EXACT_MODEL).read_bytes()
    quantised = (tmp_path / "int8" / SERVING_MODEL).read_bytes()
    choose_precision(tmp_path / "int8", "int8")
    choose_precision(tmp_path / "fp32", "fp32")
    assert (tmp_path / "int8" / SERVING_MODEL).read_bytes() == quantised
    assert (tmp_path / "fp32" / SERVING_MODEL).read_bytes() == exact
    assert least_cosine(model, Encoder(tmp_path / "fp32")) > 0.9999
    assert [Encoder(tmp_path / name).config["precision"] for name in ("int8", "fp32")] == ["int8", "fp32"]
    assert not list(tmp_path.glob(f"*/{EXACT_MODEL}"))


def test_export_that_differs_from_the_model_is_refused(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, other = load_model(str(tiny_model)), serving_model.capture(moved_model(str(tiny_model)))
    monkeypatch.setattr(serving_model, "capture", lambda _: other)
    with pytest.raises(ShelfwiseError, match=r"exact\.onnx differs from the trained one"):
        export_best(model, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_export_serving_of_weights_that_diverged_is_refused(tiny_model: Path, tmp_path: Path, value: float) -> None:
    model = load_model(str(tiny_model))
    with torch.no_grad():
        model[0].auto_model.embeddings.LayerNorm.bias[3] = value
    with pytest.raises(TrainingDiverged, match=r"LayerNorm\.bias"):
        export_serving(model, tmp_path / "serving")
    assert not (tmp_path / "serving").exists()


def test_export_serving_of_other_architectures_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    loaded = load_model(str(tiny_model))
    pooled_by_max = SentenceTransformer(modules=[loaded[0], Pooling(32, pooling_mode="max")], device="cpu")
    with pytest.raises(EncoderUnsupported, match="got 'max'"):
        export_serving(pooled_by_max, tmp_path)
    with_dense = SentenceTransformer(modules=[loaded[0], loaded[1], Dense(32, 8)], device="cpu")
    with pytest.raises(EncoderUnsupported, match="Dense"):
        export_serving(with_dense, tmp_path)
