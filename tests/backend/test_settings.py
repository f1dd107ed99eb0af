"""The settings that come from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shelfwise.errors import InvalidInput
from shelfwise.settings import SETTINGS, data_folder, exploration, setting

SOURCES = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("given", "environment", "folder"),
    [("here", "there", "here"), (None, "there", "there"), (None, "", "shelfwise-data"), (None, None, "shelfwise-data"),
     ("", "there", "there")],
)  # fmt: skip
def test_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, given: str | None, environment: str | None, folder: str
) -> None:
    if environment is None:
        monkeypatch.delenv("SHELFWISE_DATA", raising=False)
    else:
        monkeypatch.setenv("SHELFWISE_DATA", environment)
    assert data_folder(given) == Path(folder)


def test_settings_by_name() -> None:
    assert [setting(row.name) for row in SETTINGS] == list(SETTINGS)
    with pytest.raises(StopIteration):
        setting("SHELFWISE_NOTHING")


def test_every_setting_that_is_read_stands_in_the_table() -> None:
    files = [path for room in ("backend", "index", "trainer", "api") for path in (SOURCES / room).rglob("*.py")]
    read = {name for path in files for name in re.findall(r"SHELFWISE_[A-Z_]+", path.read_text())}
    assert read == {row.name for row in SETTINGS}
    assert all(row.help for row in SETTINGS)


@pytest.mark.parametrize(
    ("option", "environment", "share"),
    [(None, "", 0.05), (None, "0", 0.0), (None, "0.5", 0.5), (None, "1", 1.0), (0.25, "0.5", 0.25), (0.0, "lots", 0.0)],
)
def test_exploration(monkeypatch: pytest.MonkeyPatch, option: float | None, environment: str, share: float) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    assert exploration(option) == share


@pytest.mark.parametrize("environment", ["lots", "-1", "1.1", "nan"])
def test_exploration_refuses_what_is_not_a_share(monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    with pytest.raises(InvalidInput, match=f"SHELFWISE_EXPLORE: expected a number from 0 to 1, got '{environment}'"):
        exploration()
