"""The page of a replay: what learning brought, day by day, beside what a shop would have had without it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment

__all__ = ["write_page"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 860, 320, 44, 28
_SEARCH = {"learning": "#0b7a5c", "frozen": "#8a6d3b", "bm25": "#7a7f87"}
_SHELVES = {
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
    """Write a self-contained HTML page, without scripts and without anything from elsewhere."""
    pages = DictLoader({"base": _BASE, "search": _OF_SEARCH, "recommend": _OF_SHELVES})
    task = report.get("task", "search")
    values = _search(report) if task == "search" else _shelves(report)
    page = Environment(autoescape=True, loader=pages).get_template(task)
    path.write_text(page.render(report=report, days=report["days"], k=report["options"]["k"], **values))


def _search(report: Mapping[str, Any]) -> dict[str, Any]:
    days, k = report["days"], report["options"]["k"]
    charts = [
        (f"{label} by day", _chart(days, {name: [name, measure] for name in _SEARCH}, 1.0))
        for measure, label in (("hr", f"HR@{k}"), ("map", f"MAP@{k}"))
    ]
    ablations = [(name.replace("_", " "), values) for name, values in report["ablations"].items()]
    return {"rows": _rows(report), "ablations": ablations, "charts": charts, "colours": _SEARCH}


def _shelves(report: Mapping[str, Any]) -> dict[str, Any]:
    k, sides = report["options"]["k"], {"learning", *report["baselines"]}
    colours = {name: colour for name, colour in _SHELVES.items() if name in sides}
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
    """By group in how many of the periods with questions the baseline's recall was not above ours."""
    asked = {group: sum(day["baselines"]["learning"][group]["n"] > 0 for day in report["days"]) for group in _GROUPS}
    return [f"{count - len(report['behind'][name][group])} of {count}" for group, count in asked.items()]


def _chart(days: Sequence[Any], paths: Mapping[str, Sequence[str]], most: float | None = None) -> dict[str, Any]:
    """Points of the curves and the grid, in the SVG's units.

    `paths` lead from a day's baselines to a curve's value; `most` is the top of the grid, by default just above all.
    """
    series = {name: [_at(day["baselines"], path) for day in days] for name, path in paths.items()}
    values = [value for curve in series.values() for value in curve]
    low = max(0.0, min(values, default=0.0) // 0.1 * 0.1)
    high = math.ceil(max(values, default=1.0) * 20 + 0.01) / 20 if most is None else most
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
        "ticks": [(round(level, 2 if most else 3), y(level)) for level in levels],
        "dates": [(day["day"][5:], x(number)) for number, day in enumerate(days) if number % every == 0],
    }


def _at(values: Any, path: Sequence[str]) -> float:
    for name in path:
        values = values[name]
    return float(values)


