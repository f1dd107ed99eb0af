"""Seconds by stage and peak memory of nights with 5,000 new clicks on a large catalogue, each in a process of its own.

Any catalogue will do. The clicks are made up: two words of the title of an item drawn by a skewed popularity, by
shoppers who click twice on average. The first night has nothing to replay; the second is what every night is like.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.support.options import add_catalogue, add_out, new_parser
from bench.support.shops import Cases, click_row, make_shop
from shelfwise import Shop
from shelfwise.text.normalize import words
from shelfwise.timestamps import DAY, to_datetime
from shelfwise.types import Row

FIRST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
NIGHT = """import json, sys
from shelfwise.trainer import increment
print(json.dumps(increment(*sys.argv[1:]).to_dict()))"""
SKEW = 0.8  # an item's popularity falls with its rank to this power, as Zipf's law has it with 1


def main() -> None:
    parser = new_parser(__doc__)
    add_catalogue(parser)
    add_out(parser)
    parser.add_argument("--clicks", type=int, default=5_000)
    parser.add_argument("--nights", type=int, default=2)
    parser.add_argument("--max-items", type=int, default=20_000)
    options = parser.parse_args()
    folder = options.out / "shops" / "large"
    started = time.perf_counter()
    make_shop(folder, options)
    with Shop(folder) as shop:
        titles = [(id, words(title)) for id, title in shop.store.items.titles()]
        shop.delete([id for id, _ in titles[options.max_items :]])
    titles = [(id, title) for id, title in titles[: options.max_items] if len(title) > 1]
    print(f"{len(titles):,} items; imported and encoded in {time.perf_counter() - started:.0f} s", flush=True)
    done = Cases(options.out / "electronics_night.jsonl")
    for number in range(options.nights):
        row = done.rows.get(f"{number}") or done.add(f"{number}", run_night(folder, titles, number, options.clicks))
        print("\n".join(lines(number + 1, row)), flush=True)
    (options.out / "electronics_night.json").write_text(json.dumps(list(done.rows.values()), indent=1))


def run_night(folder: Path, titles: list[tuple[str, list[str]]], number: int, count: int) -> Row:
    """Record a day's clicks, and run the night in a process of its own."""
    with Shop(folder) as shop:
        shop.store.events.add(clicks(titles, number, count))
    started = time.perf_counter()
    until = to_datetime(FIRST + (number + 1) * DAY).isoformat()
    process = subprocess.run(
        [sys.executable, "-P", "-c", NIGHT, str(folder), until], stdout=subprocess.PIPE, text=True, check=True
    )
    wall = time.perf_counter() - started
    result = json.loads(process.stdout.splitlines()[-1])
    report = result["report"]
    return {
        "items": len(titles),
        "clicks": count,
        "verdict": result["verdict"],
        "reason": result["reason"],
        "seconds": report["seconds"],
        "wall": round(wall, 1),
        "peak_memory_mb": report["peak_memory_mb"],
        "counts": report["counts"],
        "removed": report["removed"],
    }


def clicks(titles: list[tuple[str, list[str]]], number: int, count: int) -> list[Row]:
    """Return a day's clicks, evenly over the day."""
    rng = random.Random(number)
    order = random.Random(0).sample(titles, len(titles))  # the same items are popular on every day
    weights = [1 / rank**SKEW for rank in range(1, len(order) + 1)]
    return [
        click_row(
            f"made-up-{number}-{position}",
            FIRST + (number + position / count) * DAY,
            f"shopper {number} {rng.randrange(count // 2 + 1)}",
            " ".join(rng.sample(title, 2)),
            id,
        )
        for position, (id, title) in enumerate(rng.choices(order, weights, k=count))
    ]


def lines(number: int, row: Row) -> list[str]:
    """Return the lines of one night."""
    stages = "".join(f"  {name} {seconds:.1f}" for name, seconds in row["seconds"].items())
    counts = {name: row["counts"].get(name) for name in ("new_pairs", "replayed_pairs", "held_searches")}
    return [
        f"night {number}: {row['clicks']:,} new clicks, {row['items']:,} items; {row['verdict']}: {row['reason']}",
        f"  seconds by stage:{stages}; {sum(row['seconds'].values()):.1f} together, {row['wall']:.1f} with its imports",
        f"  peak memory {row['peak_memory_mb']:,} MB; {counts}; removed {row['removed']}",
    ]


if __name__ == "__main__":
    main()
