"""Connections: one a thread, whole transactions, and none that outlives its thread, its process or `close`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shelfwise.store import Store
from shelfwise.store.connection import Connections
from shelfwise.validation import parse_event


@pytest.fixture
def connections(store: Store) -> Connections:
    return store._connections


def test_connection_syncs_every_commit(connections: Connections) -> None:
    assert connections.value("PRAGMA journal_mode") == "wal"
    assert connections.value("PRAGMA synchronous") == 2, "FULL"


def test_sqlite_version_lacks_the_wal_reset_bug(connections: Connections) -> None:
    version = tuple(int(part) for part in connections.value("SELECT sqlite_version()").split("."))
    assert version > (3, 51, 2)


def test_write_rolls_back_whole_after_an_error(connections: Connections) -> None:
    def attempt() -> None:
        with connections.write() as connection:
            connection.execute("INSERT INTO nights (started, verdict) VALUES (1, 'x')")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        attempt()
    assert connections.value("SELECT count(*) FROM nights") == 0
    with connections.write() as connection:
        connection.execute("INSERT INTO nights (started, verdict) VALUES (1, 'x')")
    assert connections.value("SELECT count(*) FROM nights") == 1


def test_connection_differs_by_thread(connections: Connections) -> None:
    others: list[object] = []
    thread = threading.Thread(target=lambda: others.append(connections.connection()))
    thread.start()
    thread.join()
    assert others[0] is not connections.connection()
    assert connections.connection() is connections.connection()


def test_connections_of_ended_threads_are_closed(store: Store) -> None:
    """Some servers start a thread for every request."""
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        thread = threading.Thread(target=store.items.count)
        thread.start()
        thread.join()
    assert len(os.listdir("/dev/fd")) < before + 20


def test_rows_can_be_read_while_another_connection_writes(store: Store, connections: Connections) -> None:
    counts: list[int] = []
    with connections.write() as connection:
        connection.execute("DELETE FROM events")
        thread = threading.Thread(target=lambda: counts.append(Store(store.path.parent).events.count()))
        thread.start()
        thread.join(20)
    assert counts == [0], "opening and reading wait for no writer"


def test_store_opened_by_several_processes_at_once_migrates_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from shelfwise.store import Store; Store(Path(sys.argv[1])).close()"
    )
    command = [sys.executable, "-P", "-c", program, str(tmp_path / "new")]
    opening = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in opening] == [("", 0)] * 4


def test_store_opened_again_is_unchanged(tmp_path: Path) -> None:
    for _ in range(2):
        opened = Store(tmp_path / "again")
        opened.events.add([parse_event({"event_id": "e", "type": "view", "item": "mug"}, 1.0)])
        assert opened.events.count() == 1
        opened.close()
        opened.close()


_FORK = """
import os, sys
from shelfwise import Shop, ShelfwiseError
shop = Shop(sys.argv[1])
shop.upsert([{"id": "mug", "title": "Mug"}])
shop.search("mug")
verbs = {
    "search": lambda: shop.search("mug"),
    "recommend": lambda: shop.recommend(),
    "item": lambda: shop.item("mug"),
    "status": lambda: shop.status(),
    "upsert": lambda: shop.upsert([{"id": "cup", "title": "Cup"}]),
    "delete": lambda: shop.delete(["mug"]),
    "record": lambda: shop.record([{"type": "view", "item": "mug"}]),
}
child = os.fork()
if child == 0:
    for name, verb in verbs.items():
        try:
            verb()
            print(name, "works", flush=True)
        except ShelfwiseError as problem:
            print(name, problem, flush=True)
    os._exit(0)
os.waitpid(child, 0)
assert shop.search("mug").total == 1
shop.close()
"""


def test_shop_verbs_after_a_fork_raise(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", _FORK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    assert [line for line in lines if "fork" not in line or "open a new one" not in line] == []
