"""A shop's own log for the benches: read once, taken day by day, lived through night by night, searched afterwards.

The options are those of `shelfwise replay`. Shops are real folders under --out, and what is done is kept, so that a
bench that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.support.ablations import ABLATIONS, search_all
from bench.support.options import add_catalogue, add_log, add_out, import_catalogue, new_parser
from shelfwise import Shop
from shelfwise.files import link_or_copy
from shelfwise.generation.query_memory import query_key
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.ingest.importer import ImportFiles, import_events
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.search.blend import SourceSwitches
from shelfwise.timestamps import DAY, to_datetime, to_iso
from shelfwise.trainer import increment, init
from shelfwise.trainer.evaluation.metrics import ndcg_at_rank, paired_interval
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS, Row

Question = tuple[str, str]  # a query, and the item clicked for it
Rank = int | None  # from 1


# ---- the log --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Log:
    """`days` holds the whole events of each UTC day from the first on; `start` is a shop with only the catalogue."""

    out: Path
    start: Path
    first: float
    days: list[list[Row]]
    known: frozenset[str]

    def until(self, day: int) -> datetime:
        """Return the midnight that ends the day."""
        return to_datetime(self.first + (day + 1) * DAY)

    def date(self, day: int) -> str:
        """Return the date of the day, YYYY-MM-DD."""
        return to_iso(self.first + day * DAY)[:10]

    def clicks(self, *days: int) -> list[Row]:
        """Return the clicks with a query on an item that is still known."""
        rows = (row for day in days for row in self.days[day])
        return [row for row in rows if row["type"] == "click" and row["query"] and row["item"] in self.known]

    def questions(self, *days: int) -> list[Question]:
        """Return the query and the item of each click."""
        return [(row["query"], row["item"]) for row in self.clicks(*days)]

    def popular_queries(self, days: Collection[int], count: int) -> list[str]:
        """Return the most frequent queries of these days, each in its most frequent spelling."""
        spellings: dict[str, Counter[str]] = {}
        for query, _ in self.questions(*days):
            spellings.setdefault(query_key(query), Counter())[query] += 1
        popular = sorted(spellings.values(), key=lambda counts: -counts.total())[:count]
        return [counts.most_common(1)[0][0] for counts in popular]


class Cases:
    """Finished cases by name, one JSON object a line; a torn last line is a case to do again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[str, Row] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            self.rows[row["case"]] = row

    def add(self, case: str, row: Row) -> Row:
        """Keep and return the result of a case."""
        self.rows[case] = {"case": case} | row
        with self._path.open("a") as file:
            file.write("\n" * (file.tell() > 0) + json.dumps(self.rows[case]))
        return self.rows[case]