_BASE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>shelfwise replay</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2rem auto; padding: 0 1rem; color: #1c2024 }
h1 { margin-bottom: 0 } .quiet { color: #5c6370 } svg { width: 100%; height: auto }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid #e3e6ea }
th:first-child, td:first-child { text-align: left } tr.best td { font-weight: 600 }
.note { background: #fdf6e3; padding: .6rem 1rem; border-radius: 6px }
.key { display: inline-block; width: 1.2em; height: 3px; vertical-align: middle; margin: 0 .3em 0 1em }
</style></head><body>
<h1>Replay</h1>
{% block tables %}{% endblock %}
{% for label, chart in charts %}<h2>{{ label }}</h2>
<p class="quiet">{% for name, colour in colours.items() %}<svg style="width:1.6em;height:4px"><rect width="100%"
height="4" fill="{{ colour }}"/></svg> {{ name }} &nbsp; {% endfor %}</p>
<svg viewBox="0 0 860 320" role="img" aria-label="{{ label }}">
{% for value, y in chart.ticks %}<line x1="44" x2="850" y1="{{ y }}" y2="{{ y }}" stroke="#e3e6ea"/>
<text x="38" y="{{ y + 4 }}" text-anchor="end" font-size="12" fill="#5c6370">{{ value }}</text>{% endfor %}
{% for date, x in chart.dates %}<text x="{{ x }}" y="314" font-size="12" text-anchor="middle" fill="#5c6370">{{ date }}
</text>{% endfor %}
{% for name, points in chart.curves.items() %}<polyline points="{{ points }}" fill="none"
stroke="{{ colours[name] }}" stroke-width="{{ 3 if name == 'learning' else 1.8 }}"/>{% endfor %}</svg>{% endfor %}
<p class="quiet">Left out: {% for name, count in report.left_out.items() %}{{ name.replace("_", " ") }} {{ count }}{{
", " if not loop.last }}{% endfor %}.</p>
</body></html>
"""

_OF_SEARCH = """{% extends "base" %}{% block tables %}
<p class="quiet">{{ days[0].day }} to {{ days[-1].day }} · {{ "{:,}".format(report.overall.all.n) }} clicks ·
{{ report.seconds.nights }} nights, {{ report.seconds.night }} s each on average</p>
<p class="note">{{ report.note }} A click counts when its item was among the first {{ k }} hits, searched with
what was known the evening before.</p>
<table><tr><th></th>{% for kind in ("all clicks", "unseen queries", "new items") %}<th>{{ kind }}<br>HR / MAP</th>
{% endfor %}</tr>
{% for label, values in rows %}<tr{% if loop.first %} class="best"{% endif %}><td>{{ label }}</td>
{% for kind in ("all", "unseen_queries", "new_items") %}
<td>{{ "%.3f"|format(values[kind].hr) }} / {{ "%.3f"|format(values[kind].map) }}</td>{% endfor %}</tr>{% endfor %}
{% for label, values in ablations %}<tr class="quiet"><td>learning, {{ label }}</td>
{% for kind in ("all", "unseen_queries", "new_items") %}
<td>{{ "%.3f"|format(values[kind].hr) }} / {{ "%.3f"|format(values[kind].map) }}</td>{% endfor %}</tr>{% endfor %}
<tr class="quiet"><td>clicks</td>{% for kind in ("all", "unseen_queries", "new_items") %}
<td>{{ "{:,}".format(report.overall[kind].n) }}</td>{% endfor %}</tr></table>
{% endblock %}"""

_OF_SHELVES = """{% extends "base" %}{% macro each(values, measure) %}{% for group in groups %}
<td>{{ "%.3f"|format(values[group][measure]) }}</td>{% endfor %}{% endmacro %}
{% macro heads(first) %}<tr><th>{{ first }}</th>{% for label in groups.values() %}<th>{{ label }}</th>{% endfor %}</tr>
{% endmacro %}
{% block tables %}
<p class="quiet">{{ days[0].day }} to {{ days[-1].day }} · {{ "{:,}".format(report.overall.all.n) }} first baskets ·
{{ report.seconds.nights }} nights, {{ report.seconds.night }} s each on average</p>
<p class="note">{{ report.note }} Everybody who took something in a period is asked for {{ k }} items with what was
known the evening before it, and compared with their first basket; then again for what they never had before.</p>
{% for title, measure in (("Recall", "recall"), ("nDCG", "ndcg"), ("Hit rate", "hr")) %}
<table>{{ heads(title ~ "@" ~ k) }}
{% for label, values in rows %}<tr{% if loop.first %} class="best"{% endif %}><td>{{ label }}</td>{{
each(values, measure) }}</tr>{% endfor %}
{% if loop.first %}<tr class="quiet"><td>people asked</td>{% for group in groups %}
<td>{{ "{:,}".format(report.overall[group].n) }}</td>{% endfor %}</tr>{% endif %}</table>{% endfor %}
<table>{{ heads("Periods in which its recall was not above ours") }}
{% for label, counts in ahead %}<tr><td>{{ label }}</td>{% for count in counts %}<td>{{ count }}</td>{% endfor %}</tr>
{% endfor %}</table>
<table><tr><th>What was shown</th><th>share of the catalogue</th><th>mean percentile by popularity</th></tr>
{% for label, values in rows %}<tr{% if loop.first %} class="best"{% endif %}><td>{{ label }}</td>
<td>{{ "%.3f"|format(values.all.coverage) }}</td><td>{{ "%.3f"|format(values.all.popularity) }}</td></tr>{% endfor %}
</table>
<p class="quiet">The baselines are fitted anew each period to all events before it: 64 factors for ALS, λ 500 for
EASE, a half-life of 60 days for what the person had. What one has no idea of is filled with the most popular of 30
days.
{% for label, reason in missing %}{{ label }} was left out: {{ reason }}. {% endfor %}</p>
{% endblock %}"""
