"""`PUT /items` and `GET`, `DELETE /items/<id>`: the catalogue, one item or many."""

from __future__ import annotations

from flask import Response

from shelfwise import InvalidInput, NotFound, Shop
from shelfwise.api.http.request_body import apply_rows, read_body, to_json
from shelfwise.errors import shown

__all__ = ["delete", "show", "upsert"]


def upsert(shop: Shop, /) -> Response:
    """Add or change the body's items. Raises InvalidInput."""
    return to_json(apply_rows(read_body(), shop.upsert))


def show(shop: Shop, /, id: str) -> Response:
    """Return an item with all its fields. Raises NotFound."""
    return to_json(shop.item(id))


def delete(shop: Shop, /, id: str) -> Response:
    """Delete an item. Raises NotFound."""
    try:
        deleted = shop.delete([id])
    except InvalidInput:  # what can't be an id is the id of no item
        deleted = 0
    if not deleted:
        raise NotFound(f"id: expected an item of the shop, got {shown(id)}", "id")
    return to_json({"deleted": deleted})
