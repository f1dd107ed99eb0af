"""`POST /events`: what shoppers did, stored before the answer goes out. No model and no index on this path."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.request_body import each, read, to_json

__all__ = ["record"]


def record(shop: Shop, /) -> Response:
    return to_json(each(read(), shop.record), 202)
