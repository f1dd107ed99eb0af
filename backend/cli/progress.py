"""Progress on standard error: one bar a stage, silent where nobody watches (no terminal) but for a line a stage."""

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
    "encode": "encoding items", "rank": "looking at past searches", "wishes": "looking at past visits",
    "trees": "growing trees", "replay": "days",
}  # fmt: skip
_LEAST_SECONDS = 5  # a shorter wait needs no telling


class ProgressBars:
    """A `Progress` (stage, done, total) for nights and replays; a replay's own days stay above its nights' stages.

    `pace` are the seconds that each stage took last time, in their order. With them a bar says, beside the time its
    own stage still needs, what is to come after it.
    """

    def __init__(self, *, only: str | None = None, pace: Mapping[str, float] | None = None) -> None:
        self._only = only
        self._pace = pace or {}
        self._stage = ""
        self._bar: Any = None

    def print_estimate(self, most: float | None = None) -> None:
        """Say how long it will take, at most `most` seconds; nothing when that is not known."""
        whole = min(sum(self._pace.values()), most or float("inf"))
        if whole >= _LEAST_SECONDS:
            click.echo(f"about {duration(whole)} by last night's pace", err=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
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
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _then(self, stage: str) -> str:
        """What the stages after this one took last time."""
        stages = list(self._pace)
        after = sum(self._pace[other] for other in stages[stages.index(stage) + 1 :]) if stage in stages else 0.0
        return f"then about {duration(after)}" if after >= _LEAST_SECONDS else ""


class RowCounter:
    """Counts rows whose total is unknown."""

    def __init__(self, label: str) -> None:
        self._bar = tqdm(desc=label, unit=" rows", file=sys.stderr, mininterval=_interval())

    def __call__(self, more: int) -> None:
        self._bar.update(more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()


def duration(seconds: float) -> str:
    """Rounded as a person would say it: 40 s, 4 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _interval() -> float:
    """Seconds between two drawings: a log file needs fewer."""
    return 0.2 if sys.stderr.isatty() else 10.0
