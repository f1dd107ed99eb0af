"""The page of a night, `report.html` in its generation: the verdict, what it rests on, and what the night did.

No scripts and nothing from elsewhere. A chart stretches with `preserveAspectRatio="none"`, so that it fits any screen;
its words are HTML around it and keep their size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

from shelfwise.trainer.reports.night_summary import summarise_night

__all__ = ["write_night_page"]


def write_night_page(path: Path, night: Mapping[str, Any]) -> None:
    """Write a self-contained HTML page of a night's report with the keys "night", "verdict" and "reason" added."""
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    path.write_text(page.render(summarise_night(night)), encoding="utf-8")


_STYLE = """
:root { --paper: #faf9f6; --card: #fff; --ink: #1c2024; --soft: #626973; --line: #e2e5e2; --good: #0b7a5c;
  --bad: #b3391f; --warn: #fdf3da; --warn-ink: #6b4a06; --shade: #e9ece8; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --paper: #16181a; --card: #1e2123; --ink: #eceef0; --soft: #9aa2ab;
  --line: #34393d; --good: #5cc5a2; --bad: #f08a70; --warn: #3a3015; --warn-ink: #f1d997; --shade: #2f3437 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 980px; margin: 0 auto; padding: 2rem 1rem 4rem;
  background: var(--paper); color: var(--ink) }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 }
h2 { font-size: 1.15rem; margin: 0 0 .8rem } h3 { font-size: .95rem; margin: 1.4rem 0 .3rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem;
  margin-top: 1.1rem; overflow-x: auto }
.quiet { color: var(--soft) } p { margin: .5rem 0; overflow-wrap: anywhere } p.quiet, .legend { font-size: .88rem }
.verdict { padding: .05em .55em .12em; border-radius: .4em; color: var(--card); background: var(--soft);
  font-size: .68em; vertical-align: .12em }
.published, .compacted { background: var(--good) } .refused, .failed, .killed { background: var(--bad) }
.good { color: var(--good) } .bad { color: var(--bad) }
.reason { font-size: 1.08rem; max-width: 75ch; margin: .8rem 0 .4rem }
.warnings { background: var(--warn); color: var(--warn-ink); border-color: transparent }
.warnings ul { margin: 0; padding-left: 1.2rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .4rem .5rem; border-bottom: 1px solid var(--line); vertical-align: middle }
tr:last-child td { border-bottom: 0 } th { font-weight: 500; font-size: .85rem; color: var(--soft) }
th:first-child, td:first-child { text-align: left; padding-left: 0 } th:last-child, td:last-child { padding-right: 0 }
td small { display: block; color: var(--soft); font-size: .82rem }
td.words { overflow-wrap: anywhere; min-width: 5.5rem }
.place { white-space: nowrap } .left { text-align: left !important }
.whisker { display: block; width: 100%; min-width: 110px; height: 24px; overflow: visible }
.whisker .band { fill: var(--shade) } .whisker line { stroke: var(--soft); stroke-width: 1 }
.whisker .bar { stroke: currentColor; stroke-width: 2 } .whisker circle { fill: currentColor }
td.difference { width: 42% } .difference, .difference small { text-align: center !important }
.chart { display: grid; grid-template-columns: auto 1fr; gap: .2rem .6rem; margin: .3rem 0 0; font-size: .8rem;
  color: var(--soft) }
.chart .y { display: flex; flex-direction: column; justify-content: space-between; text-align: right; margin: -.6em 0 }
.chart .x { grid-column: 2; display: flex; justify-content: space-between }
.chart svg { width: 100%; height: 170px; overflow: visible } .chart.low svg { height: 90px }
.chart path, .chart polyline { fill: none; vector-effect: non-scaling-stroke; stroke: var(--good); stroke-width: 2 }
.chart .grid { stroke: var(--line); stroke-width: 1 }
.chart .dot { stroke-width: 9; stroke-linecap: round } .chart .thin { stroke-width: 1.2 }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 0 2rem; margin: 0 }
dl div { display: flex; justify-content: space-between; gap: 1rem; padding: .28rem 0;
  border-bottom: 1px solid var(--line) }
dt { color: var(--soft) }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 0 2.5rem }
.two h3 { margin-top: .2rem }
.bars { display: grid; grid-template-columns: auto 1fr auto; gap: .35rem .8rem; align-items: center }
.bars i { display: block; height: .8rem; border-radius: 3px; background: var(--good); min-width: 2px }
.bars b { font-weight: 400; text-align: right; font-variant-numeric: tabular-nums }
@media (max-width: 560px) {
  body { padding-top: 1.2rem } section { padding: .9rem } h1 { font-size: 1.5rem } table { font-size: .9rem }
  th, td { padding: .4rem .3rem } .two > div + div h3 { margin-top: 1.2rem }
  .measures .place { white-space: normal }
  .exams tr { display: grid; grid-template-columns: 1fr 3.4rem 3.4rem; border-bottom: 1px solid var(--line) }
  .exams th, .exams td { border: 0 } .exams .difference { grid-column: 1 / -1; width: auto; padding: 0 0 .5rem }
  .exams th.difference { display: none } .exams td.words { grid-column: 1 / -1; text-align: left; padding: 0 0 .5rem }
}
"""

