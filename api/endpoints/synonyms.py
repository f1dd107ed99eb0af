"""`GET`, `POST /synonyms` and `DELETE /synonyms/<id>`: words that find what other words find."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.guards import parse_all_or_none
from shelfwise.api.http.request_body import to_json
from shelfwise.curation.validation import parse_row_id, parse_synonym, row_not_found

__all__ = ["add", "delete", "show"]


def show(shop: Shop, /) -> Response:
    """Return all synonyms, oldest first."""
    return to_json({"synonyms": [pair.to_dict() for pair in shop.store.synonyms.all()]})


def add(shop: Shop, /) -> Response:
    """Add the body's pairs. Returns status 201 if any is new, 200 if all were there."""
    rows = parse_all_or_none(parse_synonym)
    pairs, new = shop.store.synonyms.add(pair for row in rows for pair in row)
    return to_json({"synonyms": [pair.to_dict() for pair in pairs]}, 201 if new else 200)


def delete(shop: Shop, /, id: str) -> Response:
    """Remove a synonym by its number. Raises NotFound."""
    if not shop.store.synonyms.remove(parse_row_id(id, "synonym")):
        raise row_not_found(id, "synonym")
    return to_json({"deleted": 1})
