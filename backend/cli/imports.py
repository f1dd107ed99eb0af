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
from shelfwise.events import EVENT_TYPES
from shelfwise.ingest.importer import ImportCounts, ImportFiles, import_events, import_items, seekable
from shelfwise.ingest.readers import BadRow, ColumnMapping
from shelfwise.shop import Shop
from shelfwise.timestamps import parse_time
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

__all__ = ["BadRows", "import_command"]

_MAX_BAD_ROWS_SHOWN = 20


@click.group("import")
def import_command() -> None:
    """Import items or events from JSONL or CSV files (.gz too, - for standard input)."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the files and the options that both imports share."""
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
def items(context: Context, /, files: tuple[str, ...], strict: bool, **columns: Any) -> None:
    """Add or change items; fields that a row doesn't name are kept."""
    bad = BadRows()
    mapping = ColumnMapping.of(ITEM_FIELDS, **columns)
    with Shop(context.data) as shop, RowCounter("items") as counter:
        is_first = shop.generations.current() is None
        counts = import_items(shop, ImportFiles(files, mapping, bad, counter))
    _print_counts(context, counts, "upserted", "unchanged")
    try:
        _update_index(context, is_first, bool(counts.new))
    except NightBusy:
        click.echo("a night is running; it includes the new items", err=True)
    _exit(bad, strict)


def _update_index(context: Context, is_first: bool, changed: bool) -> None:
    """Make generation 0 after the first import, a new index after one that changed much."""
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
    /,
    files: tuple[str, ...],
    strict: bool,
    type_: str | None,
    shift_to: str | None,
    **columns: Any,
) -> None:
    """Add events; the same file twice adds nothing."""
    bad = BadRows()
    mapping = ColumnMapping.of(EVENT_FIELDS, **columns, constants={"type": type_} if type_ else {})
    with Shop(context.data) as shop, RowCounter("events") as counter:
        if shift_to is None:
            counts = import_events(shop, ImportFiles(files, mapping, bad, counter))
        else:
            last_ts = shop.now() if shift_to == "now" else parse_time(shift_to, "--shift-to")
            with seekable(files, sys.stdin.buffer) as paths:
                names = dict(zip(paths, files, strict=True))  # a bad row names the file as the caller wrote it
                source = ImportFiles(paths, mapping, lambda row: bad(replace(row, file=names[row.file])), counter)
                counts = import_events(shop, source, last_ts)
    _print_counts(context, counts, "accepted", "duplicates")
    _exit(bad, strict)


class BadRows:
    """A report of bad rows: prints the first 20 and counts them all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, bad: BadRow) -> None:
        """Count a bad row, and print it if it is one of the first."""
        self.count += 1
        if self.count <= _MAX_BAD_ROWS_SHOWN:
            click.echo(f"bad row {bad}", err=True)
        elif self.count == _MAX_BAD_ROWS_SHOWN + 1:
            click.echo("more bad rows are counted, not shown", err=True)


def _print_counts(context: Context, counts: ImportCounts, new: str, unchanged: str) -> None:
    """Print the counts, those of new and unchanged rows under the names that HTTP has for them."""
    body = {new: counts.new, unchanged: counts.unchanged, "rejected": counts.rejected}
    context.answer(body, lambda: [", ".join(f"{count:,} {name}" for name, count in body.items())])


def _exit(bad: BadRows, strict: bool) -> None:
    if strict and bad.count:
        sys.exit(1)
