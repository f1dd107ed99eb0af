"""`shelfwise erase`, `export` and `merge`: the data of a person, and an anonymous session that becomes theirs."""

from __future__ import annotations

import json
from typing import Any

import click

from shelfwise.cli.main import Context
from shelfwise.shop import Shop

__all__ = ["erase_command", "export_command", "merge_command"]


@click.command("erase")
@click.option("--user", required=True, metavar="U", help="The user to erase.")
@click.pass_obj
def erase_command(context: Context, user: str) -> None:
    """Erase a person at once, and unlearn them in the next night. Prints a receipt."""
    with Shop(context.data) as shop:
        receipt = shop.erase(user)
    context.answer(receipt, lambda: _receipt_lines(receipt))


@click.command("export")
@click.option("--user", required=True, metavar="U", help="The user to export.")
@click.pass_obj
def export_command(context: Context, user: str) -> None:
    """Print all that is kept about a person, as JSON."""
    with Shop(context.data) as shop:
        click.echo(json.dumps(shop.export(user), ensure_ascii=False, indent=1))


@click.command("merge")
@click.option("--session", required=True, metavar="S", help="The anonymous session.")
@click.option("--user", required=True, metavar="U", help="The user who logged in.")
@click.pass_obj
def merge_command(context: Context, session: str, user: str) -> None:
    """Let what an anonymous session did be a user's; what another user did in it stays theirs."""
    with Shop(context.data) as shop:
        merged = shop.merge(session, user)
    context.answer(merged, lambda: [f"{merged['user']} now has {_counts_text(merged)} of session {merged['session']}"])


def _receipt_lines(receipt: dict[str, Any]) -> list[str]:
    return [
        f"{receipt['at']}  erased {_counts_text(receipt)}",
        *_generation_lines(receipt["generations"], receipt["next_parent"]),
        *([] if receipt["scrubbed"] else ["copies may stay in gaps of the file, for it was in use: erase again later"]),
        "a log file that still holds them brings them back when it is imported",
    ]


def _counts_text(counts: dict[str, Any]) -> str:
    rows = [f"{counts[kind]:,} {kind}" for kind in ("events", "searches", "recommendations")]
    return f"{rows[0]}, {rows[1]} and {rows[2]}"


def _generation_lines(generations: list[int], parent: int | None) -> list[str]:
    if not generations:
        return ["no generation on disk learned from them"]
    start = "the base model" if parent is None else f"generation {parent}"
    return [
        f"learned from them: generation {', '.join(map(str, generations))}",
        f"the next night starts from {start} and relearns; the shop serves as before until then",
    ]
