"""Sabotaged nights, A/A nights and honest nights: how many the judge and the defences stop, and whom they stop wrongly.

A shop lives honestly through the log. Then, on copies of it as of some evenings, the next day's data or the training is
sabotaged and the night is run; what it published is asked the next three days' searches, beside the parent.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.support import shops
from bench.support.asking import ENCODER
from bench.support.shops import Cases, Log, Rank
from shelfwise import Shop
from shelfwise.timestamps import DAY
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.evaluation.judge import TOLERANCE
from shelfwise.types import Row

KINDS = ("labels", "bot", "texts", "rate", "nan")
LOOK_AHEAD = 3  # days
STOPPED = ("refused", "defused", "not worse")


def main() -> None:
    parser = shops.options(__doc__)
    parser.add_argument("--first", type=int, default=15, help="the first day, from 0, that is sabotaged")
    parser.add_argument("--evenings", type=int, default=8)
    parser.add_argument("--aa", type=int, default=40, help="A/A nights")
    given = parser.parse_args()
    log = shops.load(given)
    bench = Bench(log, evenings(given, len(log.days)))
    honest = bench.live_honestly()
    for evening in bench.evenings:
        for kind in KINDS:
            bench.run(f"{kind} {evening}", evening, kind)
    for number in range(given.aa):
        evening = bench.evenings[number % len(bench.evenings)]
        bench.run(f"a/a {evening} {number}", evening, "a/a")
    result = summary(bench.done.rows.values(), honest)
    (given.out / "sabotage.json").write_text(json.dumps(result, indent=1))
    print("\n".join(table(result)))


def evenings(given: argparse.Namespace, days: int) -> list[int]:
    """Days spread evenly from the first on, each with enough days after it to look at."""
    last = days - 1 - LOOK_AHEAD
    first = min(given.first, last)
    if first < 1:
        raise SystemExit(f"{days} days are too few: one before and {LOOK_AHEAD} after a sabotaged one are needed")
    count = min(given.evenings, last - first + 1)
    return sorted({first + round(number * (last - first) / max(1, count - 1)) for number in range(count)})


@dataclass
class Bench:
    """The honest shop, its copies before some days, and the cases done on copies of those."""

    log: Log
    evenings: list[int]
    _parents: dict[int, list[Rank]] = field(default_factory=dict)

    @cached_property
    def done(self) -> Cases:
        return Cases(self.log.out / "sabotage.jsonl")

    def before(self, evening: int) -> Path:
        return self.log.out / "shops" / f"before-{evening:03}"

    def live_honestly(self) -> list[Row]:
        keep = {evening: self.before(evening) for evening in self.evenings}
        done = Cases(self.log.out / "honest.jsonl")
        return shops.live(self.log, self.log.out / "shops" / "honest", len(self.log.days), done, keep=keep)

    def run(self, case: str, evening: int, kind: str) -> None:
        """One night on a copy of the shop, unless it was done before."""
        if case in self.done.rows:
            return
        chance = random.Random(case)
        folder = shops.copy_shop(self.before(evening), self.log.out / "shops" / "case")
        events = sabotaged(self.log, evening, kind, chance)
        how = (
            {"recipe": replace(TrainingConfig(), learning_rate=100 * TrainingConfig().learning_rate)}
            if kind == "rate"
            else {}
        )
        with swapped_texts(folder, kind == "texts", chance), broken_weight(kind == "nan", chance) as trained:
            try:
                row = shops.night(self.log, folder, evening, events, **how)
            except Exception as problem:  # it published nothing, and the bench goes on; counted apart
                row = {"verdict": "failed", "reason": f"{type(problem).__name__}: {problem}", "removed": {}}
        row |= {"kind": kind, "trained": trained, "planted": len(events) - len(self.log.days[evening])}
        row["encoder_kept"] = shops.encoder(folder) == shops.encoder(self.before(evening))
        row |= self.look_ahead(folder, evening) | {"evening": evening}
        row = self.done.add(case, row | {"end": end(row)})
        print(f"{case}: {row['end']} ({row['ndcg']['mean']:+.4f}); {row['verdict']}: {row['reason'][:140]}", flush=True)
        shutil.rmtree(folder)

    def look_ahead(self, folder: Path, evening: int) -> dict[str, Row]:
        """nDCG@10 and HR@5 by encoder and popularity on the next honest days, the parent's and what serves now."""
        days = range(evening + 1, evening + 1 + LOOK_AHEAD)
        questions = self.log.questions(*days)
        before, after = self.parent_ranks(evening, days), shops.ask(folder, questions, ENCODER)
        return {
            "ndcg": shops.compare(questions, shops.ndcg(before), shops.ndcg(after)),
            "hr5": shops.compare(questions, shops.hits(before), shops.hits(after)),
        }

    def parent_ranks(self, evening: int, days: Sequence[int]) -> list[Rank]:
        if evening not in self._parents:
            self._parents[evening] = shops.ask(self.before(evening), self.log.questions(*days), ENCODER)
        return self._parents[evening]


