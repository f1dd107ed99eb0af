"""Sabotaged, A/A and clean nights: how many the judge and the spam limits stop, and how many they stop wrongly.

A shop lives through the log undisturbed. Then, on copies of it as of some evenings, the next day's data or the training
is sabotaged and the night is run; what it published is scored on the next three days' searches, beside the parent.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.support import shops
from bench.support.ablations import ENCODER
from bench.support.shops import Cases, Log, Rank
from shelfwise import Shop
from shelfwise.timestamps import DAY
from shelfwise.trainer.encoder import training
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.evaluation.judge import TOLERANCE
from shelfwise.types import Row

KINDS = ("labels", "bot", "texts", "rate", "nan")
LOOK_AHEAD = 3  # days
STOPPED = ("refused", "defused", "not worse")


def main() -> None:
    parser = shops.log_parser(__doc__)
    parser.add_argument("--first", type=int, default=15, help="the first day, from 0, that is sabotaged")
    parser.add_argument("--evenings", type=int, default=8)
    parser.add_argument("--aa", type=int, default=40, help="A/A nights")
    options = parser.parse_args()
    log = shops.load_log(options)
    bench = SabotageBench(log, evenings(options, len(log.days)))
    clean = bench.live_undisturbed()
    for evening in bench.evenings:
        for kind in KINDS:
            bench.run(f"{kind} {evening}", evening, kind)
    for number in range(options.aa):
        evening = bench.evenings[number % len(bench.evenings)]
        bench.run(f"a/a {evening} {number}", evening, "a/a")
    result = summary(bench.done.rows.values(), clean)
    (options.out / "sabotage.json").write_text(json.dumps(result, indent=1))
    print("\n".join(table(result)))


def evenings(options: argparse.Namespace, days: int) -> list[int]:
    """Return days spread evenly from the first on, each with enough days after it to look at."""
    last = days - 1 - LOOK_AHEAD
    first = min(options.first, last)
    if first < 1:
        raise SystemExit(
            f"the log: expected {LOOK_AHEAD + 2} days, {LOOK_AHEAD} of them after a sabotaged one, got {days}"
        )
    count = min(options.evenings, last - first + 1)
    return sorted({first + round(number * (last - first) / max(1, count - 1)) for number in range(count)})


@dataclass
class SabotageBench:
    """The clean shop, its copies before some days, and the cases done on copies of those."""

    log: Log
    evenings: list[int]
    _parents: dict[int, list[Rank]] = field(default_factory=dict)

    @cached_property
    def done(self) -> Cases:
        """Return the finished cases."""
        return Cases(self.log.out / "sabotage.jsonl")

    def before(self, evening: int) -> Path:
        """Return the folder of the copy of the shop before a day."""
        return self.log.out / "shops" / f"before-{evening:03}"

    def live_undisturbed(self) -> list[Row]:
        """Live through the log, keep the copies, and return a row a night."""
        keep = {evening: self.before(evening) for evening in self.evenings}
        done = Cases(self.log.out / "clean.jsonl")
        return shops.live_through(self.log, self.log.out / "shops" / "clean", len(self.log.days), done, keep=keep)

    def run(self, case: str, evening: int, kind: str) -> None:
        """Run one night on a copy of the shop, unless it was done before."""
        if case in self.done.rows:
            return
        rng = random.Random(case)
        folder = shops.copy_shop(self.before(evening), self.log.out / "shops" / "case")
        events = sabotaged(self.log, evening, kind, rng)
        settings: dict[str, Any] = {}
        if kind == "rate":
            settings["config"] = replace(TrainingConfig(), learning_rate=100 * TrainingConfig().learning_rate)
        with swapped_texts(folder, kind == "texts", rng), broken_weight(kind == "nan", rng) as trained:
            try:
                row = shops.run_night(self.log, folder, evening, events, **settings)
            except Exception as problem:  # it published nothing, and the bench goes on; counted apart
                row = {"verdict": "failed", "reason": f"{type(problem).__name__}: {problem}", "removed": {}}
        row |= {"kind": kind, "trained": trained, "planted": len(events) - len(self.log.days[evening])}
        row["encoder_kept"] = shops.encoder_id(folder) == shops.encoder_id(self.before(evening))
        row |= self.look_ahead(folder, evening) | {"evening": evening}
        row = self.done.add(case, row | {"end": end(row)})
        print(f"{case}: {row['end']} ({row['ndcg']['mean']:+.4f}); {row['verdict']}: {row['reason'][:140]}", flush=True)
        shutil.rmtree(folder)

    def look_ahead(self, folder: Path, evening: int) -> dict[str, Row]:
        """Return nDCG@10 and HR@5 by encoder and popularity on the next days, of the parent and of what serves now."""
        days = range(evening + 1, evening + 1 + LOOK_AHEAD)
        questions = self.log.questions(*days)
        before, after = self.parent_ranks(evening, days), shops.rank_items(folder, questions, ENCODER)
        return {
            "ndcg": shops.compare_paired(questions, shops.ndcg(before), shops.ndcg(after)),
            "hr5": shops.compare_paired(questions, shops.hit_rate(before), shops.hit_rate(after)),
        }

    def parent_ranks(self, evening: int, days: Sequence[int]) -> list[Rank]:
        """Return the parent's ranks on these days."""
        if evening not in self._parents:
            self._parents[evening] = shops.rank_items(self.before(evening), self.log.questions(*days), ENCODER)
        return self._parents[evening]


# ---- sabotage -------------------------------------------------------------------------------------------------


