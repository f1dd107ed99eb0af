"""What `/synonyms` and `/rules` share: who may change them, a body taken whole or not at all, numbers in a path.

Whoever reaches the door may change the shop, as with `PUT /items`. A browser sends no PUT to another site by itself
but it does send a POST, so one that comes from another site's page is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import request
from werkzeug.exceptions import Forbidden

from shelfwise import InvalidInput, NotFound
from shelfwise.api.http.request_body import read_body

__all__ = ["all_or_none", "not_found", "parse_row_id"]

Clean = TypeVar("Clean")


def all_or_none(clean: Callable[[Mapping[str, Any]], Clean]) -> list[Clean]:
    """Each row of the body, cleaned. Raises InvalidInput for the first bad one, Forbidden for another site's page."""
    _refuse_other_sites()
    rows = read_body()
    for bad in rows.rejected:
        raise InvalidInput(f"row {bad['index']}: {bad['reason']}", "body")
    cleaned = []
    for index, row in rows.readable:
        try:
            cleaned.append(clean(row))
        except InvalidInput as problem:
            position = f"row {index}: " if len(rows.readable) > 1 else ""
            raise InvalidInput(f"{position}{problem}", problem.field) from None
    return cleaned


def parse_row_id(id: str, kind: str) -> int:
    """The number in a path. Raises NotFound for what is none, as for one that isn't there."""
    if not id.isascii() or not id.isdigit() or len(id) > 18:
        raise not_found(id, kind)
    return int(id)


def not_found(id: object, kind: str) -> NotFound:
    return NotFound(f"there is no {kind} {str(id)[:60]!r}", "id")


def _refuse_other_sites() -> None:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:  # a browser sends it to https and localhost only
        foreign = origin is not None and origin.partition("://")[2] != request.host
    if foreign:
        raise Forbidden("a page of another site can't change the shop; ask through the shop's own server")
