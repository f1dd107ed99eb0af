"""Recommendations on Online Retail week by week: `replay --task recommend` with nights that count and rank.

They keep the base encoder, for a year of weekly nights that train it takes hours.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from online_retail import EXAMPLE

from shelfwise.trainer import increment, replay, replay_log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", default="2011-09-01")
    parser.add_argument("--end", default="2011-11-30")
    parser.add_argument("--report", type=Path, required=True, help="where report.json and replay.html go")
    given = parser.parse_args()
    replay_log.increment = partial(increment, learn_pairs=False)
    found = replay(
        str(EXAMPLE / "items.csv.gz"), str(EXAMPLE / "events.csv.gz"), task="recommend", event_type="purchase",
        start=given.start, end=given.end, every_days=7, report=given.report,
        progress=lambda stage, done, total: print(f"{done} of {total} weeks") if stage == "replay" else None,
    )  # fmt: skip
    for name, groups in {"shelfwise": found["overall"], **found["baselines"]}.items():
        print(f"{name:<16}", *(f"{group} {one['recall']:.3f} / {one['ndcg']:.3f}" for group, one in groups.items()))
    print("weeks in which a baseline is ahead:", found["behind"])


if __name__ == "__main__":
    main()
