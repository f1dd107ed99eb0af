"""Every setting that comes from outside, as (name, default, help): the README's table is checked against it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

__all__ = ["SETTINGS", "data_folder", "default"]


class Setting(NamedTuple):
    name: str
    default: str
    help: str


SETTINGS = (
    Setting("SHELFWISE_DATA", "shelfwise-data", "the shop's folder, where no --data is given"),
    Setting("SHELFWISE_HOST", "127.0.0.1", "where `serve` listens"),
    Setting("SHELFWISE_PORT", "8000", "the port that `serve` listens on"),
    Setting("SHELFWISE_WORKERS", "2", "the processes that `serve` answers with"),
)


def data_folder(given: str | None = None) -> Path:
    """The shop's folder: `given`, else SHELFWISE_DATA, else ./shelfwise-data."""
    return Path(given or os.environ.get("SHELFWISE_DATA") or default("SHELFWISE_DATA"))


def default(name: str) -> str:
    """The default of a setting."""
    return next(setting.default for setting in SETTINGS if setting.name == name)