# ---- sabotage -------------------------------------------------------------------------------------------------


def sabotaged(log: Log, evening: int, kind: str, chance: random.Random) -> list[Row]:
    """The events of the day as the night gets them."""
    rows = log.days[evening]
    if kind == "labels":
        items = [row["item"] for row in rows]
        return [row | {"item": item} for row, item in zip(rows, chance.sample(items, len(items)), strict=True)]
    if kind == "bot":
        return [*rows, *bot_clicks(log, evening, chance)]
    return bootstrap(log, evening, chance) if kind == "a/a" else rows


def bot_clicks(log: Log, evening: int, chance: random.Random) -> list[Row]:
    """As many clicks as all shoppers made, evenly over the day: three items for the ten most popular queries."""
    queries = shops.popular_queries(log, range(evening), 10)
    items = chance.sample(sorted(log.known), 3)
    count = len(log.days[evening])
    times = (log.first + (evening + number / count) * DAY for number in range(count))
    return [
        shops.click(f"bot-{evening}-{number}", ts, "bot", chance.choice(queries), chance.choice(items))
        for number, ts in enumerate(times)
    ]


def bootstrap(log: Log, evening: int, chance: random.Random) -> list[Row]:
    """A day's worth of the past week's shoppers, drawn with replacement, each as somebody new at their time of day."""
    shoppers: dict[object, list[Row]] = {}
    week = range(max(0, evening - 7), evening)
    for day in week:
        for row in log.days[day]:
            shoppers.setdefault((day, row["user"] or row["session"] or row["event_id"]), []).append(row)
    wanted = sum(len(log.days[day]) for day in week) // len(week)
    drawn: list[Row] = []
    while len(drawn) < wanted:
        name = f"{chance.getrandbits(64):016x}"
        for number, row in enumerate(chance.choice(list(shoppers.values()))):
            ts = log.first + evening * DAY + (row["ts"] - log.first) % DAY
            drawn.append(row | {"event_id": f"{name}-{number}", "ts": ts, "user": name, "session": None})
    return drawn


@contextmanager
def swapped_texts(folder: Path, wanted: bool, chance: random.Random) -> Iterator[None]:
    """Half of the catalogue under each other's titles, until the night is over."""
    if not wanted:
        yield
        return
    with Shop(folder) as shop:
        titles = dict(shop.store.items.titles())
        half = chance.sample(sorted(titles), len(titles) // 2)
        shop.upsert({"id": id, "title": titles[other]} for id, other in zip(half, [*half[1:], half[0]], strict=True))
    yield
    with Shop(folder) as shop:
        shop.upsert({"id": id, "title": titles[id]} for id in half)


@contextmanager
def broken_weight(wanted: bool, chance: random.Random) -> Iterator[list[str]]:
    """After training, one weight of the model is NaN; the list names it once that has happened."""
    broken: list[str] = []
    module = importlib.import_module("shelfwise.trainer.encoder.training")
    honest = module.learn

    def learn(model: Any, *arguments: Any, **named: Any) -> Any:
        report = honest(model, *arguments, **named)
        name, weights = chance.choice([part for part in model.named_parameters() if part[1].dim() == 2])
        weights.data[chance.randrange(weights.shape[0]), chance.randrange(weights.shape[1])] = float("nan")
        broken.append(name)
        return report

    with patch.object(module, "learn", learn if wanted else honest):
        yield broken


# ---- what became of it ----------------------------------------------------------------------------------------


def end(row: Row) -> str:
    """refused; defused: the parent's encoder serves on, or a rule took all of it out; not worse, or worse; failed."""
    if row["verdict"] in ("refused", "failed"):
        return str(row["verdict"])
    if row["encoder_kept"] or 0 < row["planted"] <= row["removed"].get("bots", 0):
        return "defused"
    return "not worse" if row["ndcg"]["mean"] >= -TOLERANCE else "worse"


def summary(rows: Any, honest: Sequence[Row]) -> Row:
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
        "honest": Counter(row["verdict"] for row in honest),
    }


def table(result: Row) -> list[str]:
    names = [*STOPPED, "worse", "failed"]
    lines = [f"{'nights':<10}{'':>6}" + "".join(f"{name:>11}" for name in names) + f"{'worst fall':>13}"]
    for kind, ends in result["ends"].items():
        cells = "".join(f"{ends[name]:>11}" for name in names)
        lines.append(f"{kind:<10}{ends.total():>6}{cells}{result['worst'][kind]:>+13.4f}")
    aa, honest = result["ends"].get("a/a", Counter()), result["honest"]
    share = honest["published"] / max(1, honest.total())
    return [
        *lines,
        "worst fall: of nDCG@10 on the next three days, what serves after the night against its parent",
        f"sabotaged: {result['stopped']} of {result['sabotaged']} refused, defused or not worse than {TOLERANCE}",
        f"A/A: {result['alarms']} alarms in {aa.total()} nights",
        f"honest: {honest['published']} of {honest.total()} published, {share:.1%}; {dict(honest)}",
    ]


if __name__ == "__main__":
    main()
