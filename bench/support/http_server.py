"""`shelfwise serve` with two workers on a free port, and a client of it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shelfwise.types import Row

__all__ = ["HttpClient", "Server", "serve", "wait_until"]

_HOST = "127.0.0.1"
_MAX_START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running server; `pid` is that of the master process."""

    port: int
    pid: int
    first_answer_seconds: float


class HttpClient:
    """One connection that is kept open; not to be shared by threads."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(_HOST, port, timeout=30)

    def get(self, path: str) -> Row:
        """Return the JSON of a GET request. Raises RuntimeError for another status than 200."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: expected status 200, got {response.status} {body[:200]!r}")
        answer: Row = json.loads(body)
        return answer


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Start a server on the shop, wait for its first answer, and stop it after the block."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "shelfwise"), "--data", str(folder), "serve", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        seconds = wait_until(lambda: _answers(port), started, _MAX_START_SECONDS)
        if seconds is None:
            raise SystemExit(f"the server: expected an answer within {_MAX_START_SECONDS:.0f} s, got none")
        yield Server(port, process.pid, seconds)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def wait_until(is_so: Callable[[], bool], started: float, max_seconds: float) -> float | None:
    """Return the seconds from `started` (of time.perf_counter) until it is so; None where it takes longer."""
    while not is_so():
        if time.perf_counter() - started > max_seconds:
            return None
        time.sleep(0.02)
    return time.perf_counter() - started


def _answers(port: int) -> bool:
    try:
        HttpClient(port).get("/search?q=first")
    except OSError:
        return False
    return True
