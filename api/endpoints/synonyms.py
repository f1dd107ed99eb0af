"""`GET`, `POST /synonyms` and `DELETE /synonyms/<id>`: words that find what other words find."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.guards import all_or_none, not_found, parse_row_id
from shelfwise.api.http.request_body import to_json
from shelfwise.curation.validation import parse_synonym

__all__ = ["add", "delete", "show"]


def show(shop: Shop, /) -> Response:
    return to_json({"synonyms": [pair.to_dict() for pair in shop.store.synonyms.all()]})


def add(shop: Shop, /) -> Response:
    """201 when any pair is new, 200 when all were there."""
    rows = all_or_none(parse_synonym)
    pairs, new = shop.store.synonyms.add(pair for row in rows for pair in row)
    return to_json({"synonyms": [pair.to_dict() for pair in pairs]}, 201 if new else 200)


def delete(shop: Shop, /, id: str) -> Response:
    if not shop.store.synonyms.remove(parse_row_id(id, "synonym")):
        raise not_found(id, "synonym")
    return to_json({"deleted": 1})
