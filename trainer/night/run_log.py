"""What a night tells while it works: its progress, the seconds of each stage, and the report so far."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from shelfwise.night_report import NightReport
from shelfwise.trainer.statistics.catalogue_vectors import Progress

__all__ = ["RunLog"]


class RunLog:
    """The report of a running night; `note` is called with it after each stage, for the night may be killed."""

    def __init__(self, progress: Progress, note: Callable[[NightReport], object], report: NightReport) -> None:
        self.progress, self.report, self._note = progress, report, note

    def count(self, stage: str) -> Callable[[int, int], object]:
        """Return a function that tells the progress of a stage: (done, total)."""
        return lambda done, total: self.progress(stage, done, total)

    def warn(self, sentences: Iterable[str]) -> None:
        """Add warnings to the report."""
        self.report.warnings += sentences

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds within to those of the stage, and note the report."""
        started = time.perf_counter()
        yield
        seconds = self.report.seconds
        seconds[stage] = round(seconds.get(stage, 0.0) + time.perf_counter() - started, 2)
        self.report.peak_memory_mb = _peak_memory_mb()
        self._note(self.report)


def _peak_memory_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))
