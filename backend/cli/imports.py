"""`shelfwise import items|events`: files into the shop."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from shelfwise.cli.main import Context
from shelfwise.cli.progress import ProgressBars, RowCounter
from shelfwise.errors import NightBusy
from shelfwise.ingest.importer import ImportCounts, import_events, import_items, seekable
from shelfwise.ingest.readers import BadRow, ColumnMapping
from shelfwise.shop import Shop
from shelfwise.timestamps import parse_time
from shelfwise.types import EVENT_FIELDS, EVENT_TYPES, ITEM_FIELDS

__all__ = ["BadRows", "import_command"]

_SHOWN_BAD_ROWS = 20


@click.group("import")
def import_command() -> None:
    """Import items or events from JSONL or CSV files (.gz too, - for standard input)."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--map", "rename", multiple=True, metavar="FIELD=COLUMN", help="Rename a column (repeatable)."),
        click.option("--scale", multiple=True, metavar="FIELD=FACTOR", help="Multiply numbers: price=0.01 for cents."),
        click.option("--strict", is_flag=True, help="Exit with 1 when any row was bad."),
    ):
        command = option(command)
    return click.argument("files", nargs=-1, required=True, metavar="FILE…")(command)


@import_command.command("items")
@_options
@click.pass_obj
def items(
    context: Context, files: tuple[str, ...], rename: tuple[str, ...], scale: tuple[str, ...], strict: bool
) -> None:
    """Add or change items; fields that a row doesn't name are kept."""
    bad = BadRows()
    mapping = ColumnMapping.of(ITEM_FIELDS, rename, scale)
    with Shop(context.data) as shop, RowCounter("items") as counter:
        is_first = shop.generations.current() is None
        done = import_items(shop, files, mapping, bad, counter)
    _report(context, done, "upserted")
    try:
        _derive(context, is_first, bool(done.new))
    except NightBusy:
        click.echo("a night is running; it takes the new items along", err=True)
    _exit(bad, strict)


def _derive(context: Context, is_first: bool, changed: bool) -> None:
    """Generation 0 after the first import, a new index after one that changed much."""
    from shelfwise.trainer import compact, init

    with ProgressBars() as bars:
        if is_first:
            init(context.data, progress=bars)
        elif changed:
            compact(context.data, bars)


@import_command.command("events")
@_options
@click.option("--type", "type_", type=click.Choice(EVENT_TYPES), help="The type of every row.")
@click.option("--shift-to", metavar="TIME", help="Move the log so that its last event falls there (`now`, too).")
@click.pass_obj
def events(
    context: Context,
    files: tuple[str, ...],
    rename: tuple[str, ...],
    scale: tuple[str, ...],
    strict: bool,
    type_: str | None,
    shift_to: str | None,
) -> None:
    """Add events; the same file twice adds nothing."""
    bad = BadRows()
    mapping = ColumnMapping.of(EVENT_FIELDS, rename, scale, {"type": type_} if type_ else {})
    with Shop(context.data) as shop, RowCounter("events") as counter:
        if shift_to is None:
            done = import_events(shop, files, mapping, bad, counter)
        else:
            target = shop.now() if shift_to == "now" else parse_time(shift_to, "--shift-to")
            with seekable(files, sys.stdin.buffer) as paths:
                given = dict(zip(paths, files, strict=True))  # a bad row is named by the file that was asked for
                done = import_events(
                    shop, paths, mapping, lambda row: bad(replace(row, file=given[row.file])), counter, target
                )
    _report(context, done, "accepted")
    _exit(bad, strict)


class BadRows:
    """Reports the first bad rows in full, and counts them all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, bad: BadRow) -> None:
        self.count += 1
        if self.count <= _SHOWN_BAD_ROWS:
            click.echo(f"bad row {bad}", err=True)
        elif self.count == _SHOWN_BAD_ROWS + 1:
            click.echo("more bad rows are counted, not shown", err=True)


def _report(context: Context, done: ImportCounts, word: str) -> None:
    same = "unchanged" if word == "upserted" else "duplicates"
    body = {word: done.new, same: done.unchanged, "rejected": done.rejected}
    context.answer(body, lambda: [f"{done.new:,} {word}, {done.unchanged:,} {same}, {done.rejected:,} rejected"])


def _exit(bad: BadRows, strict: bool) -> None:
    if strict and bad.count:
        sys.exit(1)
