"""A model that can't be loaded is named, and a packaged one that was changed is noticed."""

from __future__ import annotations

import pytest

from shelfwise.errors import EncoderUnsupported, GenerationCorrupt
from shelfwise.trainer.encoder import base_model
from shelfwise.trainer.encoder.base_model import load_model


def test_load_model_of_a_missing_folder_names_it() -> None:
    with pytest.raises(EncoderUnsupported, match="no-such-folder"):
        load_model("./no-such-folder")


def test_load_model_of_a_changed_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(base_model._HASHES, "config.json", "0" * 64)
    with pytest.raises(GenerationCorrupt, match=r"config\.json"):
        load_model()
