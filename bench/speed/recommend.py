"""Recommendations in milliseconds by kind, the memory of the process, and what they add to a night.

On a shop of your own (--data), or on a made-up one of any size: run it with two sizes to see what grows with what.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.support.options import new_parser
from bench.support.synthetic import UNTIL, make_shop
from shelfwise import Shop
from shelfwise.store import Event
from shelfwise.timestamps import to_datetime

NIGHT = """import json, sys
from shelfwise.trainer import increment
print(json.dumps(increment(*sys.argv[1:], learn_pairs=False).to_dict()))"""
WARM_UP_CALLS = 20
_NEWEST = 20_000  # events: their shoppers and items are drawn, the lively and popular ones more often


def main() -> None:
    parser = new_parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help="a shop that has learned, as of its last night")
    source.add_argument(
        "--synthetic",
        nargs=4,
        metavar=("ITEMS", "USERS", "EVENTS", "DIR"),
        help="make a shop in DIR once",
    )
    parser.add_argument("--asks", type=int, default=500, help="of each kind")
    options = parser.parse_args()
    if options.data:
        measure_all(options.data, options.asks)
        return
    sizes, folder = [int(value) for value in options.synthetic[:3]], Path(options.synthetic[3])
    if not folder.exists():
        started = time.perf_counter()
        make_shop(folder, *sizes)
        print(f"made {folder} in {time.perf_counter() - started:.0f} s", flush=True)
        run_night(folder)
    # In a process of its own: its memory is the shop's alone.
    command = [sys.executable, "-m", "bench.speed.recommend", "--data", str(folder), "--asks", str(options.asks)]
    subprocess.run(command, check=True)


def run_night(folder: Path) -> None:
    """Run one night without training the encoder: its seconds are those of another bench."""
    started = time.perf_counter()
    command = [sys.executable, "-P", "-c", NIGHT, str(folder), UNTIL.isoformat()]
    result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    report = result["report"]
    stages = "".join(f"  {name} {seconds:.1f}" for name, seconds in report["seconds"].items())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"night: {result['verdict']}: {result['reason']}; {time.perf_counter() - started:.0f} s with its imports")
    print(f"  seconds by stage:{stages}\n  peak memory {peak:,.0f} MB; wishes: {report['wishes']}", flush=True)


def measure_all(folder: Path, asks: int) -> None:
    """Print the milliseconds of each kind of shelf and the memory of this process."""
    with Shop(folder) as shop:
        current = shop.generations.current()
        if current is None:
            raise SystemExit(f"{folder}: expected a generation, got none; run `shelfwise night` first")
        until = shop.generations.open(current).card.until
        newest = [event for event in shop.store.events.newest(until, _NEWEST) if event.user]
        numbers = f"{shop.store.items.count():,} items, {shop.store.events.count():,} events"
    before = memory()
    with Shop(folder, clock=lambda: to_datetime(until)) as shop:
        started = time.perf_counter()
        shop.recommend(log=False)
        opened = time.perf_counter() - started
        generation = shop.generation
        print(f"{folder}: {numbers}; ranker: {generation.for_you_ranker.kind}, index: {generation.index_kind}")
        print(f"first answer after {opened:.1f} s; memory {before:.0f} MB before, {memory():.0f} MB after it")
        rng = random.Random(1)
        users = sorted({event.user for event in newest if event.user})
        items = [event.item for event in newest]
        carts = carts_of(newest)
        busiest = [user for user, _ in shop.store.events.busiest_users(20)]
        shelves: dict[str, Callable[[], object]] = {
            "for-you": lambda: shop.recommend(user=rng.choice(users), log=False),
            "for-you, repeats=0": lambda: shop.recommend(user=rng.choice(users), repeats=False, log=False),
            "for-you, explain=1": lambda: shop.recommend(user=rng.choice(users), explain=True, log=False),
            "for-you, the 20 busiest": lambda: shop.recommend(user=rng.choice(busiest), log=False),
            "for-you, a stranger": lambda: shop.recommend(user="a stranger", log=False),
            "again": lambda: shop.recommend(user=rng.choice(users), kind="again", log=False),
            "next": lambda: shop.recommend(user=rng.choice(users), kind="next", log=False),
            "similar": lambda: shop.recommend(item=rng.choice(items), kind="similar", log=False),
            "together": lambda: shop.recommend(item=rng.choice(items), kind="together", log=False),
            "together, a cart of 3": lambda: shop.recommend(item=rng.choice(carts), kind="together", log=False),
            **{name: lambda name=name: shop.recommend(kind=name, log=False) for name in ("trending", "popular", "new")},  # type: ignore[misc]
        }  # fmt: skip
        print(f"{'ms of ' + str(asks) + ' answers':<26}{'p50':>8}{'p99':>8}{'cpu p50':>10}{'cpu p99':>8}")
        for name, recommend in shelves.items():
            taken = measure(recommend, asks)
            print(f"  {name:<24}{'{:8.2f}{:8.2f}{:10.2f}{:8.2f}'.format(*percentiles(taken))}", flush=True)
        print(f"memory after {asks * len(shelves):,} answers: {memory():.0f} MB")


def carts_of(events: Sequence[Event]) -> list[list[str]]:
    """Return up to three items of each shopper."""
    items_of: dict[str | None, dict[str, None]] = {}
    for event in events:
        items_of.setdefault(event.user, {})[event.item] = None
    return [list(items)[:3] for items in items_of.values()]


def measure(call: Callable[[], object], count: int) -> np.ndarray:
    """Return the milliseconds of each answer once it is warm, by the clock and of the processor, (count, 2).

    Beside other work the clock's are what a shopper waits, the processor's what compares with another day.
    """
    taken = []
    for number in range(WARM_UP_CALLS + count):
        started = time.perf_counter(), time.process_time()
        call()
        if number >= WARM_UP_CALLS:
            taken.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    return np.array(taken) * 1000


def percentiles(taken: np.ndarray) -> list[float]:
    """Return p50 and p99 by the clock, then of the processor."""
    return [float(value) for value in np.percentile(taken, (50, 99), axis=0).T.ravel()]


def memory() -> float:
    """Return the resident memory of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
