"""Guard what changes the shop: against pages of other sites, and against bodies of which only a part can be used.

Whoever reaches the HTTP API may change the shop, as with `PUT /items`. A browser sends no PUT to another site by
itself, but it does send a POST.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import request
from werkzeug.exceptions import Forbidden

from shelfwise import InvalidInput
from shelfwise.api.http.request_body import read_body

__all__ = ["parse_all_or_none", "require_same_origin"]

Parsed = TypeVar("Parsed")


def parse_all_or_none(parse: Callable[[Mapping[str, Any]], Parsed]) -> list[Parsed]:
    """Return each row of the body as `parse` made it.

    Raises InvalidInput for the first bad row, Forbidden when another site's page sent the body.
    """
    require_same_origin()
    rows = read_body()
    for bad in rows.rejected:
        raise InvalidInput(f"row {bad['index']}: {bad['reason']}", "body")
    parsed = []
    for index, row in rows.readable:
        try:
            parsed.append(parse(row))
        except InvalidInput as problem:
            position = f"row {index}: " if len(rows.readable) > 1 else ""
            raise InvalidInput(f"{position}{problem}", problem.field) from None
    return parsed


def require_same_origin() -> None:
    """Raise Forbidden for a request that a page of another site made a browser send.

    `Sec-Fetch-Site` decides; browsers send it to https and localhost only, elsewhere `Origin` has to be this host.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        is_foreign = site not in ("same-origin", "none")
    else:
        is_foreign = origin is not None and origin.partition("://")[2] != request.host
    if is_foreign:
        raise Forbidden("expected a request of the shop's own pages or server, got one from a page of another site")
