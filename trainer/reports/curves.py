"""Turn a training's losses and dev scores into curves, in per cent of a chart; tell numbers from other figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["dev_curve", "is_number", "loss_curve", "number"]

_MAX_POINTS = 240


def loss_curve(losses: Sequence[Any], steps: Any) -> dict[str, Any] | None:
    """Return the curve of the losses, spread evenly over the steps; None without any.

    Runs of losses are averaged so that at most 240 points stay and the page is small.
    """
    last = int(steps) if steps else len(losses)
    step = (last - 1) / max(1, len(losses) - 1)
    points = [(1 + position * step, number(loss)) for position, loss in enumerate(losses) if is_number(loss)]
    run = math.ceil(len(points) / _MAX_POINTS) or 1
    runs = [points[start : start + run] for start in range(0, len(points), run)]
    means = [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in runs]
    return _curve("loss by step", means)


def dev_curve(points: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    """Return the curve of the dev scores, each [step, nDCG]; None without any."""
    return _curve("nDCG by step", [(number(point[0]), number(point[1])) for point in points if is_number(point[1])])


def is_number(value: Any) -> bool:
    """Return whether the value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def number(value: Any) -> float:
    """Return the value as a float, 0.0 where it is not a finite number."""
    return float(value) if is_number(value) else 0.0


def _curve(label: str, points: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """Return points in per cent of the chart, y downwards, and the ticks at its top, middle and bottom."""
    if not points:
        return None
    first, last = points[0][0], points[-1][0]
    low, high = min(y for _, y in points), max(y for _, y in points)
    scaled = [
        (round(100 * (x - first) / ((last - first) or 1), 2), round(100 * (high - y) / ((high - low) or 1), 2))
        for x, y in points
    ]
    line = " ".join(f"{x},{y}" for x, y in scaled)
    ticks = [f"{value:.3f}" for value in (high, (high + low) / 2, low)]
    words = f"{points[0][1]:.3f}" + (
        f" → {points[-1][1]:.3f}, steps {first:.0f} to {last:,.0f}" if last > first else ""
    )
    return {
        "label": label, "line": line, "points": scaled, "ticks": ticks, "first": round(first), "last": round(last),
        "words": words,
    }  # fmt: skip
