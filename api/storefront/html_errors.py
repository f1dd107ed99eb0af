"""Errors as pages, for visitors of the storefront."""

from __future__ import annotations

from flask import Blueprint, Response

from shelfwise import NotFound
from shelfwise.api.http.json_errors import message_of, register_handler, status_of, with_allow
from shelfwise.api.storefront.rendering import to_page

__all__ = ["answer_in_html"]


def answer_in_html(target: Blueprint) -> None:
    """Answer every error of the blueprint with a page."""
    register_handler(target, _page)


def _page(problem: Exception) -> Response:
    message = "This product is not in the shop (any more)." if isinstance(problem, NotFound) else message_of(problem)
    return with_allow(to_page("error.html", {"message": message}, status_of(problem)), problem)
