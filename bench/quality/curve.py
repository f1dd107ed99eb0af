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

from bench.support.ablations import ABLATIONS
from bench.support.charts import Chart, Table, write_page
from bench.support.shops import Log, Question, Rank, copy_shop, hit_rate, load_log, log_parser, rank_items
from shelfwise import Shop
from shelfwise.generation.query_memory import query_key
from shelfwise.timestamps import DAY, parse_time, to_datetime, to_iso
from shelfwise.trainer import increment
from shelfwise.trainer.evaluation.metrics import paired_interval
from shelfwise.types import Row

K = 5
LABELS = {"default": "all sources", "encoder": "encoder + popularity"}
Scores = dict[str, np.ndarray]  # "hr" and "map" of each question, (n_questions,)


@dataclass(frozen=True)
class Test:
    """The clicks from `start` (epoch seconds) on, as questions, and those before it, oldest first."""

    start: float
    past: list[Row]
    questions: list[Question]

    def summary(self, scores: Scores, baseline: Scores | None = None) -> Row:
        """Return the means, or those of the difference, each with its 95 % interval, by resampling whole queries."""
        clusters = [query_key(query) or query for query, _ in self.questions]
        values = {name: value - baseline[name] if baseline else value for name, value in scores.items()}
        return {
            name: [round(float(part), 4) for part in (value.mean(), *paired_interval(value, clusters, seed=1))]
            for name, value in values.items()
        }


def main() -> None:
    parser = log_parser(__doc__)
    parser.add_argument("--test-from", metavar="DAY", help="default: the first day with enough clicks before it")
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 100, 1_000, 10_000], help="clicks to learn")
    options = parser.parse_args()
    log = load_log(options)
    test = make_test(log, options, parser)
    print(f"{len(test.questions):,} clicks from {to_iso(test.start)[:10]} on, {len(test.past):,} before", flush=True)
    bm25 = score(rank_items(log.start, test.questions, None, K))
    points = [measure_point(log, test, size, bm25) for size in options.sizes]
    show(log.out, test, test.summary(bm25), points)


def make_test(log: Log, options: argparse.Namespace, parser: argparse.ArgumentParser) -> Test:
    """Split the clicks at --test-from, or at the first midnight with enough clicks before it."""
    clicks, needed = log.clicks(*range(len(log.days))), max(options.sizes)
    if options.test_from:
        start = parse_time(options.test_from, "--test-from")
    else:  # the midnight after the click that makes them enough
        end = log.first + len(log.days) * DAY
        start = (clicks[needed - 1]["ts"] // DAY + 1) * DAY if needed <= len(clicks) else end
    past = [row for row in clicks if row["ts"] < start]
    questions = [(row["query"], row["item"]) for row in clicks if row["ts"] >= start]
    if len(past) < needed or not questions:
        parser.error(
            f"--sizes: expected {needed:,} clicks before {to_iso(start)[:10]} and some after,"
            f" got {len(past):,} and {len(questions):,}"
        )
    return Test(start, past, questions)


def measure_point(log: Log, test: Test, size: int, bm25: Scores) -> Row:
    """Return the scores, by ablation, of both shops after one night on the newest `size` clicks before the test."""
    row: Row = {"clicks": size}
    scores: dict[str, dict[str, Scores]] = {}
    for name, learns in (("learned", True), ("frozen", False)):
        folder = copy_shop(log.start, log.out / "shops" / f"{name}-{size}")
        night = run_night(folder, test, size, learns=learns)
        if learns:
            row |= night
        scores[name] = {
            ablation: score(rank_items(folder, test.questions, sources, K)) for ablation, sources in ABLATIONS.items()
        }
    for ablation in ABLATIONS:
        learned, frozen = scores["learned"][ablation], scores["frozen"][ablation]
        row[ablation] = {
            "learned": test.summary(learned),
            "frozen": test.summary(frozen),
            "over_frozen": test.summary(learned, frozen),
            "over_bm25": test.summary(learned, bm25),
        }
    print(f"{size:,} clicks: {row['verdict']} in {row['seconds']:.1f} s: {row['reason'][:100]}", flush=True)
    return row


def run_night(folder: Path, test: Test, size: int, *, learns: bool) -> Row:
    """Run a night on the newest `size` clicks before the test."""
    with Shop(folder) as shop:
        shop.store.events.add(test.past[len(test.past) - size :])
    night = increment(folder, to_datetime(test.start), learn_pairs=learns)
    seconds = round(sum(night.report.seconds.values()), 2)
    return {"verdict": night.verdict, "reason": night.reason, "seconds": seconds}


def score(ranks: Sequence[Rank]) -> Scores:
    """Return hit and average precision of each question."""
    precision = [1 / rank if rank and rank <= K else 0.0 for rank in ranks]
    return {"hr": hit_rate(ranks, K), "map": np.array(precision)}


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
    for point in points:
        for ablation, label in LABELS.items():
            part = point[ablation]
            cells = [_figure(part["learned"]["hr"]), _figure(part["learned"]["map"]), _figure(part["frozen"]["hr"])]
            cells += [_points(part["over_frozen"]["hr"]), _points(part["over_bm25"]["hr"]), point["verdict"]]
            rows.append([f"{point['clicks']:,}, {label}", *cells])
    table = Table(header, rows)
    notes = [
        f"{len(test.questions):,} clicks from {to_iso(test.start)[:10]} on; 95 % bootstrap intervals over queries,"
        " those of differences paired. Frozen counts the same clicks and learns nothing."
    ]
    print("\n".join([table.text(), *notes]))
    body = {"test_from": to_iso(test.start)[:10], "n": len(test.questions), "bm25": bm25, "points": points}
    (out / "curve.json").write_text(json.dumps(body, indent=1))
    charts = [_chart(ablation, label, bm25, points) for ablation, label in LABELS.items()]
    write_page(out / "curve.html", "Learning curve of a fresh shop", notes, table, charts)


def _chart(ablation: str, label: str, bm25: Row, points: list[Row]) -> Chart:
    chart = Chart(f"HR@{K} by clicks learned, {label}", [f"{point['clicks']:,}" for point in points])
    curves = {name: [point[ablation][name]["hr"] for point in points] for name in ("learned", "frozen")}
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
