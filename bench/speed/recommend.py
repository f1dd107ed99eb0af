"""Recommendations in milliseconds by kind, the memory of the process, and what they add to a night.

On a shop of your own (--data), or on a made-up one of any size: run it with two sizes to see what grows with what.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.support.synthetic import UNTIL, make_shop
from shelfwise import Shop
from shelfwise.store import Event
from shelfwise.timestamps import to_datetime

NIGHT = """import json, sys
from shelfwise.trainer import increment
print(json.dumps(increment(*sys.argv[1:], learn_pairs=False).to_dict()))"""
WARMING = 20
_NEWEST = 20_000  # events, whose shoppers and items are asked for: as lively and as popular as they come


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="a shop that has learned; its clock is its last night's")
    which.add_argument(
        "--synthetic",
        nargs=4,
        metavar=("ITEMS", "USERS", "EVENTS", "DIR"),
        help="make a shop in DIR once",
    )
    parser.add_argument("--asks", type=int, default=500, help="of each kind")
    given = parser.parse_args()
    if given.data:
        ask_all(given.data, given.asks)
        return
    sizes, folder = [int(value) for value in given.synthetic[:3]], Path(given.synthetic[3])
    if not folder.exists():
        started = time.perf_counter()
        make_shop(folder, *sizes)
        print(f"made {folder} in {time.perf_counter() - started:.0f} s", flush=True)
        night(folder)
    # A process of its own, whose memory is the shop's alone.
    command = [sys.executable, "-m", "bench.speed.recommend", "--data", str(folder), "--asks", str(given.asks)]
    subprocess.run(command, check=True)


def night(folder: Path) -> None:
    """One night without training the encoder, whose seconds are another bench's."""
    started = time.perf_counter()
    command = [sys.executable, "-P", "-c", NIGHT, str(folder), UNTIL.isoformat()]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    report = told["report"]
    stages = "".join(f"  {name} {seconds:.1f}" for name, seconds in report["seconds"].items())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"night: {told['verdict']}: {told['reason']}; {time.perf_counter() - started:.0f} s with its imports")
    print(f"  seconds by stage:{stages}\n  peak memory {peak:,.0f} MB; wishes: {report['wishes']}", flush=True)


def ask_all(folder: Path, asks: int) -> None:
    with Shop(folder) as shop:
        current = shop.generations.current()
        if current is None:
            raise SystemExit(f"{folder}: no generation; run `shelfwise night` first")
        until = shop.generations.open(current).card.until
        newest = [event for event in shop.store.events.newest(until, _NEWEST) if event.user]
        numbers = f"{shop.store.items.count():,} items, {shop.store.events.count():,} events"
    before = memory()
    with Shop(folder, clock=lambda: to_datetime(until)) as shop:
        started = time.perf_counter()
        shop.recommend(log=False)
        opened = time.perf_counter() - started
        serving = shop.generation
        print(f"{folder}: {numbers}; ranker: {serving.for_you_ranker.kind}, index: {serving.index_kind}")
        print(f"first answer after {opened:.1f} s; memory {before:.0f} MB before, {memory():.0f} MB after it")
        chance = random.Random(1)
        users = sorted({event.user for event in newest if event.user})
        items = [event.item for event in newest]
        carts = carts_of(newest)
        busiest = [user for user, _ in shop.store.events.busiest_users(20)]
        ways: dict[str, Callable[[], object]] = {
            "for-you": lambda: shop.recommend(user=chance.choice(users), log=False),
            "for-you, repeats=0": lambda: shop.recommend(user=chance.choice(users), repeats=False, log=False),
            "for-you, explain=1": lambda: shop.recommend(user=chance.choice(users), explain=True, log=False),
            "for-you, the 20 busiest": lambda: shop.recommend(user=chance.choice(busiest), log=False),
            "for-you, a stranger": lambda: shop.recommend(user="nobody knows them", log=False),
            "again": lambda: shop.recommend(user=chance.choice(users), kind="again", log=False),
            "next": lambda: shop.recommend(user=chance.choice(users), kind="next", log=False),
            "similar": lambda: shop.recommend(item=chance.choice(items), kind="similar", log=False),
            "together": lambda: shop.recommend(item=chance.choice(items), kind="together", log=False),
            "together, a cart of 3": lambda: shop.recommend(item=chance.choice(carts), kind="together", log=False),
            **{name: lambda name=name: shop.recommend(kind=name, log=False) for name in ("trending", "popular", "new")},  # type: ignore[misc]
        }  # fmt: skip
        print(f"{'ms of ' + str(asks) + ' answers':<26}{'p50':>8}{'p99':>8}{'cpu p50':>10}{'cpu p99':>8}")
        for name, ask in ways.items():
            taken = timed(ask, asks)
            print(f"  {name:<24}{'{:8.2f}{:8.2f}{:10.2f}{:8.2f}'.format(*percentiles(taken))}", flush=True)
        print(f"memory after {asks * len(ways):,} answers: {memory():.0f} MB")


def carts_of(events: Sequence[Event]) -> list[list[str]]:
    """Up to three items of each shopper."""
    chosen: dict[str | None, dict[str, None]] = {}
    for event in events:
        chosen.setdefault(event.user, {})[event.item] = None
    return [list(items)[:3] for items in chosen.values()]


def timed(ask: Callable[[], object], asks: int) -> np.ndarray:
    """Milliseconds of each answer once it is warm, by the clock and of the processor, (asks, 2).

    Beside other work the clock's are what a shopper waits, the processor's what compares with another day.
    """
    taken = []
    for number in range(WARMING + asks):
        started = time.perf_counter(), time.process_time()
        ask()
        if number >= WARMING:
            taken.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    return np.array(taken) * 1000


def percentiles(taken: np.ndarray) -> list[float]:
    """p50 and p99 by the clock, then of the processor."""
    return [float(value) for value in np.percentile(taken, (50, 99), axis=0).T.ravel()]


def memory() -> float:
    """Resident memory of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
