"""`GET`, `POST /rules` and `DELETE /rules/<id>`: pin, boost, bury and hide."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.guards import parse_all_or_none
from shelfwise.api.http.request_body import to_json
from shelfwise.curation.validation import parse_row_id, parse_rule, row_not_found

__all__ = ["add", "delete", "show"]


def show(shop: Shop, /) -> Response:
    """Return all rules, oldest first."""
    return to_json({"rules": [rule.to_dict() for rule in shop.store.rules.all()]})


def add(shop: Shop, /) -> Response:
    """Add the body's rules. Returns status 201 if any is new, 200 if all were there."""
    rules, new = shop.store.rules.add(parse_all_or_none(parse_rule))
    return to_json({"rules": [rule.to_dict() for rule in rules]}, 201 if new else 200)


def delete(shop: Shop, /, id: str) -> Response:
    """Remove a rule by its number. Raises NotFound."""
    if not shop.store.rules.remove(parse_row_id(id, "rule")):
        raise row_not_found(id, "rule")
    return to_json({"deleted": 1})