def sabotaged(log: Log, evening: int, kind: str, rng: random.Random) -> list[Row]:
    """Return the events of the day as the night gets them."""
    rows = log.days[evening]
    if kind == "labels":
        items = [row["item"] for row in rows]
        return [row | {"item": item} for row, item in zip(rows, rng.sample(items, len(items)), strict=True)]
    if kind == "bot":
        return [*rows, *bot_clicks(log, evening, rng)]
    return bootstrap(log, evening, rng) if kind == "a/a" else rows


def bot_clicks(log: Log, evening: int, rng: random.Random) -> list[Row]:
    """Return as many clicks as all shoppers made, evenly over the day: three items for the ten most popular queries."""
    queries = log.popular_queries(range(evening), 10)
    items = rng.sample(sorted(log.known), 3)
    count = len(log.days[evening])
    times = (log.first + (evening + number / count) * DAY for number in range(count))
    return [
        shops.click_row(f"bot-{evening}-{number}", ts, "bot", rng.choice(queries), rng.choice(items))
        for number, ts in enumerate(times)
    ]


def bootstrap(log: Log, evening: int, rng: random.Random) -> list[Row]:
    """Return as many events of the past week's shoppers, drawn with replacement and renamed, at their time of day."""
    shoppers: dict[object, list[Row]] = {}
    week = range(max(0, evening - 7), evening)
    for day in week:
        for row in log.days[day]:
            shoppers.setdefault((day, row["user"] or row["session"] or row["event_id"]), []).append(row)
    count = sum(len(log.days[day]) for day in week) // len(week)
    drawn: list[Row] = []
    while len(drawn) < count:
        name = f"{rng.getrandbits(64):016x}"
        for number, row in enumerate(rng.choice(list(shoppers.values()))):
            ts = log.first + evening * DAY + (row["ts"] - log.first) % DAY
            drawn.append(row | {"event_id": f"{name}-{number}", "ts": ts, "user": name, "session": None})
    return drawn


@contextmanager
def swapped_texts(folder: Path, enabled: bool, rng: random.Random) -> Iterator[None]:
    """Keep half of the catalogue under each other's titles within the block."""
    if not enabled:
        yield
        return
    with Shop(folder) as shop:
        titles = dict(shop.store.items.titles())
        half = rng.sample(sorted(titles), len(titles) // 2)
        shop.upsert({"id": id, "title": titles[other]} for id, other in zip(half, [*half[1:], half[0]], strict=True))
    yield
    with Shop(folder) as shop:
        shop.upsert({"id": id, "title": titles[id]} for id in half)


@contextmanager
def broken_weight(enabled: bool, rng: random.Random) -> Iterator[list[str]]:
    """Set one weight of the model to NaN after training; yields a list that names it once that has happened."""
    broken: list[str] = []
    train = training.train_encoder

    def train_and_break(model: Any, *args: Any, **named: Any) -> Any:
        report = train(model, *args, **named)
        name, weights = rng.choice([part for part in model.named_parameters() if part[1].dim() == 2])
        weights.data[rng.randrange(weights.shape[0]), rng.randrange(weights.shape[1])] = float("nan")
        broken.append(name)
        return report

    with patch.object(training, "train_encoder", train_and_break if enabled else train):
        yield broken


# ---- what became of it ----------------------------------------------------------------------------------------


def end(row: Row) -> str:
    """Return refused, failed, defused (the parent's encoder stays, or a rule removed it all), not worse or worse."""
    if row["verdict"] in ("refused", "failed"):
        return str(row["verdict"])
    if row["encoder_kept"] or 0 < row["planted"] <= row["removed"].get("bots", 0):
        return "defused"
    return "not worse" if row["ndcg"]["mean"] >= -TOLERANCE else "worse"


def summary(rows: Iterable[Row], clean: Sequence[Row]) -> Row:
    """Count how the nights ended, by kind."""
    ends: dict[str, Counter[str]] = {}
    falls: dict[str, list[float]] = {}
    for row in rows:
        ends.setdefault(row["kind"], Counter())[row["end"]] += 1
        falls.setdefault(row["kind"], []).append(row["ndcg"]["mean"])
    kinds = [kind for kind in KINDS if kind in ends]
    return {
        "tolerance": TOLERANCE,
        "ends": ends,
        "worst": {kind: min(values) for kind, values in falls.items()},
        "sabotaged": sum(ends[kind].total() for kind in kinds),
        "stopped": sum(ends[kind][name] for kind in kinds for name in STOPPED),
        "alarms": ends.get("a/a", Counter())["refused"],
        "clean": Counter(row["verdict"] for row in clean),
    }


def table(result: Row) -> list[str]:
    """Return a line a kind, and the shares."""
    names = [*STOPPED, "worse", "failed"]
    lines = [f"{'nights':<10}{'':>6}" + "".join(f"{name:>11}" for name in names) + f"{'worst fall':>13}"]
    for kind, ends in result["ends"].items():
        cells = "".join(f"{ends[name]:>11}" for name in names)
        lines.append(f"{kind:<10}{ends.total():>6}{cells}{result['worst'][kind]:>+13.4f}")
    aa, clean = result["ends"].get("a/a", Counter()), result["clean"]
    share = clean["published"] / max(1, clean.total())
    return [
        *lines,
        "worst fall: of nDCG@10 on the next three days, what serves after the night against its parent",
        f"sabotaged: {result['stopped']} of {result['sabotaged']} refused, defused or not worse than {TOLERANCE}",
        f"A/A: {result['alarms']} alarms in {aa.total()} nights",
        f"clean: {clean['published']} of {clean.total()} published, {share:.1%}; {dict(clean)}",
    ]


if __name__ == "__main__":
    main()
