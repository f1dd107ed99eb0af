"""Every setting that comes from outside, as (name, default, help): the README's table is checked against it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from shelfwise.errors import InvalidInput

__all__ = ["SETTINGS", "data_folder", "default", "exploration"]


class Setting(NamedTuple):
    name: str
    default: str
    help: str


SETTINGS = (
    Setting("SHELFWISE_DATA", "shelfwise-data", "the shop's folder, where no --data is given"),
    Setting("SHELFWISE_HOST", "127.0.0.1", "where `serve` listens"),
    Setting("SHELFWISE_PORT", "8000", "the port that `serve` listens on"),
    Setting("SHELFWISE_EXPLORE", "0.05", "the share of answers over HTTP that show an item which nobody knows yet"),
    Setting("SHELFWISE_WORKERS", "2", "the processes that `serve` answers with"),
)


def data_folder(given: str | None = None) -> Path:
    """The shop's folder: `given`, else SHELFWISE_DATA, else ./shelfwise-data."""
    return Path(given or os.environ.get("SHELFWISE_DATA") or default("SHELFWISE_DATA"))


def exploration() -> float:
    """SHELFWISE_EXPLORE, 0..1. Raises InvalidInput for anything else."""
    text = os.environ.get("SHELFWISE_EXPLORE") or default("SHELFWISE_EXPLORE")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InvalidInput(f"SHELFWISE_EXPLORE: {text!r} is no number from 0 to 1", "SHELFWISE_EXPLORE")
    return share


def default(name: str) -> str:
    """The default of a setting."""
    return next(context.default for context in SETTINGS if context.name == name)
