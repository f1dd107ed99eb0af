"""Render the page of a replay: what learning brought, period by period, beside the baselines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

__all__ = ["write_page"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 860, 320, 44, 28
_SEARCH = {"learning": "#0b7a5c", "frozen": "#8a6d3b", "bm25": "#7a7f87"}
_RECOMMEND = {
    "learning": "#0b7a5c", "own": "#2f6fb5", "als": "#8e5aa8", "ease": "#c4553b", "popularity_30d": "#8a6d3b",
    "popularity": "#7a7f87",
}  # fmt: skip
_LABELS = {
    "learning": "shelfwise, learning every night",
    "frozen": "frozen encoder + words + popularity, never learning",
    "bm25": "BM25 alone",
    "popularity": "most popular of all time",
    "popularity_30d": "most popular of the last 30 days",
    "own": "what the person had before",
    "als": "ALS (implicit)",
    "ease": "EASE",
}
_GROUPS = {
    "all": "everybody",
    "known": "people with history",
    "new_items": "new to the person",
    "known_new_items": "new to people with history",
}


def write_page(path: Path, report: Mapping[str, Any]) -> None:
    """Write a replay's report as a self-contained HTML page, without scripts and without anything from elsewhere."""
    task = report.get("task", "search")
    values = _search(report) if task == "search" else _recommend(report)
    page = _environment.get_template(f"replay_{task}.html")
    path.write_text(page.render(report=report, days=report["days"], k=report["options"]["k"], **values))


def _search(report: Mapping[str, Any]) -> dict[str, Any]:
    days, k = report["days"], report["options"]["k"]
    charts = [
        (f"{label} by day", _chart(days, {name: [name, measure] for name in _SEARCH}, 1.0))
        for measure, label in (("hr", f"HR@{k}"), ("map", f"MAP@{k}"))
    ]
    ablations = [(name.replace("_", " "), values) for name, values in report["ablations"].items()]
    return {"rows": _rows(report), "ablations": ablations, "charts": charts, "colours": _SEARCH}


def _recommend(report: Mapping[str, Any]) -> dict[str, Any]:
    k, sides = report["options"]["k"], {"learning", *report["baselines"]}
    colours = {name: colour for name, colour in _RECOMMEND.items() if name in sides}
    charts = []
    for measure, label, group in (
        ("recall", "Recall", "all"),
        ("recall", "Recall", "new_items"),
        ("ndcg", "nDCG", "all"),
    ):
        days = [day for day in report["days"] if day["baselines"]["learning"][group]["n"]]
        paths = {name: [name, group, measure] for name in colours}
        charts.append((f"{label}@{k} by period, {_GROUPS[group]}", _chart(days, paths)))
    return {
        "rows": _rows(report),
        "ahead": [(_LABELS[name], _ahead(report, name)) for name in report["baselines"]],
        "missing": [(_LABELS[name], reason) for name, reason in report["missing"].items()],
        "charts": charts,
        "colours": colours,
        "groups": _GROUPS,
    }


def _rows(report: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(_LABELS[name], values) for name, values in {"learning": report["overall"], **report["baselines"]}.items()]


def _ahead(report: Mapping[str, Any], name: str) -> list[str]:
    """Return by group in how many of the periods with questions the baseline's recall was not above ours."""
    periods = {group: sum(day["baselines"]["learning"][group]["n"] > 0 for day in report["days"]) for group in _GROUPS}
    return [f"{count - len(report['behind'][name][group])} of {count}" for group, count in periods.items()]


def _chart(days: Sequence[Any], paths: Mapping[str, Sequence[str]], top: float | None = None) -> dict[str, Any]:
    """Return the points of the curves and of the grid, in the SVG's units.

    `paths` lead from a day's baselines to a curve's value; `top` is the top of the grid (default: just above all).
    """
    series = {name: [_at(day["baselines"], path) for day in days] for name, path in paths.items()}
    values = [value for curve in series.values() for value in curve]
    low = max(0.0, min(values, default=0.0) // 0.1 * 0.1)
    high = math.ceil(max(values, default=1.0) * 20 + 0.01) / 20 if top is None else top
    step = (_WIDTH - _LEFT - 12) / max(1, len(days) - 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - (value - low) / (high - low or 1) * (_HEIGHT - _BOTTOM - 10), 1)

    def x(number: int) -> float:
        return round(_LEFT + number * step, 1)

    curves = {
        name: " ".join(f"{x(number)},{y(value)}" for number, value in enumerate(curve))
        for name, curve in series.items()
    }
    levels = [low + part * (high - low) / 4 for part in range(5)]
    every = max(1, len(days) // 8)
    return {
        "curves": curves,
        "ticks": [(round(level, 2 if top else 3), y(level)) for level in levels],
        "dates": [(day["day"][5:], x(number)) for number, day in enumerate(days) if number % every == 0],
    }


def _at(values: Any, path: Sequence[str]) -> float:
    for name in path:
        values = values[name]
    return float(values)


_environment = Environment(autoescape=True, loader=FileSystemLoader(Path(__file__).parent / "templates"))
