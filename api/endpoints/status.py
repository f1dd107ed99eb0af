"""`GET /status` and `GET /healthz`: what this process serves, and whether it can."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.request_body import to_json

__all__ = ["healthz", "read_status", "status"]


def status(shop: Shop, /) -> Response:
    """Return what `read_status` reads."""
    return to_json(read_status(shop))


def read_status(shop: Shop) -> dict[str, Any]:
    """Return the shop's status and this process's. `torch_loaded` shows a mistake: serving never imports torch."""
    process = {"torch_loaded": "torch" in sys.modules, "pid": os.getpid(), "version": _version()}
    return shop.status() | process


def healthz(shop: Shop, /) -> Response:
    """Answer once the database was read."""
    shop.store.items.last_seq()  # the cheapest query of the database
    return to_json({"status": "ok"})


def _version() -> str | None:
    try:
        return version("shelfwise")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return None
