"""A shop's own log for the benches: read once, taken day by day, lived through night by night, asked afterwards.

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

from bench.support.asking import WAYS, answers
from shelfwise import Shop
from shelfwise.generation.query_memory import query_key
from shelfwise.generation.registry import GenerationRegistry, link_or_copy
from shelfwise.ingest.importer import ImportFiles, import_events, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.search.blend import SourceSwitches
from shelfwise.timestamps import DAY, to_datetime, to_iso
from shelfwise.trainer import increment, init
from shelfwise.trainer.evaluation.metrics import ndcg_at_rank, paired_interval
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS, Row

Question = tuple[str, str]  # what was asked, and the item clicked for it
Rank = int | None  # from 1


@dataclass(frozen=True)
class Log:
    """`days` holds the whole events of each UTC day from the first on; `start` is a shop with only the catalogue."""

    out: Path
    start: Path
    first: float
    days: list[list[Row]]
    known: frozenset[str]

    def until(self, day: int) -> datetime:
        """The midnight that ends the day."""
        return to_datetime(self.first + (day + 1) * DAY)

    def date(self, day: int) -> str:
        return to_iso(self.first + day * DAY)[:10]

    def clicks(self, *days: int) -> list[Row]:
        """Clicks with a query on an item that is still known."""
        rows = (row for day in days for row in self.days[day])
        return [row for row in rows if row["type"] == "click" and row["query"] and row["item"] in self.known]

    def questions(self, *days: int) -> list[Question]:
        return [(row["query"], row["item"]) for row in self.clicks(*days)]


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
        self.rows[case] = {"case": case} | row
        with self._path.open("a") as file:
            file.write("\n" * (file.tell() > 0) + json.dumps(self.rows[case]))
        return self.rows[case]


def options(doc: str | None, *, events: bool = True) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--items", required=True, metavar="FILE", help="the catalogue")
    if events:
        parser.add_argument("--events", required=True, metavar="FILE", help="the log: clicks with a query")
        parser.add_argument("--type", dest="type_", help="the type of every event")
        parser.add_argument("--nights", type=int, help="days to live through (default: all)")
    parser.add_argument("--map", dest="rename", action="append", default=[], metavar="FIELD=COLUMN")
    parser.add_argument("--scale", action="append", default=[], metavar="FIELD=FACTOR")
    parser.add_argument("--model", metavar="NAME_OR_PATH", help="the base model (default: all-MiniLM-L6-v2)")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where shops and results are kept")
    return parser


def load(given: argparse.Namespace) -> Log:
    """Import the catalogue into a shop with generation 0 and the log into another, from which the days are taken."""
    start, log = given.out / "shops" / "start", given.out / "shops" / "log"
    constants = {"type": given.type_} if given.type_ else {}
    reading = ColumnMapping.of(EVENT_FIELDS, given.rename, given.scale, constants, foreign=ITEM_FIELDS)
    known = catalogue(given, start)
    with Shop(log) as shop:
        import_events(shop, ImportFiles([given.events], reading))
        rows = shop.store.events.between(-math.inf, math.inf)
    if not rows:
        raise SystemExit(f"{given.events}: no readable event")
    first = rows[0]["ts"] // DAY * DAY
    days: list[list[Row]] = [[] for _ in range(int((rows[-1]["ts"] - first) // DAY) + 1)]
    for row in rows:
        days[int((row["ts"] - first) // DAY)].append(row)
    return Log(given.out, start, first, days[: given.nights], known)


def catalogue(given: argparse.Namespace, folder: Path) -> frozenset[str]:
    """A shop with the items and generation 0 in `folder`; returns the ids."""
    reading = ColumnMapping.of(ITEM_FIELDS, given.rename, given.scale, foreign=EVENT_FIELDS)
    with Shop(folder) as shop:
        import_items(shop, ImportFiles([given.items], reading))
        known = frozenset(id for id, _ in shop.store.items.titles())
    init(folder, given.model)
    return known


# ---- shops ----------------------------------------------------------------------------------------------------


def copy_shop(source: Path, target: Path) -> Path:
    """A shop again, closed before and after, with the current generation only: linked, as nothing ever changes it."""
    shutil.rmtree(target, ignore_errors=True)
    partial = target.with_name(f".{target.name}")
    shutil.rmtree(partial, ignore_errors=True)

    def others(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name.endswith(".lock") or name in ("generations", "work")}

    shutil.copytree(source, partial, ignore=others)
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


def live(
    log: Log,
    folder: Path,
    days: int,
    done: Cases,
    *,
    keep: Mapping[int, Path] | None = None,
    score_from: int | None = None,
    **how: Any,
) -> list[Row]:
    """Live through the first `days` days, a night after each; `keep` names copies of the shop before some days.

    Days from `score_from` on are asked first, with what was known the evening before. `how` goes to `increment`.
    Returns a row a night: verdict, reason, seconds, and `ranks` by way where it was asked.
    """
    if not folder.exists():
        copy_shop(log.start, folder)
    for day in range(days):
        if f"{day}" in done.rows:
            continue
        if keep and day in keep:
            copy_shop(folder, keep[day])
        scored = score_from is not None and day >= score_from
        ranks = {name: ask(folder, log.questions(day), sources) for name, sources in WAYS.items()} if scored else {}
        row = done.add(f"{day}", night(log, folder, day, log.days[day], **how) | {"ranks": ranks})
        print(f"{log.date(day)} {row['verdict']} in {row['seconds']:.1f} s: {row['reason'][:120]}", flush=True)
    return [done.rows[f"{day}"] for day in range(days)]


def night(log: Log, folder: Path, day: int, events: Sequence[Row], **how: Any) -> Row:
    """Record the day's events and let the night learn them."""
    with Shop(folder) as shop:
        shop.store.events.add(events)
    night = increment(folder, log.until(day), **how)
    return {
        "verdict": night.verdict,
        "reason": night.reason,
        "encoder": encoder(folder),
        "seconds": round(sum(night.report.get("seconds", {}).values()), 2),
        "removed": night.report.get("removed", {}),
    }


