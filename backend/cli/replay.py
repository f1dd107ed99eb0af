"""`shelfwise replay`: what learning would have brought on the shop's own log."""

from __future__ import annotations

import re
from typing import Any

import click

from shelfwise.cli.imports import BadRows
from shelfwise.cli.main import Context
from shelfwise.cli.progress import ProgressBars
from shelfwise.events import EVENT_TYPES

__all__ = ["replay_command"]


def _days(context: click.Context, option: click.Parameter, text: str) -> int:
    """Return the number of days of a text such as 7d."""
    if not re.fullmatch(r"[1-9]\d*d", text):
        raise click.BadParameter(f"expected a number of days such as 1d or 7d, got {text!r}", context, option)
    return int(text[:-1])


@click.command("replay")
@click.option("--task", type=click.Choice(["search", "recommend"]), default="search", show_default=True,
              help="What is asked of the log.")  # fmt: skip
@click.option("--items", required=True, metavar="FILE", help="The catalogue, as for `import items`.")
@click.option("--events", required=True, metavar="FILE",
              help="The log, as for `import events`; for search, clicks with a query.")  # fmt: skip
@click.option("--map", "rename", multiple=True, metavar="FIELD=COLUMN", help="Rename a column (repeatable).")
@click.option("--scale", multiple=True, metavar="FIELD=FACTOR", help="Multiply numbers: price=0.01 for cents.")
@click.option("--type", "event_type", type=click.Choice(EVENT_TYPES), help="The type of every event.")
@click.option("--start", required=True, metavar="DAY", help="The first day that is scored (UTC).")
@click.option("--end", metavar="DAY", help="The last day that is scored (default: the log's last).")
@click.option("--every", "every_days", default="1d", show_default=True, callback=_days, metavar="DAYS",
              help="A night every so many days, as 7d.")  # fmt: skip
@click.option("--k", type=int, help="How many hits count (default: 5 of a search, 10 of a shelf).")
@click.option("--model", metavar="NAME_OR_PATH", help="The base model (default: all-MiniLM-L6-v2).")
@click.option("--only", type=click.Choice(["encoder"]), help="Search by the nightly encoder alone.")
@click.option("--report", required=True, metavar="DIR", help="Where report.json and replay.html go.")
@click.pass_obj
def replay_command(context: Context, /, items: str, events: str, **options: Any) -> None:
    """Replay a log night by night and measure what shoppers would have found, or been shown."""
    from shelfwise.trainer import replay

    with ProgressBars(only="replay") as bars:
        result = replay(items, events, on_bad_row=BadRows(), progress=bars, **options)
    lines = _search_lines if options["task"] == "search" else _recommend_lines
    context.answer(result, lambda: [*lines(result, result["options"]["k"]), f"{options['report']}/replay.html"])


def _search_lines(result: dict[str, Any], k: int) -> list[str]:
    rows = {"learning": result["overall"], **result["baselines"], **result["ablations"]}
    lines = [f"{f'HR@{k} / MAP@{k}':<22}{'all':>16}{'unseen queries':>18}{'new items':>16}"]
    for name, values in rows.items():
        cells = [f"{values[kind]['hr']:.3f} / {values[kind]['map']:.3f}" for kind in values]
        lines.append(f"{name:<22}{cells[0]:>16}{cells[1]:>18}{cells[2]:>16}")
    counts = [f"{values['n']:,}" for values in result["overall"].values()]
    lines.append(f"{'clicks':<22}{counts[0]:>16}{counts[1]:>18}{counts[2]:>16}")
    return [*lines, _closing_line(result)]


def _recommend_lines(result: dict[str, Any], k: int) -> list[str]:
    groups = list(result["overall"])
    lines = [f"{f'recall@{k} / nDCG@{k}':<22}" + "".join(f"{group.replace('_', ' '):>18}" for group in groups)]
    for name, values in {"learning": result["overall"], **result["baselines"]}.items():
        cells = [f"{values[group]['recall']:.3f} / {values[group]['ndcg']:.3f}" for group in groups]
        lines.append(f"{name:<22}" + "".join(f"{cell:>18}" for cell in cells))
    lines.append(f"{'people':<22}" + "".join(f"{result['overall'][group]['n']:>18,}" for group in groups))
    lines += [f"{name} was left out: {reason}" for name, reason in result["missing"].items()]
    return [*lines, _closing_line(result)]


def _closing_line(result: dict[str, Any]) -> str:
    return f"{result['seconds']['nights']} nights, {result['seconds']['night']} s each; {result['note']}"
