"""The page of a replay: what learning brought, day by day, beside what a shop would have had without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment

__all__ = ["write_page"]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 860, 320, 44, 28
_CURVES = {"learning": "#0b7a5c", "frozen": "#8a6d3b", "bm25": "#7a7f87"}


def write_page(path: Path, report: dict[str, Any]) -> None:
    """Write a self-contained HTML page, without scripts and without anything from elsewhere."""
    days = report["days"]
    k = report["options"]["k"]
    page = Environment(autoescape=True).from_string(_PAGE)
    rows = [("shelfwise, learning every night", report["overall"])]
    rows += [(_LABELS[name], values) for name, values in report["baselines"].items()]
    ablations = [(name.replace("_", " "), values) for name, values in report["ablations"].items()]
    charts = [(label.format(k=k), _chart(days, measure)) for measure, label in (("hr", "HR@{k}"), ("map", "MAP@{k}"))]
    path.write_text(
        page.render(report=report, days=days, rows=rows, ablations=ablations, charts=charts, colours=_CURVES, k=k)
    )


def _chart(days: list[dict[str, Any]], measure: str) -> dict[str, Any]:
    """Points of the three curves and the grid, in the SVG's units."""
    values = [day["baselines"][name][measure] for day in days for name in _CURVES]
    low = max(0.0, min(values, default=0.0) // 0.1 * 0.1)
    step = (_WIDTH - _LEFT - 12) / max(1, len(days) - 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - (value - low) / (1 - low or 1) * (_HEIGHT - _BOTTOM - 10), 1)

    curves = {
        name: " ".join(
            f"{round(_LEFT + number * step, 1)},{y(day['baselines'][name][measure])}" for number, day in enumerate(days)
        )
        for name in _CURVES
    }
    ticks = [(round(low + part * (1 - low) / 4, 2), y(low + part * (1 - low) / 4)) for part in range(5)]
    every = max(1, len(days) // 8)
    dates = [
        (day["day"][5:], round(_LEFT + number * step, 1)) for number, day in enumerate(days) if number % every == 0
    ]
    return {"curves": curves, "ticks": ticks, "dates": dates}


_LABELS = {"frozen": "frozen encoder + words + popularity, never learning", "bm25": "BM25 alone"}

_PAGE = """<!doctype html>
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
{% for label, chart in charts %}<h2>{{ label }} by day</h2>
<p class="quiet">{% for name, colour in colours.items() %}<svg style="width:1.6em;height:4px"><rect width="100%"
height="4" fill="{{ colour }}"/></svg> {{ name }} &nbsp; {% endfor %}</p>
<svg viewBox="0 0 860 320" role="img" aria-label="{{ label }} by day">
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
