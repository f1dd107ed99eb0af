"""The command-line options that several benches share; a bench's own docstring is its description."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shelfwise import Shop
from shelfwise.ingest.importer import ImportFiles, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

__all__ = [
    "add_catalogue", "add_data", "add_log", "add_mapping", "add_out", "folder_or_temporary", "import_catalogue",
    "new_parser",
]  # fmt: skip


def new_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that prints the bench's docstring in its help."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def add_data(parser: argparse.ArgumentParser, help: str, *, required: bool = True) -> None:
    """Add --data, the folder of a shop."""
    parser.add_argument("--data", type=Path, required=required, metavar="DIR", help=help)


def add_out(parser: argparse.ArgumentParser, help: str = "where shops and results are kept") -> None:
    """Add --out, the folder of what the bench makes."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=help)


def add_mapping(parser: argparse.ArgumentParser) -> None:
    """Add --map and --scale, which say how columns become fields."""
    parser.add_argument("--map", dest="rename", action="append", default=[], metavar="FIELD=COLUMN")
    parser.add_argument("--scale", action="append", default=[], metavar="FIELD=FACTOR")


def add_catalogue(parser: argparse.ArgumentParser) -> None:
    """Add --items with its --map and --scale, and --model, the base model of the shop made from it."""
    parser.add_argument("--items", required=True, metavar="FILE", help="the catalogue")
    add_mapping(parser)
    parser.add_argument("--model", metavar="NAME_OR_PATH", help="the base model (default: all-MiniLM-L6-v2)")


def add_log(parser: argparse.ArgumentParser) -> None:
    """Add --events, --type and --nights, the log and how much of it is lived through."""
    parser.add_argument("--events", required=True, metavar="FILE", help="the log: clicks with a query")
    parser.add_argument("--type", dest="event_type", help="the type of every event")
    parser.add_argument("--nights", type=int, help="days to live through (default: all)")


def import_catalogue(shop: Shop, options: argparse.Namespace) -> None:
    """Import the file of `add_catalogue` into the shop; a bad row is printed."""
    mapping = ColumnMapping.of(ITEM_FIELDS, options.rename, options.scale, foreign=EVENT_FIELDS)
    import_items(shop, ImportFiles([options.items], mapping, print))


@contextmanager
def folder_or_temporary(folder: Path | None) -> Iterator[Path]:
    """Yield the folder, or a temporary one where None is given."""
    with tempfile.TemporaryDirectory() as temporary:
        yield folder or Path(temporary)
