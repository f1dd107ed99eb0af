"""Tables and curves of the benches: as text, and as one HTML page without scripts or anything from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _MARGIN = 860, 340, 44, 28, 12
# Told apart by people who see few colours: after Okabe & Ito (2008), and two more.
_COLOURS = (
    "#7a7f87",
    "#e69f00",
    "#009e73",
    "#0072b2",
    "#56b4e9",
    "#cc79a7",
    "#d55e00",
    "#1c2024",
    "#8a6d3b",
    "#9467bd",
)


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is names, the others are figures."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Return the table in columns of equal width."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = []
        for row in (self.header, *self.rows):
            name, *figures = zip(row, widths, strict=True)
            lines.append("  ".join([name[0].ljust(name[1]), *(cell.rjust(width) for cell, width in figures)]))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over the same x labels; None leaves a point out. `spans[name]` are the intervals of a curve's points."""

    label: str
    x_labels: Sequence[str]
    lines: dict[str, list[float | None]] = field(default_factory=dict)
    spans: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def to_svg(self) -> dict[str, object]:
        """Return curves, ticks and labels in the units of the SVG."""
        known = [value for line in self.lines.values() for value in line if value is not None]
        known += [value for spans in self.spans.values() for span in spans for value in span]
        low, high = math.floor(min(known, default=0) * 20) / 20, math.ceil(max(known, default=1) * 20) / 20
        step = (_WIDTH - _LEFT - 3 * _MARGIN) / max(1, len(self.x_labels) - 1)

        def x(at: int, number: int = 0) -> float:
            return round(_LEFT + _MARGIN + at * step + 4 * number * bool(self.spans), 1)  # intervals side by side

        def y(value: float) -> float:
            share = (value - low) / (high - low or 1)
            return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _MARGIN), 1)

        curves = []
        for number, (name, line) in enumerate(self.lines.items()):
            points = [(x(at, number), y(value)) for at, value in enumerate(line) if value is not None]
            spans = [(x(at, number), y(a), y(b)) for at, (a, b) in enumerate(self.spans.get(name, []))]
            curves.append((name, _COLOURS[number % len(_COLOURS)], points, spans))
        ticks = [round(low + part * (high - low) / 5, 3) for part in range(6)]
        every = max(1, len(self.x_labels) // 8)
        labels = [(label, x(at)) for at, label in enumerate(self.x_labels) if at % every == 0]
        return {"label": self.label, "curves": curves, "ticks": [(tick, y(tick)) for tick in ticks], "x_labels": labels}


def write_page(path: Path, title: str, notes: Sequence[str], table: Table, charts: Sequence[Chart]) -> None:
    """Write a page of the table, the notes below it, and the charts.

    Args:
        path: The file.
        title: Of the page.
        notes: Paragraphs.
        table: The figures.
        charts: Their curves.
    """
    page = Environment(autoescape=True).from_string(_PAGE)
    size = {"width": _WIDTH, "height": _HEIGHT, "left": _LEFT}
    path.write_text(
        page.render(title=title, notes=notes, table=table, charts=[chart.to_svg() for chart in charts], **size)
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #1c2024 }
.quiet { color: #5c6370 } svg.chart { width: 100%; height: auto }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: 14px }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid #e3e6ea }
th:first-child, td:first-child { text-align: left }
</style></head><body>
<h1>{{ title }}</h1>
<table><tr>{% for cell in table.header %}<th>{{ cell }}</th>{% endfor %}</tr>
{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% for note in notes %}<p class="quiet">{{ note }}</p>
{% endfor %}
{% for chart in charts %}<h2>{{ chart.label }}</h2>
<p class="quiet">{% for name, colour, points, spans in chart.curves %}<svg style="width:1.6em;height:4px"><rect
width="100%" height="4" fill="{{ colour }}"/></svg> {{ name }} &nbsp; {% endfor %}</p>
<svg class="chart" viewBox="0 0 {{ width }} {{ height }}" role="img" aria-label="{{ chart.label }}">
{% for value, y in chart.ticks %}<line x1="{{ left }}" x2="{{ width }}" y1="{{ y }}" y2="{{ y }}" stroke="#e3e6ea"/>
<text x="{{ left - 6 }}" y="{{ y + 4 }}" text-anchor="end" font-size="12" fill="#5c6370">{{ value }}</text>{% endfor %}
{% for text, x in chart.x_labels %}<text x="{{ x }}" y="{{ height - 6 }}" font-size="12" text-anchor="middle"
fill="#5c6370">{{ text }}</text>{% endfor %}
{% for name, colour, points, spans in chart.curves %}<polyline fill="none" stroke="{{ colour }}" stroke-width="2"
points="{% for x, y in points %}{{ x }},{{ y }} {% endfor %}"/>
{% for x, y in points if spans %}<circle cx="{{ x }}" cy="{{ y }}" r="3" fill="{{ colour }}"/>{% endfor %}
{% for x, low, high in spans %}<line x1="{{ x }}" x2="{{ x }}" y1="{{ low }}" y2="{{ high }}" stroke="{{ colour }}"/>
{% endfor %}{% endfor %}</svg>
{% endfor %}</body></html>
"""
