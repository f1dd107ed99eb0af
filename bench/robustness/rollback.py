"""Rolling a shop back and forth while threads and HTTP clients search it: seconds, failed and mixed answers.

Before each move some items get another text, with vectors of the encoder of then only: after the move they are found by
their words at once, and by their embeddings when the background has made their vectors anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from bench.support.example_shop import Title, parse_small_shop, record_title_clicks
from bench.support.http_server import HttpClient, serve, wait_until
from bench.support.options import new_parser
from bench.support.readers import ReaderLog, Search, reader_threads, shop_readers
from bench.support.shops import Cases, encoder_id
from shelfwise import Shop
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.trainer import increment
from shelfwise.types import Row

SEARCHED = 30  # changed items a move, by their whole titles: few enough that the background is not done yet
MAX_SECONDS = 60.0


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--moves", type=int, default=10, help="rollbacks, every second one forth again")
    parser.add_argument("--clicks", type=int, default=300, help="that each night learns")
    parser.add_argument("--changed", type=int, default=200, help="items that get another text before each move")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clients", type=int, default=2, help="over HTTP")
    options, folder, titles = parse_small_shop(parser, "rolled")
    generations = make_two_generations(folder, titles, options.clicks)
    done = Cases(options.out / "rollback.jsonl")
    moves = [number for number in range(1, options.moves + 1) if f"{number}" not in done.rows]
    searched, changed = titles[options.changed :], titles[: options.changed]
    with serve(folder) as server, shop_readers(folder, searched, options.threads) as log:
        clients = [http_search(server.port) for _ in range(options.clients)]
        with reader_threads(clients, searched, log, "client"), Shop(folder) as shop:
            shop.watch()
            for number in moves:
                time.sleep(1.0)
                print(line(number, done.add(f"{number}", move(shop, generations, changed, number, log))), flush=True)
    rows = [done.rows[f"{number}"] for number in range(1, options.moves + 1)]
    (options.out / "rollback.json").write_text(json.dumps(rows, indent=1))
    print("\n".join(table(rows)))


def make_two_generations(folder: Path, titles: Sequence[Title], clicks: int) -> list[int]:
    """Return the numbers of two generations of different encoders."""
    generations = GenerationRegistry(folder)
    while len(generations.numbers()) < 3:
        record_title_clicks(folder, titles, clicks, datetime.now(UTC))
        night = increment(folder)
        print(f"{night.verdict}: {night.reason}", flush=True)
        if night.verdict != "published":
            raise SystemExit(f"the night: expected verdict published, got {night.verdict}: no encoder to roll back to")
    return generations.numbers()[-2:]


def move(shop: Shop, generations: Sequence[int], changed: Sequence[Title], number: int, log: ReaderLog) -> Row:
    """Change the items, point to the other generation, and wait until all readers follow and no vector is missing.

    Args:
        shop: Where the items are changed.
        generations: The two numbers to move between.
        changed: The items that get another text.
        number: The number of the move, which is in the new texts.
        log: What the readers meet.
    """
    texts = {id: f"{title} kv{number}x{position}" for position, (id, title) in enumerate(changed)}
    shop.upsert({"id": id, "title": text} for id, text in texts.items())
    time.sleep(1.0)
    answers, wrong = sum(log.answers.values()), len(log.wrong)
    registry, before = GenerationRegistry(shop.path), encoder_id(shop.path)
    target = next(generation for generation in generations if generation != registry.current())
    started = time.perf_counter()
    registry.rollback(target)
    moved = time.perf_counter() - started
    searched = list(texts.items())[:SEARCHED]
    with Shop(shop.path) as fresh:  # a process that opens the shop now
        pending = fresh.status()["pending_vectors"]
        ranks = [rank_of(fresh, id, text) for id, text in searched]
        caught_up = wait_until(lambda: fresh.status()["pending_vectors"] == 0, started, MAX_SECONDS)
        afterwards = [rank_of(fresh, id, text) for id, text in searched]
    followed = wait_until(lambda: all(newest == target for newest, _ in log.newest.values()), started, MAX_SECONDS)
    return {
        "to": target,
        "other_encoder": encoder_id(shop.path) != before,
        "rollback_seconds": round(moved, 4),
        "followed_seconds": followed and round(max(since for _, since in log.newest.values()) - started, 2),
        "asked": len(ranks),
        "found_at_once": sum(rank is not None for rank in ranks),
        "top_10_at_once": sum(rank is not None and rank <= 10 for rank in ranks),
        "pending": pending,
        "caught_up_seconds": caught_up and round(caught_up, 2),
        "top_10_then": sum(rank is not None and rank <= 10 for rank in afterwards),
        "answers": sum(log.answers.values()) - answers,
        "wrong": log.wrong[wrong:],
    }


def rank_of(shop: Shop, id: str, text: str) -> int | None:
    """Return the rank of the item among the first hundred hits of the text."""
    ids = [hit.id for hit in shop.search(text, limit=100, log=False).hits]
    return ids.index(id) + 1 if id in ids else None


def http_search(port: int) -> Search:
    """Return a search over a connection of its own."""
    client = HttpClient(port)
    return lambda query: client.get(f"/search?limit=5&q={quote(query)}")


# ---- results --------------------------------------------------------------------------------------------------


def line(number: int, row: Row) -> str:
    """Return the line of one move."""
    return (
        f"move {number:>2} to {row['to']}: {row['rollback_seconds']:.3f} s, all readers there after"
        f" {row['followed_seconds']} s; of {row['asked']} changed items {row['found_at_once']} found at once"
        f" ({row['top_10_at_once']} in the top 10, then {row['top_10_then']}); {row['pending']} vectors missing,"
        f" none after {row['caught_up_seconds']} s; {row['answers']:,} answers, {len(row['wrong'])} failed or mixed"
    )


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of all moves, and the longest waits."""
    wrong = [problem for row in rows for problem in row["wrong"]]
    longest = {
        name: max(row[name] if row[name] is not None else MAX_SECONDS for row in rows)
        for name in ("rollback_seconds", "followed_seconds", "caught_up_seconds")
    }
    return [
        *(line(number, row) for number, row in enumerate(rows, start=1)),
        f"longest: {longest}; another encoder in {sum(row['other_encoder'] for row in rows)} of {len(rows)} moves",
        f"{sum(row['answers'] for row in rows):,} answers, failed or mixed: {len(wrong)} {wrong[:3]}",
    ]


if __name__ == "__main__":
    main()
