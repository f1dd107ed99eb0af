"""A fresh shop's learning curve: after so many clicks and one night, what the shoppers of the days after would find.

Each point is a new shop with the catalogue and the last N clicks before a fixed day, beside one that only counts the
same clicks (frozen), and BM25. All answer the same clicks, those from that day on, through `Shop`'s own search.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.support import shops
from bench.support.asking import WAYS
from bench.support.charts import Chart, Table, write_page
from bench.support.shops import Log, Question, Rank, ask, copy_shop, hits
from shelfwise import Shop
from shelfwise.generation.query_memory import query_key
from shelfwise.timestamps import DAY, parse_time, to_datetime, to_iso
from shelfwise.trainer import increment
from shelfwise.trainer.evaluation.metrics import paired_interval
from shelfwise.types import Row

K = 5
LABELS = {"default": "all sources", "encoder": "encoder + popularity"}
Worth = dict[str, np.ndarray]  # "hr" and "map" of each question, (n_questions,)


@dataclass(frozen=True)
class Test:
    """The clicks from `start` (epoch seconds) on, as questions, and those before it, oldest first."""

    start: float
    past: list[Row]
    questions: list[Question]

    def summary(self, worth: Worth, less: Worth | None = None) -> Row:
        """The means, or those of the difference, each with its 95 % interval; one query's clicks are drawn together."""
        clusters = [query_key(query) or query for query, _ in self.questions]
        values = {name: value - less[name] if less else value for name, value in worth.items()}
        return {
            name: [round(float(part), 4) for part in (value.mean(), *paired_interval(value, clusters, seed=1))]
            for name, value in values.items()
        }


def main() -> None:
    parser = shops.options(__doc__)
    parser.add_argument("--test-from", metavar="DAY", help="default: the first day with enough clicks before it")
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 100, 1_000, 10_000], help="clicks to learn")
    given = parser.parse_args()
    log = shops.load(given)
    test = make_test(log, given, parser)
    print(f"{len(test.questions):,} clicks from {to_iso(test.start)[:10]} on, {len(test.past):,} before", flush=True)
    bm25 = worth(ask(log.start, test.questions, None, K))
    points = [point(log, test, size, bm25) for size in given.sizes]
    show(log.out, test, test.summary(bm25), points)


def make_test(log: Log, given: argparse.Namespace, parser: argparse.ArgumentParser) -> Test:
    clicks, most = log.clicks(*range(len(log.days))), max(given.sizes)
    if given.test_from:
        start = parse_time(given.test_from, "--test-from")
    else:  # the midnight after the click that makes them enough
        start = (clicks[most - 1]["ts"] // DAY + 1) * DAY if most <= len(clicks) else log.first + len(log.days) * DAY
    past = [row for row in clicks if row["ts"] < start]
    questions = [(row["query"], row["item"]) for row in clicks if row["ts"] >= start]
    if len(past) < most or not questions:
        parser.error(f"{len(past):,} clicks before {to_iso(start)[:10]} and {len(questions):,} after: too few")
    return Test(start, past, questions)


def point(log: Log, test: Test, size: int, bm25: Worth) -> Row:
    """The shops after one night on the newest `size` clicks before the test, asked in both ways."""
    row: Row = {"clicks": size}
    asked: dict[str, dict[str, Worth]] = {}
    for name, learns in (("learned", True), ("frozen", False)):
        folder = copy_shop(log.start, log.out / "shops" / f"{name}-{size}")
        night = one_night(folder, test, size, learns=learns)
        if learns:
            row |= night
        asked[name] = {way: worth(ask(folder, test.questions, sources, K)) for way, sources in WAYS.items()}
    for way in WAYS:
        learned, frozen = asked["learned"][way], asked["frozen"][way]
        row[way] = {
            "learned": test.summary(learned),
            "frozen": test.summary(frozen),
            "over_frozen": test.summary(learned, frozen),
            "over_bm25": test.summary(learned, bm25),
        }
    print(f"{size:,} clicks: {row['verdict']} in {row['seconds']:.1f} s: {row['reason'][:100]}", flush=True)
    return row


def one_night(folder: Path, test: Test, size: int, *, learns: bool) -> Row:
    with Shop(folder) as shop:
        shop.store.events.add(test.past[len(test.past) - size :])
    night = increment(folder, to_datetime(test.start), learn_pairs=learns)
    seconds = round(sum(night.report.get("seconds", {}).values()), 2)
    return {"verdict": night.verdict, "reason": night.reason, "seconds": seconds}


def worth(ranks: Sequence[Rank]) -> Worth:
    precision = [1 / rank if rank and rank <= K else 0.0 for rank in ranks]
    return {"hr": hits(ranks, K), "map": np.array(precision)}


def show(out: Path, test: Test, bm25: Row, points: list[Row]) -> None:
    """Print the table; write curve.json and curve.html."""
    header = [
        "clicks, ranking",
        f"HR@{K}",
        f"MAP@{K}",
        f"frozen HR@{K}",
        "points over frozen",
        "points over BM25",
        "night",
    ]
    rows = [["BM25", _figure(bm25["hr"]), _figure(bm25["map"]), *["-"] * 4]]
    for found in points:
        for way, label in LABELS.items():
            part = found[way]
            cells = [_figure(part["learned"]["hr"]), _figure(part["learned"]["map"]), _figure(part["frozen"]["hr"])]
            cells += [_points(part["over_frozen"]["hr"]), _points(part["over_bm25"]["hr"]), found["verdict"]]
            rows.append([f"{found['clicks']:,}, {label}", *cells])
    table = Table(header, rows)
    notes = [
        f"{len(test.questions):,} clicks from {to_iso(test.start)[:10]} on; 95 % bootstrap intervals over queries,"
        " those of differences paired. Frozen counts the same clicks and learns nothing."
    ]
    print("\n".join([table.text(), *notes]))
    body = {"test_from": to_iso(test.start)[:10], "n": len(test.questions), "bm25": bm25, "points": points}
    (out / "curve.json").write_text(json.dumps(body, indent=1))
    charts = [_chart(way, label, bm25, points) for way, label in LABELS.items()]
    write_page(out / "curve.html", "Learning curve of a fresh shop", notes, table, charts)


def _chart(way: str, label: str, bm25: Row, points: list[Row]) -> Chart:
    chart = Chart(f"HR@{K} by clicks learned, {label}", [f"{found['clicks']:,}" for found in points])
    curves = {name: [found[way][name]["hr"] for found in points] for name in ("learned", "frozen")}
    for name, values in (curves | {"BM25": [bm25["hr"]] * len(points)}).items():
        chart.lines[name] = [mean for mean, _, _ in values]
        chart.spans[name] = [(low, high) for _, low, high in values]
    return chart


def _figure(values: Sequence[float]) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*values)


def _points(values: Sequence[float]) -> str:
    return "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(100 * value for value in values))


if __name__ == "__main__":
    main()
