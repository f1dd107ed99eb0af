"""Continual strategies on one log: each day is searched with what was known the evening before, then learned.

Every strategy of `strategies.py` lives through the same nights. Each (strategy, night) is kept in --out, so that a
stopped run goes on where it was. Rank = cosine + popularity, the same popularity for all; no words, no click memory.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
import torch

from bench.support.charts import Chart, Table, write_page
from bench.support.shops import Cases, Log, Question, Rank, compare_paired, hit_rate, load_log, log_parser
from bench.support.strategies import (
    CONFIG,
    FROZEN,
    FULL,
    SHIPPED,
    STRATEGIES,
    copy_weights,
    prepare_model,
    train_night,
)
from shelfwise import Shop
from shelfwise.generation.encoder import thread_count
from shelfwise.generation.popularity import decayed_popularity
from shelfwise.search.blend import BLEND
from shelfwise.store import Event
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.evaluation.metrics import mean_rank_metrics
from shelfwise.trainer.statistics.catalogue_vectors import load_catalogue

K = 5
FIRST = 14  # days with searches that tell what was forgotten
SMOOTHED = 5  # days
NOTES = [
    "Gain kept: the share of full retrain's gain in HR@5 over frozen. Forgetting: HR@5 on the first two weeks' searches"
    " by the last night's model, minus that by the model that had just learned them; below zero is forgotten. Full"
    " retrain runs every fifth night, and its seconds count five times.",
    f"vs {SHIPPED}: the difference in HR@5 from day 2 on, with its paired 95 % bootstrap interval over queries.",
]
Row = dict[str, Any]


def main() -> None:
    parser = log_parser(__doc__)
    parser.add_argument("--strategies", default=",".join(STRATEGIES), help="default: %(default)s")
    options = parser.parse_args()
    names = options.strategies.split(",")
    if unknown := set(names) - set(STRATEGIES):
        parser.error(f"--strategies: expected some of {', '.join(STRATEGIES)}, got {', '.join(sorted(unknown))}")
    torch.set_num_threads(thread_count())
    past = Past(load_log(options))
    rows = {name: StrategyRun(name, past, options.model).run() for name in names}
    show(rows, past.log)


class Past:
    """The log with what ranking needs beside an encoder: the catalogue's texts and its popularity of an evening."""

    def __init__(self, log: Log) -> None:
        self.log = log
        with Shop(log.start) as shop:
            self.texts = load_catalogue(shop.store).texts
        self.rows = {id: row for row, id in enumerate(self.texts)}

    @cached_property
    def events(self) -> list[Event]:
        """Return the events on known items, oldest first."""
        rows = (row for day in self.log.days for row in day if row["item"] in self.rows)
        return [
            Event(seq, row["ts"], row["type"], row["item"], row["user"], row["session"], row["query"])
            for seq, row in enumerate(rows)
        ]

    @cached_property
    def searches(self) -> list[list[QueryClick]]:
        """Return the clicks of each day, each a search of its own."""
        days = [self.log.clicks(day) for day in range(len(self.log.days))]
        return [[QueryClick(row["query"], row["item"], row["ts"], ()) for row in day] for day in days]

    def popularity(self, days: int) -> np.ndarray:
        """Return popularity as of the midnight that ends the first `days` days, (n_items,)."""
        now = self.log.until(days - 1).timestamp()
        popular = decayed_popularity((event for event in self.events if event.ts < now), now)
        return np.array([popular.get(id, 0.0) for id in self.texts])

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the catalogue's texts and the first day."""
        return hashlib.sha256(json.dumps([self.texts, self.log.questions(0)]).encode()).hexdigest()[:16]


