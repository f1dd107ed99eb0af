"""The trained encoder's serving form: which failures of int8 float32 may stand in for, and which it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shelfwise.errors import EncoderUnsupported, ShelfwiseError, TrainingDiverged
from shelfwise.trainer.export import serving_model as export
from shelfwise.trainer.night import encoder_step

DIFFERS = ShelfwiseError("the exported encoder model.onnx differs from the trained one")


def exporting(monkeypatch: pytest.MonkeyPatch, *problems: Exception | None) -> list[dict[str, Any]]:
    """The options of each export, the n-th of which ends with the n-th problem."""
    asked: list[dict[str, Any]] = []

    def export_serving(model: object, folder: Path, **options: Any) -> None:
        asked.append(options)
        if problem := problems[len(asked) - 1]:
            raise problem

    monkeypatch.setattr(export, "export_serving", export_serving)
    return asked


def test_int8_keeps_the_exact_graph_until_it_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = exporting(monkeypatch, None)
    encoder_step._export(None, tmp_path)  # type: ignore[arg-type]
    assert asked == [{"keep_exact": True}]


def test_float32_stands_in_for_an_int8_that_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = exporting(monkeypatch, DIFFERS, None)
    encoder_step._export(None, tmp_path)  # type: ignore[arg-type]
    assert asked[1:] == [{"precision": "fp32"}]


@pytest.mark.parametrize("problem", [EncoderUnsupported("the model has the modules …"), TrainingDiverged("nan")])
def test_what_no_precision_mends_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: Exception
) -> None:
    asked = exporting(monkeypatch, problem)
    with pytest.raises(type(problem)):
        encoder_step._export(None, tmp_path)  # type: ignore[arg-type]
    assert len(asked) == 1


def test_a_float32_that_differs_too_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    exporting(monkeypatch, DIFFERS, DIFFERS)
    with pytest.raises(ShelfwiseError, match="differs"):
        encoder_step._export(None, tmp_path)  # type: ignore[arg-type]
