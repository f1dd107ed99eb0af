"""kill -9 of the night at random moments while readers search: each resumes, and ends as a twin that nobody killed.

On the real encoder and the example shop's items. A mixed answer would be one whose vectors come from another encoder
than its index: an item's own title would no longer find that item.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.support.shops import Cases, copy_shop, encoder
from shelfwise import Shop
from shelfwise.ingest.importer import ImportFiles, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.trainer import init
from shelfwise.types import ITEM_FIELDS, Row

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail"
NIGHT = """import json, sys
from shelfwise.trainer import increment
print("go", flush=True)
night = increment(*sys.argv[1:])
print(json.dumps(night.to_dict()))"""
ITEMS = 600
Title = tuple[str, str]  # an item's id and title
Search = Callable[[str], Row]  # an answer as `GET /search` gives it


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clicks", type=int, default=5_000, help="that the night learns")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where shops and results are kept")
    given = parser.parse_args()
    shop = given.out / "shops" / "start"
    titles = prepare(shop)
    done = Cases(given.out / "kill.jsonl")
    if "twin" not in done.rows:
        until = datetime.now(UTC)
        click(shop, titles, given.clicks, until)
        twin = copy_shop(shop, given.out / "shops" / "twin")
        row = finish(start(twin, until.isoformat())) | {"until": until.isoformat(), "encoder": encoder(twin)}
        done.add("twin", row)
    twin_row = done.rows["twin"]
    print(f"nobody kills the twin: {twin_row['verdict']} in {twin_row['wall']:.1f} s: {twin_row['reason']}", flush=True)
    for number in range(1, given.kills + 1):
        if f"{number}" not in done.rows:
            row = kill(shop, given.out / "shops" / "killed", titles, twin_row)
            print(line(number, done.add(f"{number}", row)), flush=True)
    rows = [done.rows[f"{number}"] for number in range(1, given.kills + 1)]
    (given.out / "kill.json").write_text(json.dumps({"twin": twin_row, "kills": rows}, indent=1))
    print("\n".join(table(rows, twin_row)))


# ---- the shop -------------------------------------------------------------------------------------------------


def prepare(folder: Path) -> list[Title]:
    """A shop of some items with generation 0; returns those whose title is theirs alone."""
    with Shop(folder) as shop:
        if shop.generations.current() is None:
            import_items(shop, ImportFiles([str(EXAMPLE / "items.csv.gz")], ColumnMapping.of(ITEM_FIELDS), print))
            shop.delete([id for id, _ in shop.store.items.titles()[ITEMS:]])
        titles = shop.store.items.titles()
    init(folder)
    counts = Counter(title.lower() for _, title in titles)
    return [(id, title) for id, title in titles if counts[title.lower()] == 1]


def click(folder: Path, titles: Sequence[Title], count: int, until: datetime) -> None:
    """Clicks that teach what is true anyway, so that an undisturbed night is published."""
    chosen = random.Random(7).choices(titles, k=count)
    with Shop(folder) as shop:
        shop.record(
            {
                "type": "click",
                "item": id,
                "query": title.lower(),
                "user": f"shopper {number}",
                "ts": until - timedelta(seconds=20 * number),
            }
            for number, (id, title) in enumerate(chosen, start=1)
        )


# ---- the night ------------------------------------------------------------------------------------------------


def start(folder: Path, *until: str) -> subprocess.Popen[str]:
    """A night in a process of its own, once its imports are done."""
    night = subprocess.Popen(
        [sys.executable, "-P", "-c", NIGHT, str(folder), *until], stdout=subprocess.PIPE, text=True
    )
    assert night.stdout is not None
    night.stdout.readline()
    return night


def finish(night: subprocess.Popen[str]) -> Row:
    """How it ended, and the seconds it took."""
    started = time.perf_counter()
    said, _ = night.communicate()
    if night.returncode:
        raise SystemExit(f"a night failed: {said}")
    ended = json.loads(said.splitlines()[-1])
    kept = {name: ended[name] for name in ("verdict", "reason", "generation")}
    training = ended["report"].get("training", {})
    return kept | {
        "resumed": ended["report"].get("resumed"),
        "resumed_at_step": training.get("resumed_at_step"),
        "steps": training.get("steps"),
        "seconds": ended["report"]["seconds"],
        "wall": round(time.perf_counter() - started, 1),
    }


def kill(shop: Path, folder: Path, titles: Sequence[Title], twin: Row) -> Row:
    """Kill a night on a copy of the shop somewhere before its end, and run the next one, which is told nothing."""
    while True:
        copy_shop(shop, folder)
        with readers(folder, titles) as seen:
            night = start(folder, twin["until"])
            moment = random.uniform(0, twin["wall"])
            time.sleep(moment)
            killed = night.poll() is None
            night.kill()
            night.communicate()
            if not killed:
                continue
            with Shop(folder) as opened:
                ledger = opened.store.ledger.latest(1)
                done = opened.store.ledger.get(ledger[0]["night"])["report"].get("seconds", {}) if ledger else {}
            row = finish(start(folder))
        left = [path.name for path in [*(folder / "generations").glob(".*"), *folder.glob("work")]]
        row |= {"after": round(moment, 1), "stages_done": list(done), "encoder": encoder(folder), "litter": left}
        shutil.rmtree(folder)
        return row | {"answers": sum(seen.answers.values()), "wrong": seen.wrong}


# ---- readers --------------------------------------------------------------------------------------------------


class Seen:
    """What readers saw: answers by generation, when each reader last met another one, and what was wrong."""

    def __init__(self) -> None:
        self.answers: Counter[int | None] = Counter()
        self.wrong: list[str] = []
        self.newest: dict[str, tuple[int | None, float]] = {}  # reader → its generation, and since when

    def look(self, reader: str, title: Title, search: Search) -> None:
        try:
            answer = search(title[1])
        except Exception as problem:  # counted and shown: any failure is a finding
            self.wrong.append(repr(problem))
            return
        number = answer["generation"]
        self.answers[number] += 1
        if self.newest.get(reader, (None, 0.0))[0] != number:
            self.newest[reader] = number, time.perf_counter()
        if title[0] not in [hit["id"] for hit in answer["hits"]] or answer.get("degraded"):
            self.wrong.append(f"{title}: {[hit['id'] for hit in answer['hits']]} {answer.get('degraded')}")


@contextmanager
def readers(folder: Path, titles: Sequence[Title], count: int = 1, seen: Seen | None = None) -> Iterator[Seen]:
    """Threads that share one Shop and ask for titles until the block ends."""
    with Shop(folder) as shop:
        shop.watch()
        search: Search = lambda q: shop.search(q, limit=5, log=False).to_dict()  # noqa: E731
        with reading([search] * count, titles, seen or Seen(), "thread") as found:
            yield found


@contextmanager
def reading(searches: Sequence[Search], titles: Sequence[Title], seen: Seen, kind: str) -> Iterator[Seen]:
    """One thread for each way to search."""
    stop = threading.Event()

    def read(name: str, search: Search) -> None:
        while not stop.wait(0.005):  # a busy shop, not a benchmark of it
            seen.look(name, random.choice(titles), search)

    threads = [
        threading.Thread(target=read, args=(f"{kind} {number}", search)) for number, search in enumerate(searches)
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# ---- results --------------------------------------------------------------------------------------------------


def line(number: int, row: Row) -> str:
    step = f", training from step {row['resumed_at_step']} of {row['steps']}" if row["resumed_at_step"] else ""
    return (
        f"kill {number:>2} after {row['after']:5.1f} s with {', '.join(row['stages_done']) or 'nothing'} done:"
        f" {'resumed' if row['resumed'] else 'begun anew'}{step}, {row['verdict']} in {row['wall']:.1f} s"
    )


def table(rows: Sequence[Row], twin: Row) -> list[str]:
    same = {name: sum(row[name] == twin[name] for row in rows) for name in ("verdict", "generation", "encoder")}
    wrong = [problem for row in rows for problem in row["wrong"]]
    return [
        *(line(number, row) for number, row in enumerate(rows, start=1)),
        f"of {len(rows)} killed nights {sum(bool(row['resumed']) for row in rows)} resumed; as the twin: {same}",
        f"{sum(row['answers'] for row in rows):,} answers meanwhile, failed or mixed: {len(wrong)} {wrong[:3]}",
        f"left behind after the next night: {sorted({name for row in rows for name in row['litter']})}",
    ]


if __name__ == "__main__":
    main()
