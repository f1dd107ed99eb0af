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
    pairs = parse_all_or_none(_clean)
    if len(pairs) != 1:
        raise InvalidInput(f"body: holds {len(pairs)} objects; send one, with session and user", "body")
    return to_json(shop.merge(*pairs[0]))


def _clean(row: Mapping[str, Any]) -> tuple[str, str]:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"body: is no object with session and user but {type(row).__name__}", "body")
    return parse_id(row.get("session"), "session"), parse_id(row.get("user"), "user")
