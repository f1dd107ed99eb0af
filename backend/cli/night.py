"""`shelfwise init`, `increment`, `nights` and `rollback`: making generations and choosing among them."""

from __future__ import annotations

import json
from typing import Any

import click

from shelfwise.cli.bars import Bars
from shelfwise.cli.main import Context
from shelfwise.generations import Generations
from shelfwise.store import Store

__all__ = ["increment_command", "init_command", "nights_command", "rollback_command"]


@click.command("init")
@click.option("--model", metavar="NAME_OR_PATH", help="A sentence-transformers model (default: all-MiniLM-L6-v2).")
@click.pass_obj
def init_command(context: Context, model: str | None) -> None:
    """Make generation 0 from the base model."""
    from shelfwise.trainer import init

    with Bars() as bars:
        generation = init(context.data, model, bars)
    context.answer({"generation": generation}, lambda: [f"generation {generation} serves"])


@click.command("increment")
@click.option("--until", metavar="TIME", help="Learn the events before this time (default: now).")
@click.pass_obj
def increment_command(context: Context, until: str | None) -> None:
    """Run one night: learn from the new events, judge, publish or refuse."""
    from shelfwise.trainer import increment

    with Bars() as bars:
        night = increment(context.data, until, bars)
    context.answer(
        night.to_dict(),
        lambda: [f"night {night.night}: {night.verdict}; generation {night.generation} serves", f"  {night.reason}"],
    )


@click.command("nights")
@click.argument("number", type=int, required=False, metavar="[N]")
@click.pass_obj
def nights_command(context: Context, number: int | None) -> None:
    """The ledger: the latest nights, or night N whole."""
    store = Store(context.data)
    try:
        if number is not None:
            night = store.nights.get(number)
            context.answer(night, lambda: [json.dumps(night, indent=1)])
        else:
            nights = store.nights.latest(20)
            context.answer({"nights": nights}, lambda: [_line(night) for night in nights] or ["no night yet"])
    finally:
        store.close()


@click.command("rollback")
@click.argument("generation", type=int, required=False, metavar="[GENERATION]")
@click.pass_obj
def rollback_command(context: Context, generation: int | None) -> None:
    """Serve the generation before the current one, or GENERATION, from now on."""
    target = Generations(context.data).rollback(generation)
    context.answer({"generation": target}, lambda: [f"generation {target} serves"])


def _line(night: dict[str, Any]) -> str:
    return (
        f"{night['night']:>4}  {(night['started'] or '')[:16]}  {night['verdict']:<16}"
        f" generation {night['parent']} → {night['generation']}  {night['reason'] or ''}"
    )
