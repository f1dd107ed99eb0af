"""The settings that come from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shelfwise.cli.main import main
from shelfwise.settings import SETTINGS, data_folder, default, exploration

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


def test_defaults_by_name() -> None:
    assert [default(setting.name) for setting in SETTINGS] == [setting.default for setting in SETTINGS]
    with pytest.raises(StopIteration):
        default("SHELFWISE_NOTHING")


def test_every_setting_that_is_read_stands_in_the_table() -> None:
    files = [path for room in ("backend", "index", "trainer", "api") for path in (SOURCES / room).rglob("*.py")]
    read = {name for path in files for name in re.findall(r"SHELFWISE_[A-Z_]+", path.read_text())}
    assert read == {setting.name for setting in SETTINGS}
    assert all(setting.help for setting in SETTINGS)


@pytest.mark.parametrize(("given", "share"), [("", 0.05), ("0", 0.0), ("0.5", 0.5), ("1", 1.0)])
def test_the_share_of_exploration(monkeypatch: pytest.MonkeyPatch, given: str, share: float) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", given)
    assert exploration() == share


@pytest.mark.parametrize("given", ["lots", "-1", "1.1", "nan"])
def test_a_wrong_share_ends_serve_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", given)
    monkeypatch.setattr("sys.argv", ["shelfwise", "--data", str(tmp_path), "serve"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"Error: SHELFWISE_EXPLORE: {given!r} is no number from 0 to 1\n"
