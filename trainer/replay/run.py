"""Replay a shop's own log: validate the options, live through the log, write the report.

`base.py` lives through the log; `search.py` and `recommend.py` ask and score.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from shelfwise.arguments import MAX_LIMIT
from shelfwise.errors import InvalidInput
from shelfwise.ingest.readers import BadRow
from shelfwise.timestamps import DAY
from shelfwise.trainer.replay.base import Replay, ReplayInputs, period
from shelfwise.trainer.replay.recommend import RecommendReplay
from shelfwise.trainer.replay.search import SearchReplay
from shelfwise.trainer.reports.replay_page import write_page
from shelfwise.trainer.statistics.catalogue_vectors import Progress

__all__ = ["replay"]

_TASKS = {"search": 5, "recommend": 10}  # the task, and its default k
_NO_QUESTIONS = {
    "search": "expected a click on a known item between --start and --end, got none",
    "recommend": "expected a known item taken by a user with an id between --start and --end, got none",
}


def replay(
    items: str,
    events: str,
    *,
    start: str,
    report: str | Path,
    task: str = "search",
    end: str | None = None,
    rename: Iterable[str] = (),
    event_type: str | None = None,
    scale: Iterable[str] = (),
    every_days: int = 1,
    k: int | None = None,
    model: str | None = None,
    only: str | None = None,
    on_bad_row: Callable[[BadRow], object] = lambda bad: None,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Replay the log, write `report.json` and `replay.html` into the folder `report`, and return the report.

    Args:
        items: The catalogue's file.
        events: The log's file.
        start: The first scored UTC day; days before it are learned only.
        report: The folder to write into.
        task: `search`, clicks with a query; or `recommend`, first baskets.
        end: The last scored UTC day, inclusive (default: the log's last).
        rename: `FIELD=COLUMN` for each column of another name.
        event_type: The type of every event, where the log names none.
        scale: `FIELD=FACTOR` for numbers in other units.
        every_days: Days between two nights.
        k: How many hits count (default: 5 for `search`, 10 for `recommend`).
        model: The base model (default: all-MiniLM-L6-v2).
        only: `encoder` searches by the nightly encoder, with popularity as a weak prior and nothing else.
        on_bad_row: Called with each row that can't be read.
        progress: Called with (stage, done, total).

    Raises InvalidInput for bad options, or a log without a question in that time.
    """
    k = _check(task, only, every_days, k)
    folder = Path(report)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder, prefix="shops-") as scratch, ExitStack() as stack:
        run: Replay
        if task == "search":
            run = SearchReplay(Path(scratch), stack, k, progress, encoder_only=only == "encoder")
        else:
            run = RecommendReplay(Path(scratch), stack, k, progress)
        run.load(ReplayInputs(items, events, list(rename), list(scale), event_type, model, on_bad_row))
        first, last = period(run.log, start, end)
        run.live_through(first, last, every_days * DAY)
        if not run.question_count():
            raise InvalidInput(f"{events}: {_NO_QUESTIONS[task]}", "--start")
        result = run.result()
    result["seconds"]["total"] = round(time.perf_counter() - began, 1)
    result["options"] = {"start": start, "end": end, "every_days": every_days, "k": k, "only": only, "model": model}
    (folder / "report.json").write_text(json.dumps(result, indent=1))
    write_page(folder / "replay.html", result)
    return result


def _check(task: str, only: str | None, every_days: int, k: int | None) -> int:
    """Return the k to use. Raises InvalidInput for options out of range or that exclude each other."""
    if task not in _TASKS:
        raise InvalidInput(f"--task: expected {' or '.join(map(repr, _TASKS))}, got {task!r}", "--task")
    if only not in (None, "encoder"):
        raise InvalidInput(f"--only: expected 'encoder', got {only!r}", "--only")
    if only and task != "search":
        raise InvalidInput(f"--only: expected --task search with it, got --task {task}", "--only")
    k = _TASKS[task] if k is None else k
    if every_days < 1:
        raise InvalidInput(f"--every: expected a number of days from 1 on, got {every_days}", "--every")
    if not 1 <= k <= MAX_LIMIT:
        raise InvalidInput(f"--k: expected a number of hits from 1 to {MAX_LIMIT}, got {k}", "--k")
    return k
