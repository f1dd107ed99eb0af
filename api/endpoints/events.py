"""`POST /events`: what shoppers did, stored before the response goes out. No model and no index on this path."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.request_body import apply_rows, read_body, to_json

__all__ = ["record"]


def record(shop: Shop, /) -> Response:
    """Store the body's events. Returns status 202 once they are committed. Raises InvalidInput."""
    return to_json(apply_rows(read_body(), shop.record), 202)
