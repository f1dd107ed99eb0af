"""`shelfwise serve`: its options and what it hands to the app; tests/integration/test_serve.py runs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from shelfwise.cli import serve
from shelfwise.cli.main import main


@pytest.fixture
def app_configs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What `serve` would have started apps with."""
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(serve.GunicornServer, "run", lambda server: started.append(server._app_config))
    monkeypatch.setenv("SHELFWISE_DATA", str(tmp_path))
    return started


@pytest.mark.parametrize(
    ("arguments", "environment", "share"), [([], "", 0.05), ([], "0.5", 0.5), (["--explore", "0"], "0.5", 0.0)]
)
def test_serve_hands_over_its_share_of_exploration(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    app_configs: list[dict[str, Any]],
    arguments: list[str],
    environment: str,
    share: float,
) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    monkeypatch.setattr(sys, "argv", ["shelfwise", "serve", *arguments])
    main()
    assert app_configs == [{"DATA": str(tmp_path), "WATCH": True, "EXPLORE": share}]


@pytest.mark.parametrize(("environment", "code"), [("lots", 2), ("-1", 2), ("1.1", 2), ("nan", 1)])
def test_serve_with_a_wrong_share_ends_before_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    app_configs: list[dict[str, Any]],
    environment: str,
    code: int,
) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    monkeypatch.setattr(sys, "argv", ["shelfwise", "serve"])
    with pytest.raises(SystemExit) as ended:
        main()
    message = capsys.readouterr().err.splitlines()[-1]
    assert (ended.value.code, app_configs) == (code, [])
    assert message.startswith("Error: ") and "explore" in message.lower()
