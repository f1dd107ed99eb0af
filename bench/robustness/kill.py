"""kill -9 of the night at random moments while readers search: each resumes, and ends as an undisturbed twin.

On the real encoder and the example shop's items.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.support.example_shop import Title, parse_small_shop, record_title_clicks
from bench.support.options import new_parser
from bench.support.readers import shop_readers
from bench.support.shops import Cases, copy_shop, encoder_id
from shelfwise import Shop
from shelfwise.types import Row

NIGHT = """import json, sys
from shelfwise.trainer import increment
print("go", flush=True)
night = increment(*sys.argv[1:])
print(json.dumps(night.to_dict()))"""


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clicks", type=int, default=5_000, help="that the night learns")
    options, shop, titles = parse_small_shop(parser, "start")
    done = Cases(options.out / "kill.jsonl")
    if "twin" not in done.rows:
        until = datetime.now(UTC)
        record_title_clicks(shop, titles, options.clicks, until)
        twin = copy_shop(shop, options.out / "shops" / "twin")
        row = finish(start(twin, until.isoformat())) | {"until": until.isoformat(), "encoder": encoder_id(twin)}
        done.add("twin", row)
    twin_row = done.rows["twin"]
    print(
        f"the twin is not killed: {twin_row['verdict']} in {twin_row['wall']:.1f} s: {twin_row['reason']}", flush=True
    )
    for number in range(1, options.kills + 1):
        if f"{number}" not in done.rows:
            row = kill(shop, options.out / "shops" / "killed", titles, twin_row)
            print(line(number, done.add(f"{number}", row)), flush=True)
    rows = [done.rows[f"{number}"] for number in range(1, options.kills + 1)]
    (options.out / "kill.json").write_text(json.dumps({"twin": twin_row, "kills": rows}, indent=1))
    print("\n".join(table(rows, twin_row)))


def start(folder: Path, *until: str) -> subprocess.Popen[str]:
    """Start a night in a process of its own, and return when its imports are done."""
    night = subprocess.Popen(
        [sys.executable, "-P", "-c", NIGHT, str(folder), *until], stdout=subprocess.PIPE, text=True
    )
    assert night.stdout is not None
    night.stdout.readline()
    return night


def finish(night: subprocess.Popen[str]) -> Row:
    """Wait for the night, and return how it ended and the seconds it took."""
    started = time.perf_counter()
    output, _ = night.communicate()
    if night.returncode:
        raise SystemExit(f"the night: expected exit status 0, got {night.returncode}: {output}")
    result = json.loads(output.splitlines()[-1])
    report = result["report"]
    training = report.get("training", {})
    return {name: result[name] for name in ("verdict", "reason", "generation")} | {
        "resumed": report.get("resumed"),
        "resumed_at_step": training.get("resumed_at_step"),
        "steps": training.get("steps"),
        "seconds": report["seconds"],
        "wall": round(time.perf_counter() - started, 1),
    }


def kill(shop: Path, folder: Path, titles: Sequence[Title], twin: Row) -> Row:
    """Kill a night on a copy of the shop somewhere before its end, and run the next one without an `until`."""
    while True:
        copy_shop(shop, folder)
        with shop_readers(folder, titles) as log:
            night = start(folder, twin["until"])
            moment = random.uniform(0, twin["wall"])
            time.sleep(moment)
            is_killed = night.poll() is None
            night.kill()
            night.communicate()
            if not is_killed:
                continue
            stages = finished_stages(folder)
            row = finish(start(folder))
        left = [path.name for path in [*(folder / "generations").glob(".*"), *folder.glob("work")]]
        row |= {"after": round(moment, 1), "stages_done": stages, "encoder": encoder_id(folder), "litter": left}
        shutil.rmtree(folder)
        return row | {"answers": sum(log.answers.values()), "wrong": log.wrong}


def finished_stages(folder: Path) -> list[str]:
    """Return the stages that the newest night in the ledger has done."""
    with Shop(folder) as shop:
        nights = shop.store.ledger.latest(1)
        return list(shop.store.ledger.get(nights[0]["night"])["report"].get("seconds", {})) if nights else []


# ---- results --------------------------------------------------------------------------------------------------


def line(number: int, row: Row) -> str:
    """Return the line of one kill."""
    step = f", training from step {row['resumed_at_step']} of {row['steps']}" if row["resumed_at_step"] else ""
    return (
        f"kill {number:>2} after {row['after']:5.1f} s with {', '.join(row['stages_done']) or 'nothing'} done:"
        f" {'resumed' if row['resumed'] else 'begun anew'}{step}, {row['verdict']} in {row['wall']:.1f} s"
    )


def table(rows: Sequence[Row], twin: Row) -> list[str]:
    """Return the lines of all kills, and how many ended as the twin."""
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
