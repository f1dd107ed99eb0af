"""Errors as JSON: `{"error": {"code", "message", "field"}}`, and what the errors of the API and of the pages share.

The handlers are registered on our blueprints, one for each status, so that a host app's error pages stay its own: Flask
prefers a handler of the very status, the host's too, over one of a wider class.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException, default_exceptions

from shelfwise import InvalidInput, NotFound
from shelfwise.api.http.request_body import to_json

__all__ = ["answer_in_json", "message_of", "register_handler", "status_of", "with_allow"]

_CODES = {400: "invalid", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 500: "internal"}
_MESSAGES = {
    404: "there is nothing at this address",
    405: "this address doesn't take this method; the Allow header names those it takes",
    413: "the body is too large; send it in parts",
    500: "the server failed to answer; its log says why",
}


def answer_in_json(target: Blueprint | Flask) -> None:
    """Answer every error of the blueprint or app with a JSON body."""
    register_handler(target, _json)


def register_handler(target: Blueprint | Flask, answer: Callable[[Exception], Response]) -> None:
    """Turn every error of the blueprint or app into a response by `answer`."""
    kinds: list[int | type[Exception]] = [*default_exceptions, InvalidInput, NotFound]
    for kind in kinds:
        target.register_error_handler(kind, answer)


def _json(problem: Exception) -> Response:
    status = status_of(problem)
    code = _CODES.get(status) or getattr(problem, "name", "error").lower().replace(" ", "_")
    error = {"code": code, "message": message_of(problem), "field": getattr(problem, "field", None)}
    return with_allow(to_json({"error": error}, status), problem)


def status_of(problem: Exception) -> int:
    """Return the HTTP status that the error is answered with."""
    if isinstance(problem, HTTPException):
        return problem.code or 500
    return 404 if isinstance(problem, NotFound) else 400


def message_of(problem: Exception) -> str:
    """Return the sentence that tells a person what was wrong."""
    if isinstance(problem, HTTPException):
        return _MESSAGES.get(problem.code or 500) or problem.description or problem.name
    return str(problem)


def with_allow(response: Response, problem: Exception) -> Response:
    """Name the allowed methods in a 405's Allow header."""
    if methods := getattr(problem, "valid_methods", None):
        response.headers["Allow"] = ", ".join(methods)
    return response
