"""`GET`, `POST /rules` and `DELETE /rules/<id>`: pin, boost, bury and hide."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.guards import all_or_none, not_found, parse_row_id
from shelfwise.api.http.request_body import to_json
from shelfwise.catalogue.filter_parser import parse
from shelfwise.curation.validation import parse_rule

__all__ = ["add", "delete", "show"]


def show(shop: Shop, /) -> Response:
    return to_json({"rules": [rule.to_dict() for rule in shop.store.rules.all()]})


def add(shop: Shop, /) -> Response:
    """201 when any rule is new, 200 when all were there."""
    rules, new = shop.store.rules.add(all_or_none(lambda row: parse_rule(row, parse)))
    return to_json({"rules": [rule.to_dict() for rule in rules]}, 201 if new else 200)


def delete(shop: Shop, /, id: str) -> Response:
    if not shop.store.rules.remove(parse_row_id(id, "rule")):
        raise not_found(id, "rule")
    return to_json({"deleted": 1})