class StrategyRun:
    """One strategy's model, and the ranks of its nights so far; nights are counted from 1.

    `NAME.jsonl` has a line a night, `NAME.pt` the weights after the newest; a line without its weights is done again.
    """

    def __init__(self, name: str, past: Past, model: str | None) -> None:
        self.name, self.strategy, self.past = name, STRATEGIES[name], past
        self.model = prepare_model(self.strategy, model)
        self.base = copy_weights(self.model)
        self.vectors: dict[str, np.ndarray] = {}  # of the model as it is now
        self.done = Cases(past.log.out / f"{name}.jsonl")
        self.weights = past.log.out / f"{name}.pt"
        self.made_of = json.dumps([asdict(self.strategy), asdict(CONFIG), model, past.fingerprint])

    def run(self) -> list[Row]:
        """Return the row of every night; those that are kept are not run again."""
        nights = len(self.past.log.days)
        for night in range(self._resume() + 1, nights + 1):
            row = self._night(night)
            if night == self.strategy.first_training(FIRST) or night == nights:
                row["first_days"] = self._rank_first(night)
            row = self.done.add(f"{night}", row)
            self._save(night)
            hit = mean_rank_metrics(row["ranks"], K)["hr"]
            print(f"{self.name}, night {night}: HR@{K} {hit:.3f}, trained {row['seconds']:.1f} s", flush=True)
        return [self.done.rows[f"{night}"] for night in range(1, nights + 1)]

    def _night(self, night: int) -> Row:
        searches = self.past.searches
        popular = self.past.popularity(night - 1)
        ranks = self._rank(self.past.log.questions(night - 1), popular)
        old = [search for day in searches[: night - 1] for search in day]
        seconds = train_night(self.model, self.strategy, self.base, searches[night - 1], old, self.past.texts, night)
        if seconds:
            self.vectors.clear()
        return {"day": self.past.log.date(night - 1), "ranks": ranks, "seconds": seconds}

    def _rank_first(self, night: int) -> list[Rank]:
        """Return the ranks of the first two weeks' clicks, by the popularity of their end on whatever night."""
        return self._rank(self.past.log.questions(*range(FIRST)), self.past.popularity(FIRST)) if night >= FIRST else []

    def _rank(self, questions: Sequence[Question], popular: np.ndarray) -> list[Rank]:
        """Return the 1-based rank of each question's item; None beyond K."""
        if not questions:
            return []
        items = self._encode(list(self.past.texts.values()))  # (n_items, dim)
        queries = list(dict.fromkeys(query for query, _ in questions))
        scores = self._encode(queries) @ items.T + BLEND["popularity"] * popular  # (n_queries, n_items)
        top_rows = dict(zip(queries, np.argsort(-scores, axis=1, kind="stable")[:, :K].tolist(), strict=True))
        pairs = [(top_rows[query], self.past.rows[item]) for query, item in questions]
        return [rows.index(row) + 1 if row in rows else None for rows, row in pairs]

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        missing = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if missing:
            vectors = self.model.encode(missing, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
            self.vectors |= dict(zip(missing, vectors, strict=True))
        return np.stack([self.vectors[text] for text in texts])

    def _resume(self) -> int:
        """Load the newest weights, and return the night that they are of."""
        if not self.weights.exists():
            return 0
        kept = torch.load(self.weights, map_location=self.model.device, weights_only=True)
        if kept["made_of"] != self.made_of:
            raise SystemExit(
                f"{self.weights}: expected weights of this log and these settings, got others; take another --out"
            )
        self.model.load_state_dict(kept["weights"])
        return int(kept["night"])

    def _save(self, night: int) -> None:
        unfinished = self.weights.with_suffix(".tmp")
        torch.save({"made_of": self.made_of, "night": night, "weights": self.model.state_dict()}, unfinished)
        os.replace(unfinished, self.weights)


def show(rows: dict[str, list[Row]], log: Log) -> None:
    """Print the table; write continual.json and continual.html."""
    results = {name: measure(name, rows, log) for name in rows}
    header = ["", "HR@5 / MAP@5, days 2 on", "gain kept", "HR@5 / MAP@5, days 15 on", "gain kept"]
    header += [f"vs {SHIPPED}, points", "forgetting, points", "seconds", "of full"]
    table = Table(header, [_cells(name, result) for name, result in results.items()])
    print("\n".join([table.text(), *NOTES]))
    chart = Chart(
        f"HR@{K} on tomorrow's searches, mean over {SMOOTHED} days", [row["day"][5:] for row in rows[next(iter(rows))]]
    )
    for name, nights in rows.items():
        windows = [nights[max(0, end - SMOOTHED) : end] for end in range(1, len(nights) + 1)]
        chart.lines[name] = [mean_rank_metrics(_ranks(window), K)["hr"] for window in windows]
    (log.out / "continual.json").write_text(json.dumps(results, indent=1))
    write_page(log.out / "continual.html", "Continual strategies", NOTES, table, [chart])


def measure(name: str, rows: dict[str, list[Row]], log: Log) -> Row:
    """Return the figures of one strategy; None for those that need another strategy or more nights than there are."""
    own_nights = rows[name]
    seconds = {other: STRATEGIES[other].every * sum(row["seconds"] for row in nights) for other, nights in rows.items()}
    result: Row = {"made_of": asdict(STRATEGIES[name]), "nights": len(own_nights), "seconds": round(seconds[name], 1)}
    for part, first in (("from_day_2", 1), ("from_day_15", FIRST)):
        ranks = {other: _ranks(nights[first:]) for other, nights in rows.items()}
        result[part] = mean_rank_metrics(ranks[name], K) if ranks[name] else None
        result[f"{part}_gain_kept"] = _gain_kept(ranks, name)
    result["of_full"] = seconds[name] / seconds[FULL] if seconds.get(FULL) else None
    result["forgetting"] = _forgetting(own_nights, STRATEGIES[name].first_training(FIRST))
    if SHIPPED in rows and len(own_nights) > 1:
        before, after = (hit_rate(_ranks(nights[1:]), K) for nights in (rows[SHIPPED], own_nights))
        result["against_shipped"] = compare_paired(log.questions(*range(1, len(own_nights))), before, after)
    return result


def _ranks(nights: Sequence[Row]) -> list[Rank]:
    return [rank for row in nights for rank in row["ranks"]]


def _gain_kept(ranks: dict[str, list[Rank]], name: str) -> float | None:
    if not (ranks.get(FROZEN) and ranks.get(FULL)):
        return None
    frozen, full, own = (mean_rank_metrics(ranks[other], K)["hr"] for other in (FROZEN, FULL, name))
    return (own - frozen) / (full - frozen) if full != frozen else None


def _forgetting(nights: list[Row], learned: int) -> float | None:
    if len(nights) < learned:
        return None
    before, after = (row.get("first_days") for row in (nights[learned - 1], nights[-1]))
    if not before or not after:
        return None
    return mean_rank_metrics(after, K)["hr"] - mean_rank_metrics(before, K)["hr"]


def _cells(name: str, result: Row) -> list[str]:
    cells = [name]
    for part in ("from_day_2", "from_day_15"):
        metrics, kept = result[part], result[f"{part}_gain_kept"]
        cells += [f"{metrics['hr']:.3f} / {metrics['map']:.3f}" if metrics else "-", _share(kept)]
    against = (
        [100 * result["against_shipped"][side] for side in ("mean", "low", "high")]
        if "against_shipped" in result
        else []
    )
    cells.append("{:+.2f} [{:+.2f}, {:+.2f}]".format(*against) if against else "-")
    cells.append("-" if result["forgetting"] is None else f"{100 * result['forgetting']:+.2f}")
    return [*cells, f"{result['seconds']:,.0f}", _share(result["of_full"])]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


if __name__ == "__main__":
    main()
