"""Errors as answers: `{"error": {"code", "message", "field"}}` for machines, a page for shoppers.

The handlers hang on our blueprints, one for each status, so that a host app's own error pages stay its own: Flask
prefers a handler of the very status, the host's too, over one of a wider class.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException, default_exceptions

from shelfwise import InvalidInput, NotFound
from shelfwise.api.http.request_body import to_json
from shelfwise.api.storefront.rendering import to_page

__all__ = ["answer_in_html", "answer_in_json"]

_CODES = {400: "invalid", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 500: "internal"}
_MESSAGES = {
    404: "there is nothing at this address",
    405: "this address doesn't take this method; the Allow header names those it takes",
    413: "the body is too large; send it in parts",
    500: "something went wrong here, and the server's log says what",
}


def answer_in_json(roof: Blueprint | Flask) -> None:
    """Let every error under this roof be a JSON body."""
    _register(roof, _json)


def answer_in_html(roof: Blueprint) -> None:
    """Let every error under this roof be a page."""
    _register(roof, _page)


def _register(roof: Blueprint | Flask, answer: Callable[[Exception], Response]) -> None:
    kinds: list[int | type[Exception]] = [*default_exceptions, InvalidInput, NotFound]
    for kind in kinds:
        roof.register_error_handler(kind, answer)


def _json(problem: Exception) -> Response:
    status = _status(problem)
    code = _CODES.get(status) or getattr(problem, "name", "error").lower().replace(" ", "_")
    error = {"code": code, "message": _message(problem), "field": getattr(problem, "field", None)}
    return _with_allow(to_json({"error": error}, status), problem)


def _page(problem: Exception) -> Response:
    message = "This product is not in the shop (any more)." if isinstance(problem, NotFound) else _message(problem)
    return _with_allow(to_page("error.html", {"message": message}, _status(problem)), problem)


def _status(problem: Exception) -> int:
    if isinstance(problem, HTTPException):
        return problem.code or 500
    return 404 if isinstance(problem, NotFound) else 400


def _message(problem: Exception) -> str:
    if isinstance(problem, HTTPException):
        return _MESSAGES.get(problem.code or 500) or problem.description or problem.name
    return str(problem)


def _with_allow(response: Response, problem: Exception) -> Response:
    if methods := getattr(problem, "valid_methods", None):
        response.headers["Allow"] = ", ".join(methods)
    return response
