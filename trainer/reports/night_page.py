"""Render the page of a night, `report.html` in its generation: the verdict, its evidence, and what the night did.

No scripts and nothing from elsewhere. A chart stretches with `preserveAspectRatio="none"`, so that it fits any screen;
its words are HTML around it and keep their size.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from shelfwise.night_report import NightReport
from shelfwise.trainer.reports.night_summary import NightHead, summarise_night

__all__ = ["write_night_page"]


def write_night_page(path: Path, report: NightReport, head: NightHead) -> None:
    """Write a self-contained HTML page of a night."""
    page = _environment.get_template("night.html").render(summarise_night(report, head))
    path.write_text(page, encoding="utf-8")


_environment = Environment(
    autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=FileSystemLoader(Path(__file__).parent / "templates")
)
