"""A shop with a catalogue of distinct things and generation 0 of the tiny encoder, and nights that train nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwise import Shop
from shelfwise.trainer.night import pipeline
from shelfwise.trainer.night.encoder_step import EncoderOutcome
from support.interactions import CATALOGUE, morning
from support.stores import make_initial_shop


@pytest.fixture(scope="session")
def stocked_folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The shop that `stocked` is copied from; not to be changed."""
    return make_initial_shop(tmp_path_factory.mktemp("stocked") / "shop", CATALOGUE, tiny_model)


@pytest.fixture
def stocked(stocked_folder: Path, tmp_path: Path) -> Iterator[Shop]:
    """48 things and generation 0; for this shop it is long after all that its shoppers do."""
    folder = Path(shutil.copytree(stocked_folder, tmp_path / "stocked"))
    with Shop(folder, clock=lambda: morning(100)) as shop:
        yield shop


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights whose encoder is refused, which takes no time: all else is done as ever."""
    monkeypatch.setattr(
        pipeline, "train_and_judge", lambda state: EncoderOutcome("refused", "the parent's encoder is kept")
    )
