"""The real thing: the packaged encoder, gunicorn with two workers, a night while it serves, four writers at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ITEMS, NOW, clicks

from shelfwise import Shop
from shelfwise.trainer import increment, init

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def real_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "shop"
    with Shop(folder) as shop:
        shop.upsert(ITEMS)
        shop.upsert({"id": f"lamp-{number}", "title": f"Table Lamp Model {number}"} for number in range(60))
        shop.record(clicks("cosy evening", "candle", 60))
    init(folder)
    return folder


@pytest.fixture(scope="module")
def server(real_shop: Path) -> Iterator[str]:
    """The address of `shelfwise serve` on this shop, as a user starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "shelfwise"), "--data", str(real_shop), "serve", "--port", str(port)]
    process = subprocess.Popen(command, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                ask(f"{address}/healthz")
                break
            except OSError:
                assert process.poll() is None, "serve ended"
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def ask(url: str, body: Any = None, method: str | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def statuses(server: str) -> dict[int, dict[str, Any]]:
    """Return the status of every worker, by its pid; on a busy machine one may start well after the other."""
    by_pid: dict[int, dict[str, Any]] = {}
    until = time.monotonic() + 30
    while time.monotonic() < until:
        status = ask(f"{server}/status")
        by_pid[status["pid"]] = status
        if len(by_pid) == 2:
            return by_pid
    raise AssertionError(f"only {len(by_pid)} of two workers answered")


def test_server_searches_by_meaning_without_torch(server: str) -> None:
    answer = ask(f"{server}/search?q=tea%20cup")
    assert answer["hits"][0]["id"] in ("mug-red", "mug-blue")
    assert "degraded" not in answer
    assert answer["generation"] == 0
    assert not any(status["torch_loaded"] for status in statuses(server).values())


def test_a_change_through_one_worker_is_in_both_within_a_second(server: str) -> None:
    ask(f"{server}/items", [{"id": "parasol", "title": "Garden Parasol"}], "PUT")
    changed = time.monotonic()
    found_by_pid: dict[int, bool] = {}
    while len(found_by_pid) < 2 or not all(found_by_pid.values()):
        hits = [hit["id"] for hit in ask(f"{server}/search?q=sunshade%20umbrella&limit=3")["hits"]]
        found_by_pid[ask(f"{server}/status")["pid"]] = "parasol" in hits
        assert time.monotonic() - changed < 5, found_by_pid
    for _ in range(20):
        assert "parasol" in [hit["id"] for hit in ask(f"{server}/search?q=sunshade%20umbrella&limit=3")["hits"]]
    ask(f"{server}/items/parasol", method="DELETE")
    for _ in range(20):
        assert "parasol" not in [hit["id"] for hit in ask(f"{server}/search?q=garden%20parasol&limit=50")["hits"]]


_WRITER = """
import json, sys, urllib.request
server, writer, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def post(events):
    request = urllib.request.Request(server + "/events", json.dumps(events).encode())
    return json.load(urllib.request.urlopen(request, timeout=60))
for number in range(0, count, 5):
    click = {"type": "click", "item": "bag", "query": "lunch"}
    events = [click | {"event_id": f"w{writer}-{number + offset}"} for offset in range(5)]
    assert post(events) == {"accepted": 5, "duplicates": 0, "rejected": []}
    if number % 50 == 0:
        assert post(events) == {"accepted": 0, "duplicates": 5, "rejected": []}
"""


def test_four_writers_at_once_lose_nothing_while_searches_run(server: str, real_shop: Path) -> None:
    with Shop(real_shop) as shop:
        before = shop.store.events.count()
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, server, str(writer), "500"], stderr=subprocess.PIPE, text=True)
        for writer in range(4)
    ]
    searches = 0
    while any(writer.poll() is None for writer in writers):
        assert ask(f"{server}/search?q=mug")["hits"]
        searches += 1
    for writer in writers:
        assert writer.returncode == 0, writer.communicate()[1]
    assert searches > 10
    with Shop(real_shop) as shop:
        assert shop.store.events.count() - before == 2000


def test_night_while_serving_reaches_every_worker(server: str, real_shop: Path) -> None:
    generations: list[int] = []
    failed: list[str] = []
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                answer = ask(f"{server}/search?q=cosy%20evening&limit=5")
                generations.append(answer["generation"])
                if not answer["hits"] or answer.get("degraded"):
                    failed.append(str(answer))
            except OSError as problem:
                failed.append(str(problem))

    reader = threading.Thread(target=loop)
    reader.start()
    night = increment(real_shop, NOW)
    deadline = time.monotonic() + 10
    while {status["generation"] for status in statuses(server).values()} != {night.generation}:
        assert time.monotonic() < deadline
    stop.set()
    reader.join()
    assert night.verdict == "published"
    assert not failed
    assert len(generations) > 200
    assert set(generations) == {0, night.generation}
    assert ask(f"{server}/search?q=cosy%20evening&limit=5")["generation"] == night.generation


def test_the_log_of_answers_arrives(server: str, real_shop: Path) -> None:
    answer = ask(f"{server}/search?q=alarm%20clock&user=w1")
    ask(f"{server}/events", {"type": "click", "item": "clock", "search_id": answer["search_id"], "position": 1})
    with Shop(real_shop) as shop:
        for _ in range(50):
            events = [event for event in shop.store.events.newest(time.time() + 60, 5) if event.item == "clock"]
            joined = list(shop.store.events.before(time.time() + 60, 2**62))[-1]
            if events and joined.query == "alarm clock":
                return
            time.sleep(0.1)
    raise AssertionError("the click never found its search")
