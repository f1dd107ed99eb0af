"""`PUT /items` and `GET`, `DELETE /items/<id>`: the catalogue, one item or many."""

from __future__ import annotations

from flask import Response

from shelfwise import InvalidInput, NotFound, Shop
from shelfwise.api.http.request_body import apply_rows, read_body, to_json

__all__ = ["delete", "show", "upsert"]


def upsert(shop: Shop, /) -> Response:
    return to_json(apply_rows(read_body(), shop.upsert))


def show(shop: Shop, /, id: str) -> Response:
    return to_json(shop.item(id))


def delete(shop: Shop, /, id: str) -> Response:
    try:
        deleted = shop.delete([id])
    except InvalidInput:  # what can't be an id is no item's
        deleted = 0
    if not deleted:
        raise NotFound(f"there is no item {id!r}", "id")
    return to_json({"deleted": deleted})