def log_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of `load_log`."""
    parser = new_parser(doc)
    add_catalogue(parser)
    add_log(parser)
    add_out(parser)
    return parser


def load_log(options: argparse.Namespace) -> Log:
    """Import the catalogue into a shop with generation 0 and the log into another, from which the days are taken."""
    start, folder = options.out / "shops" / "start", options.out / "shops" / "log"
    constants = {"type": options.event_type} if options.event_type else {}
    mapping = ColumnMapping.of(EVENT_FIELDS, options.rename, options.scale, constants, foreign=ITEM_FIELDS)
    known = make_shop(start, options)
    with Shop(folder) as shop:
        import_events(shop, ImportFiles([options.events], mapping))
        rows = shop.store.events.between(-math.inf, math.inf)
    if not rows:
        raise SystemExit(f"{options.events}: expected a readable event, got none")
    first = rows[0]["ts"] // DAY * DAY
    days: list[list[Row]] = [[] for _ in range(int((rows[-1]["ts"] - first) // DAY) + 1)]
    for row in rows:
        days[int((row["ts"] - first) // DAY)].append(row)
    return Log(options.out, start, first, days[: options.nights], known)


# ---- shops ----------------------------------------------------------------------------------------------------


def make_shop(folder: Path, options: argparse.Namespace) -> frozenset[str]:
    """Make a shop of the catalogue with generation 0 in `folder`, and return the ids."""
    with Shop(folder) as shop:
        import_catalogue(shop, options)
        known = frozenset(id for id, _ in shop.store.items.titles())
    init(folder, options.model)
    return known


def copy_shop(source: Path, target: Path) -> Path:
    """Copy a closed shop with its current generation only: linked, as nothing ever changes it. Return the copy."""
    shutil.rmtree(target, ignore_errors=True)
    partial = target.with_name(f".{target.name}")
    shutil.rmtree(partial, ignore_errors=True)

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name.endswith(".lock") or name in ("generations", "work")}

    shutil.copytree(source, partial, ignore=left_out)
    generations = GenerationRegistry(source)
    current = generations.current()
    if current is not None:
        folder = generations.open(current).folder
        for path in folder.rglob("*"):
            if path.is_file():
                link_or_copy(path, partial / path.relative_to(source))
        shutil.copy2(generations.folder / "CURRENT", partial / "generations")
    os.replace(partial, target)
    return target


def live_through(
    log: Log,
    folder: Path,
    days: int,
    done: Cases,
    *,
    keep: Mapping[int, Path] | None = None,
    score_from: int | None = None,
    **settings: Any,
) -> list[Row]:
    """Live through the first `days` days, and return a row a night: verdict, reason, seconds, `ranks` by ablation.

    Args:
        log: The log to live through.
        folder: The shop, made where there is none.
        days: How many days to live through.
        done: The nights that are done, by day.
        keep: Where to copy the shop before some days.
        score_from: The first day with ranks: its clicks are searched first, with what was known the evening before.
        settings: Keyword arguments of `increment`.
    """
    if not folder.exists():
        copy_shop(log.start, folder)
    for day in range(days):
        if f"{day}" in done.rows:
            continue
        if keep and day in keep:
            copy_shop(folder, keep[day])
        ranks: dict[str, list[Rank]] = {}
        if score_from is not None and day >= score_from:
            ranks = {name: rank_items(folder, log.questions(day), sources) for name, sources in ABLATIONS.items()}
        row = done.add(f"{day}", run_night(log, folder, day, log.days[day], **settings) | {"ranks": ranks})
        print(f"{log.date(day)} {row['verdict']} in {row['seconds']:.1f} s: {row['reason'][:120]}", flush=True)
    return [done.rows[f"{day}"] for day in range(days)]


def run_night(log: Log, folder: Path, day: int, events: Sequence[Row], **settings: Any) -> Row:
    """Record the day's events and run the night; `settings` go to `increment`."""
    with Shop(folder) as shop:
        shop.store.events.add(events)
    night = increment(folder, log.until(day), **settings)
    return {
        "verdict": night.verdict,
        "reason": night.reason,
        "encoder": encoder_id(folder),
        "seconds": round(sum(night.report.seconds.values()), 2),
        "removed": dict(night.report.removed),
    }


def click_row(event_id: str, ts: float, user: str, query: str, item: str) -> Row:
    """Return a click as `store.events.add` takes it; ts in epoch seconds."""
    values = {"event_id": event_id, "ts": ts, "type": "click", "user": user, "query": query, "item": item}
    return dict.fromkeys(EVENT_FIELDS) | values


def encoder_id(folder: Path) -> str:
    """Return the id of the encoder that serves; "" without a generation."""
    generations = GenerationRegistry(folder)
    current = generations.current()
    return "" if current is None else str(generations.open(current).card.encoder)


# ---- ranks ----------------------------------------------------------------------------------------------------


def rank_items(folder: Path, questions: Sequence[Question], sources: SourceSwitches | None, k: int = 10) -> list[Rank]:
    """Return the rank of each question's item among the first k; None where it is not there or the query is refused."""
    with Shop(folder) as shop:
        hits = search_all(shop, (query for query, _ in questions), sources, k)
    return [hits[query].index(item) + 1 if item in hits[query] else None for query, item in questions]


def ndcg(ranks: Sequence[Rank]) -> np.ndarray:
    """Return nDCG@10 with one relevant item, (n_questions,)."""
    return np.array([ndcg_at_rank(rank) for rank in ranks])


def hit_rate(ranks: Sequence[Rank], k: int = 5) -> np.ndarray:
    """Return 1.0 for a rank up to k, else 0.0, (n_questions,)."""
    return np.array([float(rank is not None and rank <= k) for rank in ranks])


def compare_paired(questions: Sequence[Question], before: np.ndarray, after: np.ndarray) -> Row:
    """Return the means of both and of after - before, with its 95 % interval over distinct queries."""
    low, high = paired_interval(after - before, [query_key(query) or query for query, _ in questions], seed=1)
    values = {"before": before.mean(), "after": after.mean(), "mean": (after - before).mean(), "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in values.items()} | {"n": len(questions)}
