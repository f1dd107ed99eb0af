"""Replay: a shop's own log, day by day, each day asked with what was known the evening before.

The options are checked here and the report is written; `replay_log` lives through the log, `replay_search` and
`replay_shelves` ask and score.
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

_TASKS = {"search": 5, "recommend": 10}  # and the k where none is asked for
_NOTHING = {
    "search": "no click on a known item between --start and --end",
    "recommend": "nobody with an id took a known item between --start and --end",
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
    """Replay the log and write `report.json` and `replay.html` into the folder `report`; returns the report.

    `start` and `end` are inclusive UTC days; `only="encoder"` searches by the nightly encoder, with popularity as a
    weak prior and nothing else. `k` is 5 for the task `search`, 10 for `recommend`.
    Raises InvalidInput for bad options or a log without anything to ask in that time.
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
        if not run.asked():
            raise InvalidInput(f"{events}: {_NOTHING[task]}", "--start")
        result = run.result()
    result["seconds"]["total"] = round(time.perf_counter() - began, 1)
    result["options"] = {"start": start, "end": end, "every_days": every_days, "k": k, "only": only, "model": model}
    (folder / "report.json").write_text(json.dumps(result, indent=1))
    write_page(folder / "replay.html", result)
    return result


def _check(task: str, only: str | None, every_days: int, k: int | None) -> int:
    """The k to use. Raises InvalidInput for options that mean nothing."""
    if task not in _TASKS:
        raise InvalidInput(f"--task {task!r}: a replay is of {' or '.join(map(repr, _TASKS))}", "--task")
    if only not in (None, "encoder"):
        raise InvalidInput(f"--only {only!r}: the one source that can stand alone is 'encoder'", "--only")
    if only and task != "search":
        raise InvalidInput(f"--only {only!r}: is for --task search; shelves come of all sources", "--only")
    k = _TASKS[task] if k is None else k
    if every_days < 1:
        raise InvalidInput(f"--every {every_days}: is a number of days, 1 or more", "--every")
    if not 1 <= k <= MAX_LIMIT:
        raise InvalidInput(f"--k {k}: is a number of hits from 1 to {MAX_LIMIT}", "--k")
    return k
