"""`GET /status` and `GET /healthz`: what this process serves, and whether it can."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.request_body import to_json

__all__ = ["healthz", "status", "whole_status"]


def status(shop: Shop, /) -> Response:
    return to_json(whole_status(shop))


def whole_status(shop: Shop) -> dict[str, Any]:
    """The shop's status and this process's. torch in a serving process would be a mistake of ours, worth seeing."""
    process = {"torch_loaded": "torch" in sys.modules, "pid": os.getpid(), "version": _version()}
    return shop.status() | process


def healthz(shop: Shop, /) -> Response:
    shop.store.items.last_seq()  # the cheapest question that needs the database
    return to_json({"status": "ok"})


def _version() -> str | None:
    try:
        return version("shelfwise")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return None
