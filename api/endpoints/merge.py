"""`POST /merge`: at a login, what an anonymous session did becomes the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from shelfwise import InvalidInput, Shop
from shelfwise.api.http.guards import parse_all_or_none
from shelfwise.api.http.request_body import to_json
from shelfwise.validation import parse_id

__all__ = ["merge"]


def merge(shop: Shop, /) -> Response:
    """Give what the body's session did to its user. Raises InvalidInput."""
    pairs = parse_all_or_none(_parse_pair)
    if len(pairs) != 1:
        raise InvalidInput.expected("body", "one object with session and user", len(pairs))
    return to_json(shop.merge(*pairs[0]))


def _parse_pair(row: Mapping[str, Any]) -> tuple[str, str]:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"body: expected an object with session and user, got {type(row).__name__}", "body")
    return parse_id(row.get("session"), "session"), parse_id(row.get("user"), "user")
