"""Progress on standard error: one bar a stage, drawn seldom where standard error is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import click
from tqdm import tqdm

__all__ = ["ProgressBars", "RowCounter", "duration"]

_LABELS = {
    "catalogue": "encoding what is new", "train": "learning", "export": "exporting the encoder",
    "encode": "encoding items", "rank": "replaying past searches", "wishes": "replaying past visits",
    "trees": "training trees", "replay": "days",
}  # fmt: skip
_MIN_SECONDS = 5  # a shorter wait is not announced


class ProgressBars:
    """A `Progress` (stage, done, total) for nights and replays; a replay's own days stay above its nights' stages.

    `only` shows one stage alone. `pace` are the seconds that each stage took last time, in their order: with them a
    bar shows, beside the time that its own stage still needs, that of the stages after it.
    """

    def __init__(self, *, only: str | None = None, pace: Mapping[str, float] | None = None) -> None:
        self._only = only
        self._pace = pace or {}
        self._stage = ""
        self._bar: Any = None

    def print_estimate(self, budget_seconds: float | None = None) -> None:
        """Print how long the stages took last time, at most the budget; nothing when that is not known."""
        seconds = min(sum(self._pace.values()), budget_seconds or float("inf"))
        if seconds >= _MIN_SECONDS:
            click.echo(f"about {duration(seconds)} by last night's pace", err=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Draw that `done` of a stage's `total` steps are made, in a new bar for a new stage."""
        if self._only not in (None, stage) or total == 0:
            return
        if stage != self._stage:
            self.close()
            self._stage = stage
            self._bar = tqdm(total=total, desc=_LABELS.get(stage, stage), file=sys.stderr, mininterval=_interval())
            self._bar.set_postfix_str(self._then(stage), refresh=False)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def close(self) -> None:
        """Leave the bar as it is drawn."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _then(self, stage: str) -> str:
        """Return what the stages after this one took last time."""
        stages = list(self._pace)
        after = sum(self._pace[other] for other in stages[stages.index(stage) + 1 :]) if stage in stages else 0.0
        return f"then about {duration(after)}" if after >= _MIN_SECONDS else ""


class RowCounter:
    """A counter of rows whose total is unknown."""

    def __init__(self, label: str) -> None:
        self._bar = tqdm(desc=label, unit=" rows", file=sys.stderr, mininterval=_interval())

    def __call__(self, count: int) -> None:
        """Draw that `count` more rows were read."""
        self._bar.update(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()


def duration(seconds: float) -> str:
    """Return the seconds rounded as a person would say them: 40 s, 4 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _interval() -> float:
    """Return the seconds between two drawings: a log file needs fewer."""
    return 0.2 if sys.stderr.isatty() else 10.0
