"""The visitor: the customer chosen and a random session, both in cookies, and whether it is a robot.

A session ends half an hour after its last page, so that a repeated query on another day is another search.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, replace

from flask import Response, request

from shelfwise import InvalidInput, Shop
from shelfwise.validation import parse_id

__all__ = ["TopCustomers", "Visitor", "current_visitor", "set_cookies"]

USER_COOKIE, SESSION_COOKIE = "shelfwise_user", "shelfwise_session"
_USER_SECONDS, _SESSION_SECONDS = 90 * 86_400, 30 * 60
_SESSION = re.compile(r"[0-9a-f]{32}")
_ROBOT = re.compile(r"bot\b|crawl|spider|slurp|preview|facebookexternalhit", re.IGNORECASE)
_TOP_CUSTOMERS, _TOP_CUSTOMERS_SECONDS = 20, 60.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a page. `silent` leaves no trace: a robot that says so, or a browser that fetches ahead."""

    user: str | None
    session: str
    silent: bool

    def known_as(self, user: str | None) -> Visitor:
        """Return the same session with another user, None for a blank one. Raises InvalidInput for a bad id."""
        return replace(self, user=parse_id(user, "user") if user and user.strip() else None)


def current_visitor() -> Visitor:
    """Return the visitor of this request, in a new session where the cookie holds none."""
    session = request.cookies.get(SESSION_COOKIE, "")
    visitor = Visitor(None, session if _SESSION.fullmatch(session) else uuid.uuid4().hex, _is_silent())
    try:
        return visitor.known_as(request.cookies.get(USER_COOKIE))
    except InvalidInput:  # a cookie that was tampered with
        return visitor


def set_cookies(response: Response, visitor: Visitor, path: str) -> Response:
    """Set the cookies of the pages under `path`; no script reads them and no other site's form sends them."""
    for name, value, seconds in (
        (USER_COOKIE, visitor.user, _USER_SECONDS),
        (SESSION_COOKIE, visitor.session, _SESSION_SECONDS),
    ):
        if value is None and name in request.cookies:
            response.delete_cookie(name, path=path)
        elif value is not None:
            response.set_cookie(
                name, value, max_age=seconds, path=path, secure=request.is_secure, httponly=True, samesite="Lax"
            )
    return response


class TopCustomers:
    """The busiest customers, offered where a customer is chosen; counted once a minute."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._counted: tuple[float, list[str]] = (float("-inf"), [])

    def users(self) -> list[str]:
        """Return the ids of at most 20 users, those with the most events first."""
        now = time.monotonic()
        if now - self._counted[0] > _TOP_CUSTOMERS_SECONDS:
            self._counted = (now, [user for user, _ in self._shop.store.events.busiest_users(_TOP_CUSTOMERS)])
        return self._counted[1]


def _is_silent() -> bool:
    purpose = request.headers.get("Sec-Purpose") or request.headers.get("Purpose") or ""
    return "prefetch" in purpose or _ROBOT.search(request.user_agent.string) is not None
