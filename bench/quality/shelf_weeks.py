"""Recommendations on Online Retail week by week: `replay --task recommend`, a night a week.

With --train the encoder learns every week from the start on, and all that was before in one first night, for a year of
weekly nights that train takes hours. Without it all nights of the year run, and count and rank alone.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from bench.support.example_shop import EXAMPLE
from bench.support.options import new_parser
from shelfwise.timestamps import parse_time
from shelfwise.trainer import increment, replay
from shelfwise.trainer.replay import base


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--start", default="2011-09-01")
    parser.add_argument("--end", default="2011-11-30")
    parser.add_argument("--train", action="store_true", help="train the encoder, too")
    parser.add_argument("--report", type=Path, required=True, help="where report.json and replay.html go")
    options = parser.parse_args()
    start = parse_time(options.start, "--start")
    night = partial(skip_before, start) if options.train else partial(increment, learn_pairs=False)
    with patch.object(base, "increment", night):
        report = replay(
            str(EXAMPLE / "items.csv.gz"), str(EXAMPLE / "events.csv.gz"), task="recommend", event_type="purchase",
            start=options.start, end=options.end, every_days=7, report=options.report, progress=print_weeks,
        )  # fmt: skip
    for name, groups in {"shelfwise": report["overall"], **report["baselines"]}.items():
        cells = (f"{group} {scores['recall']:.3f} / {scores['ndcg']:.3f}" for group, scores in groups.items())
        print(f"{name:<16}", *cells)
    print("weeks in which a baseline is ahead:", report["behind"])


def print_weeks(stage: str, done: int, total: int) -> None:
    """Print how many weeks are replayed."""
    if stage == "replay":
        print(f"{done} of {total} weeks", flush=True)


def skip_before(start: float, path: Path, until: datetime, progress: Any) -> Any:
    """Run the night, but none before `start` (epoch seconds)."""
    if until.timestamp() < start:
        return SimpleNamespace(generation=0, verdict="skipped", reason="before the start")
    night = increment(path, until, progress)
    print(f"{until:%Y-%m-%d}: {night.verdict}: {night.reason}", flush=True)
    return night


if __name__ == "__main__":
    main()
