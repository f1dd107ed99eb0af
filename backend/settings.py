"""Every setting that comes from outside, as (name, default, help): the README's table is checked against it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

from shelfwise.errors import InvalidInput

__all__ = ["SETTINGS", "data_folder", "exploration", "setting"]


class Setting(NamedTuple):
    """A variable of the environment; the command's option of the same name goes before it."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("SHELFWISE_DATA", "shelfwise-data", "the shop's folder, where no --data is given"),
    Setting("SHELFWISE_HOST", "127.0.0.1", "where `serve` listens"),
    Setting("SHELFWISE_PORT", "8000", "the port that `serve` listens on"),
    Setting("SHELFWISE_EXPLORE", "0.05", "the share of answers over HTTP that show an item without clicks, 0 to 1"),
    Setting("SHELFWISE_WORKERS", "2", "the processes that `serve` answers with"),
)


def setting(name: str) -> Setting:
    """Return the setting of this name."""
    return next(row for row in SETTINGS if row.name == name)


def data_folder(option: str | None = None) -> Path:
    """Return the shop's folder: the option, else SHELFWISE_DATA, else ./shelfwise-data."""
    return Path(option or _from_environment("SHELFWISE_DATA"))


def exploration(option: float | None = None) -> float:
    """Return the share of answers that explore, 0 to 1: the option, else SHELFWISE_EXPLORE, else 0.05.

    Raises InvalidInput for anything else.
    """
    name = "SHELFWISE_EXPLORE" if option is None else "EXPLORE"
    text = _from_environment(name) if option is None else str(option)
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise InvalidInput.expected(name, "a number from 0 to 1", text)
    return share


def _from_environment(name: str) -> str:
    return os.environ.get(name) or setting(name).default
