"""Milliseconds of single calls. They drift on shared machines: compare ratios within one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

__all__ = ["print_percentiles", "timed"]

Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """Return the milliseconds that a call takes, and its result."""
    started = time.perf_counter()
    result = call()
    return (time.perf_counter() - started) * 1000, result


def print_percentiles(name: str, times: Sequence[float], width: int = 60) -> None:
    """Print p50 and p99 of milliseconds behind a name of this width."""
    p50, p99 = np.percentile(times, (50, 99))
    print(f"{name:<{width}} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms")
