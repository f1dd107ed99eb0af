"""The door on a shop: seconds to the first answer, memory of a worker, p50 and p99 of /search over HTTP and in-process.

Starts `shelfwise serve` with two workers on a free port, asks it real queries (two words of the catalogue's titles),
and stops it. Times drift on shared machines; the ratios within one run are what to compare.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.support.asking import search_with
from shelfwise import Shop
from shelfwise.search.blend import SourceSwitches
from shelfwise.text.normalize import words

REQUESTS = 2_000
WORDS = SourceSwitches(meaning=False, memory=False, neighbours=False, popularity=False, taste=False, ranker=False)
ENCODER = SourceSwitches(words=False, memory=False, neighbours=False, popularity=False, taste=False, ranker=False)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--data", default="shelfwise-data", help="the shop's folder")
    data = options.parse_args().data
    queries = make_queries(data)
    print(f"{data}: {len(queries):,} queries, such as {', '.join(queries[:4])}")
    in_process(data, queries)
    over_http(data, queries)


def make_queries(data: str) -> list[str]:
    chance = random.Random(1)
    with Shop(data) as shop:
        titles = [words(title) for _, title in shop.store.items.titles()]
    chosen = chance.choices([title for title in titles if len(title) > 1], k=REQUESTS)
    return [" ".join(chance.sample(title, 2)) for title in chosen]


def in_process(data: str, queries: list[str]) -> None:
    with Shop(data) as shop:
        shop.search("warm up", log=False)
        ways: dict[str, Callable[[str], object]] = {
            "search": lambda q: shop.search(q, log=False),
            "  words alone": lambda q: search_with(shop, q, WORDS, 10),
            "  encoder alone": lambda q: search_with(shop, q, ENCODER, 10),
        }
        for name, ask in ways.items():
            show(f"in-process {name}", [timed(lambda q=query, ask=ask: ask(q)) for query in queries])  # type: ignore[misc]


def over_http(data: str, queries: list[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    command = [str(Path(sys.executable).parent / "shelfwise"), "--data", data, "serve", "--port", str(port)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                get(http.client.HTTPConnection("127.0.0.1", port), "/search?q=first")
                break
            except OSError:
                time.sleep(0.02)
        print(f"first answer after {time.perf_counter() - started:.2f} s")
        connection = http.client.HTTPConnection("127.0.0.1", port)
        show("over HTTP, one client", [timed(lambda q=q: get(connection, f"/search?q={quote(q)}")) for q in queries])  # type: ignore[misc]
        for pid in children(process.pid):
            rss, pss = memory(pid)
            print(f"worker {pid}: RSS {rss:.0f} MB, PSS {pss:.0f} MB")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def get(connection: http.client.HTTPConnection, path: str) -> object:
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
    return json.loads(body)


def timed(call: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def show(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"{name:<32} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms")


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def memory(pid: int) -> tuple[float, float]:
    """Resident and proportional set size in megabytes (Linux only)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes["Rss:"], sizes["Pss:"]


if __name__ == "__main__":
    main()
