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

from bench.support import shops  # before torch: shelfwise.trainer says how torch's threads wait
from bench.support.charts import Chart, Table, write_page
from bench.support.shops import Cases, Log, Question, Rank, compare, hits
from bench.support.strategies import FROZEN, FULL, RECIPE, SHIPPED, STRATEGIES, copied, learn_night, prepare
from shelfwise import Shop
from shelfwise.generation.encoder import threads
from shelfwise.generation.popularity import decayed_popularity
from shelfwise.search.blend import BLEND
from shelfwise.store import Event
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.replay.search_metrics import summed_by_rank
from shelfwise.trainer.statistics.catalogue_vectors import load_catalogue

K = 5
FIRST = 14  # days whose searches ask what was forgotten
SMOOTHED = 5  # days
NOTES = [
    "Gain kept: the share of full retrain's gain in HR@5 over frozen. Forgetting: HR@5 on the first two weeks' searches"
    " by the last night's model, minus that by the model that had just learned them; below zero is forgotten. Full"
    " retrain runs every fifth night, and its seconds count five times.",
    f"vs {SHIPPED}: the difference in HR@5 from day 2 on, with its paired 95 % bootstrap interval over queries.",
]
Row = dict[str, Any]


def main() -> None:
    parser = shops.options(__doc__)
    parser.add_argument("--strategies", default=",".join(STRATEGIES), help="default: %(default)s")
    given = parser.parse_args()
    names = given.strategies.split(",")
    if unknown := set(names) - set(STRATEGIES):
        parser.error(f"--strategies: {', '.join(sorted(unknown))}: there are {', '.join(STRATEGIES)}")
    torch.set_num_threads(threads())
    past = Past(shops.load(given))
    rows = {name: Life(name, past, given.model).live() for name in names}
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
        rows = (row for day in self.log.days for row in day if row["item"] in self.rows)
        return [
            Event(seq, row["ts"], row["type"], row["item"], row["user"], row["session"], row["query"])
            for seq, row in enumerate(rows)
        ]

    @cached_property
    def searches(self) -> list[list[QueryClick]]:
        """The clicks of each day, each a search of its own."""
        days = [self.log.clicks(day) for day in range(len(self.log.days))]
        return [[QueryClick(row["query"], row["item"], row["ts"], ()) for row in day] for day in days]

    def popularity(self, days: int) -> np.ndarray:
        """As of the midnight that ends the first `days` days, (n_items,)."""
        now = self.log.until(days - 1).timestamp()
        popular = decayed_popularity((event for event in self.events if event.ts < now), now)
        return np.array([popular.get(id, 0.0) for id in self.texts])

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self.texts, self.log.questions(0)]).encode()).hexdigest()[:16]


