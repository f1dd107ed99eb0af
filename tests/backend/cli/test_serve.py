"""`shelfwise serve`: its options, what it hands to the app, and how it starts and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.cli import serve
from support.command_line import Run

PROGRAM = "from shelfwise.cli.main import main; main()"


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
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    app_configs: list[dict[str, Any]],
    arguments: list[str],
    environment: str,
    share: float,
) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    run("serve", *arguments)
    assert app_configs == [{"DATA": str(tmp_path), "WATCH": True, "EXPLORE": share}]


@pytest.mark.parametrize(("environment", "code"), [("lots", 2), ("-1", 2), ("1.1", 2), ("nan", 1)])
def test_serve_with_a_wrong_share_ends_before_a_worker_starts(
    run: Run, monkeypatch: pytest.MonkeyPatch, app_configs: list[dict[str, Any]], environment: str, code: int
) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    done = run("serve")
    message = done.err.splitlines()[-1]
    assert (done.code, app_configs) == (code, [])
    assert message.startswith("Error: ") and "explore" in message.lower()


@pytest.mark.real
def test_serve(tiny_shop: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-c", PROGRAM, "--data", str(tiny_shop), "serve", "--port", str(port)]
    environment = os.environ | {"SHELFWISE_WORKERS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr is not None
        assert server.stderr.readline() == f"serving {tiny_shop} at http://127.0.0.1:{port}\n"
        body = json.loads(_patiently(f"http://127.0.0.1:{port}/search?q=mug"))
        status = json.loads(_patiently(f"http://127.0.0.1:{port}/status"))
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert (body["generation"], len(body["hits"])) == (0, 6)
    assert status["torch_loaded"] is False
    with Shop(tiny_shop) as shop:
        assert shop.store._connections.value("SELECT query FROM searches") == "mug", "logged before the end"


def _patiently(url: str) -> bytes:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
