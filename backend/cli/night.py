"""`shelfwise init`, `increment`, `nights` and `rollback`: making generations and choosing among them."""

from __future__ import annotations

import re
import shutil
import textwrap
from contextlib import closing
from typing import Any

import click

from shelfwise.cli.main import Context
from shelfwise.cli.night_table import night_lines, nights_table
from shelfwise.cli.progress import ProgressBars
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.night_report import NightReport
from shelfwise.store import Store

__all__ = ["increment_command", "init_command", "nights_command", "rollback_command"]

_MAX_NIGHTS = 20
_WIDTH = 110


@click.command("init")
@click.option("--model", metavar="NAME_OR_PATH", help="A sentence-transformers model (default: all-MiniLM-L6-v2).")
@click.pass_obj
def init_command(context: Context, model: str | None) -> None:
    """Make generation 0 from the base model."""
    from shelfwise.trainer import init

    with ProgressBars() as bars:
        generation = init(context.data, model, bars)
    context.answer({"generation": generation}, lambda: [f"generation {generation} serves"])


def _seconds(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """Return the seconds of a time span such as 20m, 90s, 1h or 1h30m."""
    if text is None:
        return None
    span = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    hours, minutes, seconds = (int(part or 0) for part in span.groups()) if span else (0, 0, 0)
    if not hours + minutes + seconds:
        raise click.BadParameter(f"expected a time such as 20m, 90s, 1h or 1h30m, got {text!r}", context, option)
    return float(hours * 3600 + minutes * 60 + seconds)


@click.command("increment")
@click.option("--until", metavar="TIME", help="Learn the events before this time (default: now).")
@click.option("--force", is_flag=True, help="Publish even when judged worse; the ledger says so.")
@click.option("--budget", metavar="TIME", callback=_seconds, help="The night takes no longer than this: 20m, 90s, 1h.")
@click.option("--tensorboard", metavar="DIR", help="Where TensorBoard logs of the training go.")
@click.pass_obj
def increment_command(context: Context, /, until: str | None, budget: float | None, **options: Any) -> None:
    """Run one night: learn from the new events, judge, publish or refuse."""
    from shelfwise.trainer import help_training, increment
    from shelfwise.trainer.encoder.distributed import is_helper

    if is_helper():
        help_training()
        return
    with closing(Store(context.data)) as store:
        pace = store.ledger.pace()
    with ProgressBars(pace=pace) as bars:
        bars.print_estimate(budget)
        night = increment(context.data, until, bars, budget=budget, **options).to_dict()
    context.answer(night, lambda: _summary(night))


@click.command("nights")
@click.argument("number", type=int, required=False, metavar="[N]")
@click.pass_obj
def nights_command(context: Context, number: int | None) -> None:
    """Print the ledger: the latest nights, or all of night N."""
    with closing(Store(context.data)) as store:
        if number is None:
            nights, width = store.ledger.latest(_MAX_NIGHTS), shutil.get_terminal_size((120, 24)).columns
            context.answer({"nights": nights}, lambda: nights_table(nights, width))
        else:
            night = store.ledger.get(number)
            context.answer(night, lambda: _all_lines(night))


@click.command("rollback")
@click.argument("generation", type=int, required=False, metavar="[GENERATION]")
@click.pass_obj
def rollback_command(context: Context, generation: int | None) -> None:
    """Serve the generation before the current one, or GENERATION, from now on.

    Only the pointer moves. Items that changed since that generation was made are found by their words until the shop
    has made their vectors; `shelfwise status` counts those left as pending_vectors.
    """
    with closing(Store(context.data)) as store:
        generations = GenerationRegistry(context.data)
        target = generations.rollback(generation, exclude=store.personal_data.generations_to_retire())
        changed = generations.open(target).card.items_seq != store.items.last_seq()
    lines = [f"generation {target} serves"]
    if changed:
        lines.append("items changed since it was made are found by their words until their vectors are made")
        lines.append("`shelfwise status` counts those left as pending_vectors")
    context.answer({"generation": target}, lambda: lines)


def _summary(night: dict[str, Any]) -> list[str]:
    return [
        f"night {night['night']}: {night['verdict']}; generation {night['generation']} serves",
        *textwrap.wrap(night["reason"], _WIDTH, initial_indent="  ", subsequent_indent="  "),
        *(f"  warning: {warning}" for warning in night["report"]["warnings"]),
    ]


def _all_lines(night: dict[str, Any]) -> list[str]:
    from shelfwise.trainer.reports.night_summary import NightHead, summarise_night

    head = NightHead(night["night"], night["verdict"], night["reason"])
    return night_lines(night, summarise_night(NightReport.from_dict(night["report"]), head))
