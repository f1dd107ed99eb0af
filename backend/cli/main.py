"""`shelfwise`: the group, its options, and how errors end a command. The commands are in the files beside this one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from shelfwise.errors import ShelfwiseError
from shelfwise.index import IndexCorrupt
from shelfwise.settings import data_folder

__all__ = ["Context", "cli", "main"]

# command → its file; imported when it is called, so that `shelfwise search` never waits for torch
_COMMANDS = {
    "init": "night", "increment": "night", "nights": "night", "rollback": "night", "import": "imports",
    "serve": "serve", "search": "query", "recommend": "query", "status": "query", "replay": "replay",
    "erase": "privacy", "export": "privacy", "merge": "privacy", "shelves": "engagement", "synonyms": "curation",
    "rules": "curation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """What every command gets: the shop's folder, and how it prints its answer."""

    data: Path
    as_json: bool

    def answer(self, body: dict[str, Any] | list[Any], lines: Callable[[], list[str]]) -> None:
        """Print `body`, which HTTP answers too, where --json is given, else `lines` for a person."""
        if self.as_json:
            click.echo(json.dumps(body, ensure_ascii=False))
        else:
            click.echo("\n".join(lines()))


class LazyGroup(click.Group):
    """A group that imports a command's file when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command, None for an unknown name."""
        if name not in _COMMANDS:
            return None
        module = import_module(f"shelfwise.cli.{_COMMANDS[name]}")
        command: click.Command = getattr(module, f"{name}_command")
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--data", metavar="DIR", help="The shop's folder (default: SHELFWISE_DATA, then ./shelfwise-data).")
@click.option("--json", "as_json", is_flag=True, help="Print the HTTP body of the same question.")
@click.version_option(version("shelfwise"))
@click.pass_context
def cli(ctx: click.Context, data: str | None, as_json: bool) -> None:
    """Search and recommend; learn overnight."""
    ctx.obj = Context(data_folder(data), as_json)


def main() -> None:
    """Run the console script. Errors that the caller can correct end in one line and exit code 1."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except (ShelfwiseError, IndexCorrupt, OSError) as problem:
        click.echo(f"Error: {problem}", err=True)
        sys.exit(1)