_CHARTS = """
{% macro frame(chart, low) %}
<div class="chart{{ ' low' if low }}"><div class="y">{% for value in chart.ticks %}<span>{{ value }}</span>{% endfor %}
</div><svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{{ chart.label }}">
{% for y in (0, 50, 100) %}<path class="grid" d="M0 {{ y }} H100"/>{% endfor %}
<polyline class="{{ 'thin' if low }}" points="{{ chart.line }}"/>
{% if low or chart.points | length == 1 %}
{% for x, y in chart.points %}<path class="dot" d="M{{ x }} {{ y }} h.01"/>{% endfor %}{% endif %}
</svg><div class="x"><span>step {{ chart.first }}</span><span>step {{ "{:,}".format(chart.last) }}</span></div></div>
{% endmacro %}
{% macro whisker(exam) %}
<svg class="whisker {{ exam.mood }}" role="img" aria-label="difference {{ exam.words }}">
<rect class="band" x="{{ exam.band.x }}%" width="{{ exam.band.width }}%" y="0" height="24"/>
<line x1="50%" x2="50%" y1="0" y2="24"/>
<line class="bar" x1="{{ exam.low }}%" x2="{{ exam.high }}%" y1="12" y2="12"/>
{% for end in exam.ends %}<line class="bar" x1="{{ end }}%" x2="{{ end }}%" y1="7" y2="17"/>{% endfor %}
<circle cx="{{ exam.middle }}%" cy="12" r="4.5"/></svg>{% endmacro %}
{% macro facts(pairs) %}<dl>{% for name, value in pairs %}<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>
{% endfor %}</dl>{% endmacro %}
"""