class Life:
    """One strategy's model, and what it was asked so far; nights are counted from 1.

    `NAME.jsonl` has a line a night, `NAME.pt` the weights after the newest; a line without its weights is done again.
    """

    def __init__(self, name: str, past: Past, model: str | None) -> None:
        self.name, self.strategy, self.past = name, STRATEGIES[name], past
        self.model = prepare(self.strategy, model)
        self.base = copied(self.model)
        self.vectors: dict[str, np.ndarray] = {}  # of the model as it is now
        self.done = Cases(past.log.out / f"{name}.jsonl")
        self.weights = past.log.out / f"{name}.pt"
        self.made_of = json.dumps([asdict(self.strategy), asdict(RECIPE), model, past.fingerprint])

    def live(self) -> list[Row]:
        """The row of every night; those that are kept are not lived again."""
        nights = len(self.past.log.days)
        for night in range(self._resume() + 1, nights + 1):
            row = self._night(night)
            if night == self.strategy.first_training(FIRST) or night == nights:
                row["first_days"] = self._ask_first(night)
            row = self.done.add(f"{night}", row)
            self._save(night)
            hit = summed_by_rank(row["ranks"], K)["hr"]
            print(f"{self.name}, night {night}: HR@{K} {hit:.3f}, trained {row['seconds']:.1f} s", flush=True)
        return [self.done.rows[f"{night}"] for night in range(1, nights + 1)]

    def _night(self, night: int) -> Row:
        searches = self.past.searches
        popular = self.past.popularity(night - 1)
        ranks = self._ask(self.past.log.questions(night - 1), popular)
        old = [search for day in searches[: night - 1] for search in day]
        seconds = learn_night(self.model, self.strategy, self.base, searches[night - 1], old, self.past.texts, night)
        if seconds:
            self.vectors.clear()
        return {"day": self.past.log.date(night - 1), "ranks": ranks, "seconds": seconds}

    def _ask_first(self, night: int) -> list[Rank]:
        """The ranks of the first two weeks' clicks, by the popularity of their end whenever they are asked."""
        return self._ask(self.past.log.questions(*range(FIRST)), self.past.popularity(FIRST)) if night >= FIRST else []

    def _ask(self, questions: Sequence[Question], popular: np.ndarray) -> list[Rank]:
        """The 1-based rank of each question's item; None beyond K."""
        if not questions:
            return []
        items = self._encode(list(self.past.texts.values()))  # (n_items, dim)
        queries = list(dict.fromkeys(query for query, _ in questions))
        scores = self._encode(queries) @ items.T + BLEND["popularity"] * popular  # (n_queries, n_items)
        shown = dict(zip(queries, np.argsort(-scores, axis=1, kind="stable")[:, :K].tolist(), strict=True))
        places = [(shown[query], self.past.rows[item]) for query, item in questions]
        return [found.index(row) + 1 if row in found else None for found, row in places]

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        missing = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if missing:
            vectors = self.model.encode(missing, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
            self.vectors |= dict(zip(missing, vectors, strict=True))
        return np.stack([self.vectors[text] for text in texts])

    def _resume(self) -> int:
        """Load the newest weights; returns the night that they are of."""
        if not self.weights.exists():
            return 0
        kept = torch.load(self.weights, map_location=self.model.device, weights_only=True)
        if kept["made_of"] != self.made_of:
            raise SystemExit(f"{self.weights}: of another log or other settings; remove it, or take another --out")
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
        chart.lines[name] = [summed_by_rank(_ranks(window), K)["hr"] for window in windows]
    (log.out / "continual.json").write_text(json.dumps(results, indent=1))
    write_page(log.out / "continual.html", "Continual strategies", NOTES, table, [chart])


def measure(name: str, rows: dict[str, list[Row]], log: Log) -> Row:
    """The figures of one strategy; None for those that need another strategy or more nights than there are."""
    mine = rows[name]
    seconds = {other: STRATEGIES[other].every * sum(row["seconds"] for row in nights) for other, nights in rows.items()}
    result: Row = {"made_of": asdict(STRATEGIES[name]), "nights": len(mine), "seconds": round(seconds[name], 1)}
    for part, first in (("from_day_2", 1), ("from_day_15", FIRST)):
        ranks = {other: _ranks(nights[first:]) for other, nights in rows.items()}
        result[part] = summed_by_rank(ranks[name], K) if ranks[name] else None
        result[f"{part}_gain_kept"] = _gain_kept(ranks, name)
    result["of_full"] = seconds[name] / seconds[FULL] if seconds.get(FULL) else None
    result["forgetting"] = _forgetting(mine, STRATEGIES[name].first_training(FIRST))
    if SHIPPED in rows and len(mine) > 1:
        before, after = (hits(_ranks(nights[1:]), K) for nights in (rows[SHIPPED], mine))
        result["against_shipped"] = compare(log.questions(*range(1, len(mine))), before, after)
    return result


def _ranks(nights: Sequence[Row]) -> list[Rank]:
    return [rank for row in nights for rank in row["ranks"]]


def _gain_kept(ranks: dict[str, list[Rank]], name: str) -> float | None:
    if not (ranks.get(FROZEN) and ranks.get(FULL)):
        return None
    frozen, full, mine = (summed_by_rank(ranks[other], K)["hr"] for other in (FROZEN, FULL, name))
    return (mine - frozen) / (full - frozen) if full != frozen else None


def _forgetting(nights: list[Row], learned: int) -> float | None:
    if len(nights) < learned:
        return None
    before, after = (row.get("first_days") for row in (nights[learned - 1], nights[-1]))
    if not before or not after:
        return None
    return summed_by_rank(after, K)["hr"] - summed_by_rank(before, K)["hr"]


def _cells(name: str, result: Row) -> list[str]:
    cells = [name]
    for part in ("from_day_2", "from_day_15"):
        found, kept = result[part], result[f"{part}_gain_kept"]
        cells += [f"{found['hr']:.3f} / {found['map']:.3f}" if found else "-", _share(kept)]
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