def click(event_id: str, ts: float, user: str, query: str, item: str) -> Row:
    """A click as `store.events.add` takes it; ts in epoch seconds."""
    given = {"event_id": event_id, "ts": ts, "type": "click", "user": user, "query": query, "item": item}
    return dict.fromkeys(EVENT_FIELDS) | given


def encoder(folder: Path) -> str:
    """The id of the encoder that serves."""
    generations = GenerationRegistry(folder)
    current = generations.current()
    return "" if current is None else str(generations.open(current).card.encoder)


# ---- asking ---------------------------------------------------------------------------------------------------


def ask(folder: Path, questions: Sequence[Question], sources: SourceSwitches | None, limit: int = 10) -> list[Rank]:
    """The rank of each question's item among the first `limit`; None where it is not there or nothing can be asked."""
    with Shop(folder) as shop:
        found = answers(shop, (query for query, _ in questions), sources, limit)
    return [found[query].index(item) + 1 if item in found[query] else None for query, item in questions]


def ndcg(ranks: Sequence[Rank]) -> np.ndarray:
    """Return nDCG@10 of one right item, (n_questions,)."""
    return np.array([ndcg_at_rank(rank) for rank in ranks])


def hits(ranks: Sequence[Rank], k: int = 5) -> np.ndarray:
    return np.array([float(rank is not None and rank <= k) for rank in ranks])


def compare(questions: Sequence[Question], before: np.ndarray, after: np.ndarray) -> Row:
    """Means of both and of the paired difference after - before, with its 95 % interval over distinct queries."""
    low, high = paired_interval(after - before, [query_key(query) or query for query, _ in questions], seed=1)
    values = {"before": before.mean(), "after": after.mean(), "mean": (after - before).mean(), "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in values.items()} | {"n": len(questions)}


def popular_queries(log: Log, days: Collection[int], count: int) -> list[str]:
    """The queries most asked on these days, each as it was mostly written."""
    spelt: dict[str, Counter[str]] = {}
    for query, _ in log.questions(*days):
        spelt.setdefault(query_key(query), Counter())[query] += 1
    most = sorted(spelt.values(), key=lambda spellings: -spellings.total())[:count]
    return [spellings.most_common(1)[0][0] for spellings in most]