_PAGE = (
    _CHARTS
    + """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}: {{ verdict }}</title><style>"""
    + _STYLE
    + """</style></head><body>
<h1>{{ title }} <span class="verdict {{ verdict }}">{{ verdict }}</span></h1>
{% if reason %}<p class="reason">{{ reason }}</p>{% endif %}
<p class="quiet">{{ facts_line | join(" · ") }}</p>
{% if warnings %}<section class="warnings"><h2>Warnings</h2>
<ul>{% for warning in warnings %}<li>{{ warning }}</li>{% endfor %}</ul></section>{% endif %}

{% if exams %}<section><h2>Exams</h2>
<table class="exams">
<tr><th>exam</th><th>parent</th><th>child</th><th class="difference">difference in nDCG@10</th></tr>
{% for exam in exams %}<tr><td>{{ exam.name }}<small>{{ exam.questions }},
<span class="{{ 'good' if exam.passed else 'bad' }}">{{ "passed" if exam.passed else "not passed" }}</span></small></td>
{% if exam.words %}<td>{{ exam.parent }}</td><td>{{ exam.child }}</td>
<td class="difference">{{ whisker(exam) }}<small>{{ exam.words }}</small></td>
{% else %}<td colspan="3" class="words">{{ exam.reason or "nothing to compare" }}</td>{% endif %}</tr>
{% endfor %}</table>
<p class="legend quiet">The bar is the 95 % interval of child − parent in nDCG@10, question by question; shaded is the
tolerance. A child is refused when its whole bar lies left of the shade.</p>
{% if measures %}<h3>All measures, parent → child</h3>
<table class="measures"><tr><th></th>{% for name in measured %}<th>{{ name }}</th>{% endfor %}</tr>
{% for name, cells in measures %}<tr><td>{{ name }}</td>
{% for cell in cells %}<td class="place">{{ cell.words }}{% if cell.count %}<small>{{ cell.count }}</small>
{% endif %}</td>{% endfor %}</tr>{% endfor %}</table>{% endif %}
{% if precision %}<p class="quiet">{{ precision }}</p>{% endif %}</section>{% endif %}

{% if loss or dev or not_trained or ranker or shelf_ranker %}<section><h2>Learning</h2>
{% if not_trained %}<p>Not trained: {{ not_trained }}</p>{% endif %}
{% if loss %}<h3>Loss</h3>{{ frame(loss, false) }}{% endif %}
{% if not_numbers %}<p class="bad">{{ not_numbers }} of the losses are no numbers.</p>{% endif %}
{% if dev %}<h3>nDCG@10 on the questions kept for stopping early</h3>{{ frame(dev, true) }}{% endif %}
{% if ranker %}<h3>Ranker of searches</h3><p>{{ ranker }}</p>{% endif %}
{% if shelf_ranker %}<h3>Ranker of shelves</h3><p>{{ shelf_ranker }}</p>{% endif %}
</section>{% endif %}

{% if moved %}<section><h2>Queries that moved most</h2><div class="two">
{% for name, rows in moved %}<div><h3 class="{{ 'good' if loop.first else 'bad' }}">{{ name }}</h3>
{% if rows %}<table><tr><th>query</th><th class="left">item wanted</th><th>rank</th></tr>{% for row in rows %}
<tr><td class="words">{{ row.query }}</td><td class="words left quiet">{{ row.item }}</td>
<td class="place">{{ row.before }} → {{ row.after }}</td></tr>{% endfor %}</table>
{% else %}<p class="quiet">none</p>{% endif %}</div>{% endfor %}</div></section>{% endif %}

{% if counts or removed %}<section><h2>What it learned from</h2><div class="two">
{% if counts %}<div><h3>Counts</h3>{{ facts(counts) }}</div>{% endif %}
{% if removed %}<div><h3>Removed by rule</h3>{{ facts(removed) }}</div>{% endif %}</div></section>{% endif %}

{% if drift %}<section><h2>Drift since the parent</h2>
<table><tr><th>figure</th><th>tonight</th><th>before</th><th>warns</th></tr>
{% for row in drift %}<tr><td>{{ row.name }}</td><td class="{{ 'bad' if row.over }}">{{ row.value }}</td>
<td>{{ row.before }}</td><td class="quiet">{{ row.limit }}</td></tr>{% endfor %}</table></section>{% endif %}

{% if seconds %}<section><h2>Seconds</h2><div class="bars">
{% for name, value, share in seconds %}<span>{{ name }}</span><i style="width: {{ share }}%"></i><b>{{ value }}</b>
{% endfor %}</div><p class="quiet">{{ total }}{% if memory %}; at most {{ memory }} of memory{% endif %}</p></section>
{% endif %}

{% if settings %}<section><h2>Settings</h2>{{ facts(settings) }}</section>{% endif %}
</body></html>
"""
)
