"""Progress on standard error: one bar a stage, silent where nobody watches (no terminal) but for a line a stage."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

__all__ = ["Bars", "Counter"]

_LABELS = {
    "train": "learning", "export": "exporting the encoder", "encode": "encoding items", "replay": "days",
}  # fmt: skip


class Bars:
    """A `Progress` (stage, done, total) for nights and replays; a replay's own days stay above its nights' stages."""

    def __init__(self, *, only: str | None = None) -> None:
        self._only = only
        self._stage = ""
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._only not in (None, stage) or total == 0:
            return
        if stage != self._stage:
            self.close()
            self._stage = stage
            self._bar = tqdm(total=total, desc=_LABELS.get(stage, stage), file=sys.stderr, mininterval=_interval())
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


class Counter:
    """Counts rows whose total is unknown."""

    def __init__(self, label: str) -> None:
        self._bar = tqdm(desc=label, unit=" rows", file=sys.stderr, mininterval=_interval())

    def __call__(self, more: int) -> None:
        self._bar.update(more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()


def _interval() -> float:
    """Seconds between two drawings: a log file needs fewer."""
    return 0.2 if sys.stderr.isatty() else 10.0
