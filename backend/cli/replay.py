"""`shelfwise replay`: what learning would have brought on the shop's own log."""

from __future__ import annotations

import re
from typing import Any

import click

from shelfwise.cli.imports import BadRows
from shelfwise.cli.main import Context
from shelfwise.cli.progress import ProgressBars
from shelfwise.types import EVENT_TYPES

__all__ = ["replay_command"]

_TASKS = ("search", "recommend")


@click.command("replay")
@click.option(
    "--task", type=click.Choice(_TASKS), default="search", show_default=True, help="What is asked of the log."
)
@click.option("--items", required=True, metavar="FILE", help="The catalogue, as for `import items`.")
@click.option(
    "--events", required=True, metavar="FILE", help="The log, as for `import events`; for search, clicks with a query."
)
@click.option("--map", "rename", multiple=True, metavar="FIELD=COLUMN", help="Rename a column (repeatable).")
@click.option("--scale", multiple=True, metavar="FIELD=FACTOR", help="Multiply numbers: price=0.01 for cents.")
@click.option("--type", "type_", type=click.Choice(EVENT_TYPES), help="The type of every event.")
@click.option("--start", required=True, metavar="DAY", help="The first day that is scored (UTC).")
@click.option("--end", metavar="DAY", help="The last day that is scored (default: the log's last).")
@click.option("--every", default="1d", show_default=True, metavar="DAYS", help="A night every so many days, as 7d.")
@click.option("--k", type=int, help="How many hits count (default: 5 of a search, 10 of a shelf).")
@click.option("--model", metavar="NAME_OR_PATH", help="The base model (default: all-MiniLM-L6-v2).")
@click.option("--only", type=click.Choice(["encoder"]), help="Search by the nightly encoder alone.")
@click.option("--report", required=True, metavar="DIR", help="Where report.json and replay.html go.")
@click.pass_obj
def replay_command(
    context: Context,
    task: str,
    items: str,
    events: str,
    rename: tuple[str, ...],
    scale: tuple[str, ...],
    type_: str | None,
    start: str,
    end: str | None,
    every: str,
    k: int | None,
    model: str | None,
    only: str | None,
    report: str,
) -> None:
    """Replay a log night by night and measure what shoppers would have found, or been shown."""
    from shelfwise.trainer import replay

    if not re.fullmatch(r"[1-9]\d*d", every):
        raise click.BadParameter("write it as a number of days, such as 1d or 7d", param_hint="--every")
    with ProgressBars(only="replay") as bars:
        result = replay(
            items,
            events,
            task=task,
            start=start,
            end=end,
            rename=rename,
            scale=scale,
            event_type=type_,
            every_days=int(every[:-1]),
            k=k,
            model=model,
            only=only,
            report=report,
            on_bad_row=BadRows(),
            progress=bars,
        )
    lines = _search_lines if task == "search" else _shelf_lines
    context.answer(result, lambda: [*lines(result, result["options"]["k"]), f"{report}/replay.html"])


def _search_lines(result: dict[str, Any], k: int) -> list[str]:
    rows = {"learning": result["overall"], **result["baselines"], **result["ablations"]}
    lines = [f"{f'HR@{k} / MAP@{k}':<22}{'all':>16}{'unseen queries':>18}{'new items':>16}"]
    for name, values in rows.items():
        cells = [f"{values[kind]['hr']:.3f} / {values[kind]['map']:.3f}" for kind in values]
        lines.append(f"{name:<22}{cells[0]:>16}{cells[1]:>18}{cells[2]:>16}")
    counts = [f"{values['n']:,}" for values in result["overall"].values()]
    lines.append(f"{'clicks':<22}{counts[0]:>16}{counts[1]:>18}{counts[2]:>16}")
    return [*lines, _closing(result)]


def _shelf_lines(result: dict[str, Any], k: int) -> list[str]:
    groups = list(result["overall"])
    lines = [f"{f'recall@{k} / nDCG@{k}':<22}" + "".join(f"{group.replace('_', ' '):>18}" for group in groups)]
    for name, values in {"learning": result["overall"], **result["baselines"]}.items():
        cells = [f"{values[group]['recall']:.3f} / {values[group]['ndcg']:.3f}" for group in groups]
        lines.append(f"{name:<22}" + "".join(f"{cell:>18}" for cell in cells))
    lines.append(f"{'people':<22}" + "".join(f"{result['overall'][group]['n']:>18,}" for group in groups))
    lines += [f"{name} was left out: {reason}" for name, reason in result["missing"].items()]
    return [*lines, _closing(result)]


def _closing(result: dict[str, Any]) -> str:
    return f"{result['seconds']['nights']} nights, {result['seconds']['night']} s each; {result['note']}"
