"""Recommendations on Online Retail week by week: `replay --task recommend`, a night a week.

With --train the encoder learns every week from the start on, and all that was before in one first night, for a year of
weekly nights that train takes hours. Without it all nights of the year run, and count and rank alone.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.quality.online_retail import EXAMPLE
from shelfwise.timestamps import parse_time
from shelfwise.trainer import increment, replay
from shelfwise.trainer.replay import base as replay_log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", default="2011-09-01")
    parser.add_argument("--end", default="2011-11-30")
    parser.add_argument("--train", action="store_true", help="train the encoder, too")
    parser.add_argument("--report", type=Path, required=True, help="where report.json and replay.html go")
    given = parser.parse_args()
    start = parse_time(given.start, "--start")
    replay_log.increment = partial(_from, start) if given.train else partial(increment, learn_pairs=False)
    found = replay(
        str(EXAMPLE / "items.csv.gz"), str(EXAMPLE / "events.csv.gz"), task="recommend", event_type="purchase",
        start=given.start, end=given.end, every_days=7, report=given.report,
        progress=_tell,
    )  # fmt: skip
    for name, groups in {"shelfwise": found["overall"], **found["baselines"]}.items():
        print(f"{name:<16}", *(f"{group} {one['recall']:.3f} / {one['ndcg']:.3f}" for group, one in groups.items()))
    print("weeks in which a baseline is ahead:", found["behind"])


def _tell(stage: str, done: int, total: int) -> None:
    if stage == "replay":
        print(f"{done} of {total} weeks", flush=True)


def _from(start: float, path: Path, until: datetime, progress: Any) -> Any:
    """No night before the start."""
    if until.timestamp() < start:
        return SimpleNamespace(generation=0, verdict="skipped", reason="before the start")
    night = increment(path, until, progress)
    print(f"{until:%Y-%m-%d}: {night.verdict}: {night.reason}", flush=True)
    return night


if __name__ == "__main__":
    main()
