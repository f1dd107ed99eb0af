"""kill -9 of the night at random moments while a reader loops over search: no failed or mixed answer, no litter.

On the real encoder and the example shop's items. A mixed answer would be one whose vectors come from another encoder
than its index: the best hit for an item's own title would no longer be that item.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shelfwise import Shop
from shelfwise.importing import import_items
from shelfwise.records import ITEM_FIELDS
from shelfwise.rows import Reading
from shelfwise.trainer import increment, init

EXAMPLE = Path(__file__).parent.parent / "examples" / "online-retail"
NIGHT = "import sys; from shelfwise.trainer import increment; print('go', flush=True); increment(sys.argv[1])"
ITEMS = 600


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--kills", type=int, default=20)
    kills = options.parse_args().kills
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shop"
        titles = prepare(folder)
        run(folder, titles, kills)


def prepare(folder: Path) -> list[tuple[str, str]]:
    with Shop(folder) as shop:
        import_items(shop, [str(EXAMPLE / "items.csv.gz")], Reading.of(ITEM_FIELDS), print, lambda n: None)
        titles = shop.store.items.titles()
        shop.delete([id for id, _ in titles[ITEMS:]])
    init(folder)
    counts = Counter(title.lower() for _, title in titles[:ITEMS])
    return [(id, title) for id, title in titles[:ITEMS] if counts[title.lower()] == 1]


def click(folder: Path, titles: list[tuple[str, str]], count: int = 150) -> None:
    """Clicks that teach what is true anyway, so that an undisturbed night is published."""
    now = datetime.now(UTC)
    with Shop(folder) as shop:
        chosen = random.choices(titles, k=count)
        shop.record(
            {"type": "click", "item": id, "query": title.lower(), "ts": now - timedelta(minutes=number)}
            for number, (id, title) in enumerate(chosen, start=1)
        )


def one_night(folder: Path, titles: list[tuple[str, str]]) -> float:
    click(folder, titles)
    started = time.perf_counter()
    night = increment(folder)
    print(f"{night.verdict}: {night.reason}")
    return time.perf_counter() - started


def run(folder: Path, titles: list[tuple[str, str]], kills: int) -> None:
    random.seed(7)
    answers: Counter[int | None] = Counter()
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        with Shop(folder) as shop:
            while not stop.is_set():
                id, title = random.choice(titles)
                try:
                    answer = shop.search(title, limit=5, log=False)
                except Exception as problem:  # counted and shown: any failure is a finding
                    wrong.append(repr(problem))
                    continue
                answers[answer.generation] += 1
                time.sleep(0.005)  # a busy shop, not a benchmark of it
                if id not in [hit.id for hit in answer.hits] or answer.degraded:
                    wrong.append(f"{title}: {[hit.id for hit in answer.hits]} {answer.degraded}")

    reader = threading.Thread(target=read)
    reader.start()
    seconds = one_night(folder, titles)
    print(f"a night that nobody kills takes {seconds:.1f} s beside the reader, after its imports")
    click(folder, titles)  # new until a night gets through
    for number in range(kills):
        night = subprocess.Popen([sys.executable, "-P", "-c", NIGHT, str(folder)], stdout=subprocess.PIPE)
        assert night.stdout is not None
        night.stdout.readline()
        moment = random.uniform(0, seconds * 1.1)  # some come too late, and the night has been published
        time.sleep(moment)
        ended = night.poll() is not None
        night.send_signal(signal.SIGKILL)
        night.wait()
        litter = [path.name for path in (folder / "generations").glob(".tmp-*")]
        if ended:
            click(folder, titles)
        print(f"kill {number + 1:>2} after {moment:5.1f} s: {'had ended' if ended else 'killed'}, left {litter}")
    last = one_night(folder, titles)
    stop.set()
    reader.join()
    litter = [path.name for path in [*(folder / "generations").glob(".*"), *folder.glob("work")]]
    with Shop(folder) as shop:
        ledger = Counter(row["verdict"] for row in shop.store.nights.latest(1000))
    print(
        f"{sum(answers.values()):,} answers by generations {dict(answers)}; failed or mixed: {len(wrong)} {wrong[:3]}"
    )
    print(f"the night after: {last:.1f} s; ledger {dict(ledger)}; litter after it: {litter}")
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if wrong or litter else 0)


if __name__ == "__main__":
    main()
