"""Rolling a shop back and forth while threads and HTTP clients search it: seconds, failed and mixed answers.

Before each move some items get another text, whose vectors only the encoder of then has: after the move they are found
by their words at once, and by meaning when the background has made their vectors anew.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from bench.robustness.kill import Search, Seen, Title, click, prepare, readers, reading
from bench.support.shops import Cases, encoder
from shelfwise import Shop
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.trainer import increment
from shelfwise.types import Row

ASKED = 30  # changed items a move, by their whole titles: few enough that the background is not done yet
LONGEST_WAIT = 60.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=10, help="rollbacks, every second one forth again")
    parser.add_argument("--clicks", type=int, default=300, help="that each night learns")
    parser.add_argument("--changed", type=int, default=200, help="items that get another text before each move")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clients", type=int, default=2, help="over HTTP")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the shop and results are kept")
    given = parser.parse_args()
    folder = given.out / "shops" / "rolled"
    titles = prepare(folder)
    generations = two_generations(folder, titles, given.clicks)
    done = Cases(given.out / "rollback.jsonl")
    moves = [number for number in range(1, given.moves + 1) if f"{number}" not in done.rows]
    asked, changed = titles[given.changed :], titles[: given.changed]
    with served(folder) as port, readers(folder, asked, given.threads) as seen:
        clients = [client(port) for _ in range(given.clients)]
        with reading(clients, asked, seen, "client"), Shop(folder) as shop:
            shop.watch()
            for number in moves:
                time.sleep(1.0)
                row = move(shop, generations, changed, number, seen)
                print(line(number, done.add(f"{number}", row)), flush=True)
    rows = [done.rows[f"{number}"] for number in range(1, given.moves + 1)]
    (given.out / "rollback.json").write_text(json.dumps(rows, indent=1))
    print("\n".join(table(rows)))


def two_generations(folder: Path, titles: Sequence[Title], clicks: int) -> list[int]:
    """The numbers of two generations of different encoders."""
    generations = GenerationRegistry(folder)
    while len(generations.numbers()) < 3:
        click(folder, titles, clicks, datetime.now(UTC))
        night = increment(folder)
        print(f"{night.verdict}: {night.reason}", flush=True)
        if night.verdict != "published":
            raise SystemExit("a night was not published, so there is no other encoder to roll back to")
    return generations.numbers()[-2:]


def move(shop: Shop, generations: Sequence[int], changed: Sequence[Title], number: int, seen: Seen) -> Row:
    """Change the items, point to the other generation, and watch until all follow and no vector is missing."""
    texts = {id: f"{title} kv{number}x{place}" for place, (id, title) in enumerate(changed)}
    shop.upsert({"id": id, "title": text} for id, text in texts.items())
    time.sleep(1.0)
    answers, wrong = sum(seen.answers.values()), len(seen.wrong)
    pointer, before = GenerationRegistry(shop.path), encoder(shop.path)
    target = next(other for other in generations if other != pointer.current())
    started = time.perf_counter()
    pointer.rollback(target)
    moved = time.perf_counter() - started
    with Shop(shop.path) as fresh:  # a process that opens the shop now
        pending = fresh.status()["pending_vectors"]
        ranks = [rank_of(fresh, id, text) for id, text in list(texts.items())[:ASKED]]
        caught_up = wait(lambda: fresh.status()["pending_vectors"] == 0, started)
        afterwards = [rank_of(fresh, id, text) for id, text in list(texts.items())[:ASKED]]
    followed = wait(lambda: all(newest == target for newest, _ in seen.newest.values()), started)
    return {
        "to": target,
        "other_encoder": encoder(shop.path) != before,
        "rollback_seconds": round(moved, 4),
        "followed_seconds": followed and round(max(since for _, since in seen.newest.values()) - started, 2),
        "asked": len(ranks),
        "found_at_once": sum(rank is not None for rank in ranks),
        "top_10_at_once": sum(rank is not None and rank <= 10 for rank in ranks),
        "pending": pending,
        "caught_up_seconds": caught_up and round(caught_up, 2),
        "top_10_then": sum(rank is not None and rank <= 10 for rank in afterwards),
        "answers": sum(seen.answers.values()) - answers,
        "wrong": seen.wrong[wrong:],
    }


def rank_of(shop: Shop, id: str, text: str) -> int | None:
    found = [hit.id for hit in shop.search(text, limit=100, log=False).hits]
    return found.index(id) + 1 if id in found else None


def wait(is_so: Callable[[], bool], started: float) -> float | None:
    """Seconds from `started` until it is so; None when it takes too long."""
    while not is_so():
        if time.perf_counter() - started > LONGEST_WAIT:
            return None
        time.sleep(0.02)
    return time.perf_counter() - started


# ---- the door -------------------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """`shelfwise serve` with two workers on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "shelfwise"), "--data", str(folder), "serve", "--port", str(port)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        if wait(lambda: _answers(port), time.perf_counter()) is None:
            raise SystemExit("the server did not start")
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def client(port: int) -> Search:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def search(q: str) -> Row:
        connection.request("GET", f"/search?limit=5&q={quote(q)}")
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status} {body[:200]!r}")
        answer: Row = json.loads(body)
        return answer

    return search


def _answers(port: int) -> bool:
    try:
        client(port)("first")
    except OSError:
        return False
    return True


# ---- results --------------------------------------------------------------------------------------------------


def line(number: int, row: Row) -> str:
    return (
        f"move {number:>2} to {row['to']}: {row['rollback_seconds']:.3f} s, all readers there after"
        f" {row['followed_seconds']} s; of {row['asked']} changed items {row['found_at_once']} found at once"
        f" ({row['top_10_at_once']} in the top 10, then {row['top_10_then']}); {row['pending']} vectors missing,"
        f" none after {row['caught_up_seconds']} s; {row['answers']:,} answers, {len(row['wrong'])} failed or mixed"
    )


def table(rows: Sequence[Row]) -> list[str]:
    wrong = [problem for row in rows for problem in row["wrong"]]
    longest = {
        name: max(row[name] if row[name] is not None else LONGEST_WAIT for row in rows)
        for name in ("rollback_seconds", "followed_seconds", "caught_up_seconds")
    }
    return [
        *(line(number, row) for number, row in enumerate(rows, start=1)),
        f"longest: {longest}; another encoder in {sum(row['other_encoder'] for row in rows)} of {len(rows)} moves",
        f"{sum(row['answers'] for row in rows):,} answers, failed or mixed: {len(wrong)} {wrong[:3]}",
    ]


if __name__ == "__main__":
    main()
