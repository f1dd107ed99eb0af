"""The serving form says what the model says, on padded batches too; what can't be served is refused clearly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling

from shelfwise.errors import EncoderUnsupported, GenerationCorrupt, TrainingDiverged
from shelfwise.generation.encoder import SERVING_CONFIG, SERVING_MODEL, Encoder
from shelfwise.trainer.encoder import base_model as models
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.export import serving_model as export
from shelfwise.trainer.export.serving_model import EXACT_MODEL, choose_precision, export_serving

TEXTS = ["mug", "a red coffee mug with white dots, set of six", "lanterne en métal", 'C++ / 17" (new!)', "x " * 300]


@pytest.fixture(scope="module")
def parent(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The serving folder of the tiny model, whose weights were never trained: many are zeros and ones."""
    folder = tmp_path_factory.mktemp("parent")
    export_serving(load_model(str(tiny_model)), folder)
    return folder


@pytest.fixture
def no_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """No new template can be made, nor a graph captured."""

    def forbidden(*_: object) -> None:
        raise AssertionError("the parent's template was not used")

    monkeypatch.setattr(export, "make_template", forbidden)
    monkeypatch.setattr(export, "capture", forbidden)


def moved(name: str | None, by: float = 0.1) -> SentenceTransformer:
    """A child of the model: each of its weights moved a little, so that no zeros and ones are left."""
    model = load_model(name)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)
    return model


def likeness(model: SentenceTransformer, encoder: Encoder) -> float:
    """The least cosine between what torch and the encoder say of the texts."""
    want = model.encode(TEXTS, normalize_embeddings=True)
    return float(np.sum(want * encoder.encode_raw(TEXTS), axis=1).min())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.real
def test_the_real_encoder_survives_export(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = load_model()
    export_serving(model, tmp_path / "parent", keep_exact=True)
    encoder = Encoder(tmp_path / "parent")
    assert likeness(model, encoder) > 0.97
    assert np.allclose(np.linalg.norm(encoder.items(TEXTS), axis=1), 1, atol=1e-4)
    singly = np.stack([encoder.query(text) for text in TEXTS])
    assert np.sum(singly * encoder.queries(TEXTS), axis=1).min() > 0.98
    mug, cup, clock = encoder.queries(["coffee mug", "tea cup", "alarm clock"])
    assert mug @ cup > mug @ clock

    request.getfixturevalue("no_capture")
    export_serving(model, tmp_path / "same", template=tmp_path / "parent", keep_exact=True)
    assert contents(tmp_path / "same") == contents(tmp_path / "parent")
    child = moved(None, by=1e-3)
    export_serving(child, tmp_path / "child", template=tmp_path / "parent")
    assert likeness(child, Encoder(tmp_path / "child")) > 0.97
    assert likeness(model, Encoder(tmp_path / "child")) < 0.999


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_both_poolings_are_exact_before_quantisation(tiny_model: Path, tmp_path: Path, mode: str) -> None:
    loaded = load_model(str(tiny_model))
    model = SentenceTransformer(modules=[loaded[0], Pooling(32, pooling_mode=mode)], device="cpu")
    export_serving(model, tmp_path, precision="fp32")
    assert likeness(model, Encoder(tmp_path)) > 0.9999
    assert json.loads((tmp_path / SERVING_CONFIG).read_text())["precision"] == "fp32"
    assert not (tmp_path / EXACT_MODEL).exists()


def test_a_child_fills_its_parents_graph(
    tiny_model: Path, parent: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    child = moved(str(tiny_model))
    export_serving(child, tmp_path / "full", keep_exact=True)
    request.getfixturevalue("no_capture")
    export_serving(child, tmp_path / "child", template=parent, keep_exact=True)
    assert contents(tmp_path / "child") == contents(tmp_path / "full")
    assert likeness(child, Encoder(tmp_path / "child", model=tmp_path / "child" / EXACT_MODEL)) > 0.9999
    export_serving(child, tmp_path / "grandchild", template=tmp_path / "child")
    assert Encoder(tmp_path / "grandchild").id == Encoder(tmp_path / "child").id


def test_a_graph_captured_plainly_is_the_same(
    tiny_model: Path, parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = moved(str(tiny_model))
    export_serving(child, tmp_path / "child", template=parent)
    monkeypatch.setattr(export, "make_template", lambda _: None)  # as if a weight were not found again
    export_serving(child, tmp_path / "plain")
    assert set(contents(tmp_path / "plain")) == {"model.onnx", "serving.json", "tokenizer.json"}
    vectors = [Encoder(tmp_path / name).encode_raw(TEXTS) for name in ("plain", "child")]
    assert np.array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("broken", ["another architecture", "missing", "cut off", "misplaced weights"])
def test_a_template_that_does_not_fit_is_replaced(tiny_model: Path, parent: Path, tmp_path: Path, broken: str) -> None:
    child, template = moved(str(tiny_model)), tmp_path / "parent" / "template"
    template.mkdir(parents=True)
    for path in (parent / "template").iterdir():
        (template / path.name).write_bytes(path.read_bytes())
    if broken == "another architecture":
        child = SentenceTransformer(modules=[child[0], Pooling(32, pooling_mode="cls")], device="cpu")
    elif broken == "missing":
        (template / "int8.onnx").unlink()
    elif broken == "cut off":
        (template / "exact.onnx").write_bytes((template / "exact.onnx").read_bytes()[:-9])
    else:
        about = (template / "template.json").read_text()
        norm = '"transformer.embeddings.LayerNorm.'
        swapped = about.replace(norm + 'weight",', norm + 'x",').replace(norm + 'bias",', norm + 'weight",')
        assert swapped != about
        (template / "template.json").write_text(swapped.replace(norm + 'x",', norm + 'bias",'))
    before = contents(template)
    export_serving(child, tmp_path / "child", template=tmp_path / "parent", keep_exact=True)
    assert likeness(child, Encoder(tmp_path / "child", model=tmp_path / "child" / EXACT_MODEL)) > 0.9999
    assert contents(template) == before
    assert contents(tmp_path / "child" / "template") != before


def test_the_night_settles_on_a_precision(tiny_model: Path, parent: Path, tmp_path: Path) -> None:
    model = load_model(str(tiny_model))
    for precision in ("int8", "fp32"):
        export_serving(model, tmp_path / precision, template=parent, keep_exact=True)
    exact = (tmp_path / "fp32" / EXACT_MODEL).read_bytes()
    choose_precision(tmp_path / "int8", "int8")
    choose_precision(tmp_path / "fp32", "fp32")
    assert contents(tmp_path / "int8") == contents(parent)
    assert (tmp_path / "fp32" / SERVING_MODEL).read_bytes() == exact
    assert likeness(model, Encoder(tmp_path / "fp32")) > 0.9999
    assert [Encoder(tmp_path / name).config["precision"] for name in ("int8", "fp32")] == ["int8", "fp32"]
    assert not (tmp_path / "int8" / EXACT_MODEL).exists()
    assert not (tmp_path / "fp32" / EXACT_MODEL).exists()
    export_serving(model, tmp_path / "again", template=tmp_path / "fp32")  # the next night may serve int8 again
    assert contents(tmp_path / "again") == contents(parent)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_diverged_are_not_exported(tiny_model: Path, tmp_path: Path, value: float) -> None:
    model = load_model(str(tiny_model))
    with torch.no_grad():
        model[0].auto_model.embeddings.LayerNorm.bias[3] = value
    with pytest.raises(TrainingDiverged, match=r"LayerNorm\.bias"):
        export_serving(model, tmp_path / "serving")
    assert not (tmp_path / "serving").exists()


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
