"""A night killed at any moment leaves the shop answering, and the next night cleans up and succeeds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import NOW, clicks

from shelfwise import Shop
from shelfwise.trainer import increment

_NIGHT = """
import sys
from shelfwise.trainer import increment
print("ready", flush=True)
increment(sys.argv[1], sys.argv[2])
"""


@pytest.mark.real
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_night(tiny_shop: Path, seed: int) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record(clicks("cup", "mug-red", 60))
        night = subprocess.Popen(
            [sys.executable, "-P", "-c", _NIGHT, str(tiny_shop), NOW.isoformat()], stdout=subprocess.PIPE
        )
        assert night.stdout is not None
        night.stdout.readline()
        killed_at = time.monotonic() + random.Random(seed).uniform(0.1, 4.0)
        while time.monotonic() < killed_at:
            answer = shop.search("mug")
            assert answer.hits
            assert answer.generation in (0, 1)
        night.send_signal(signal.SIGKILL)
        night.wait()
        assert shop.search("mug").hits
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record(clicks("light", "lantern", 60))
    assert increment(tiny_shop, NOW).verdict == "published"
    assert not list((tiny_shop / "generations").glob(".*"))
    assert not (tiny_shop / "work").exists()
    with Shop(tiny_shop) as shop:
        assert "running" not in {row["verdict"] for row in shop.store.ledger.latest(10)}
