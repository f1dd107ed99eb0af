"""JSON in and out: what may stand in a request's body (an object, an array, NDJSON), and how an answer is written.

The content type is ignored: what parses is taken. A line of NDJSON that doesn't parse is rejected alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from shelfwise import InvalidInput

__all__ = ["MAX_BYTES", "BodyRows", "apply_rows", "parse_body", "read_body", "to_json"]

MAX_BYTES = 32 * 1024 * 1024  # where the app sets no MAX_CONTENT_LENGTH of its own
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class BodyRows:
    """The rows of a body, each with its index in it, and those that could not be read as {"index", "reason"}."""

    readable: list[tuple[int, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def read_body() -> BodyRows:
    """Return the rows of the request's body. Raises InvalidInput for an unreadable one, RequestEntityTooLarge."""
    if request.max_content_length is None:
        request.max_content_length = MAX_BYTES
    body = request.get_data(cache=False)
    # A body without a Content-Length is cut at the limit; its beginning alone must not pass for the whole.
    if request.content_length is None and len(body) >= request.max_content_length:
        raise RequestEntityTooLarge
    return parse_body(body)


def parse_body(body: bytes) -> BodyRows:
    """Return the rows of a body. Raises InvalidInput when not even one can be read."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidInput(f"body: expected UTF-8, got byte {body[problem.start]:#x}", "body") from None
    if not text.strip():
        raise InvalidInput("body: expected a JSON object, an array of them, or one a line, got nothing", "body")
    try:
        whole = _load(text)
    except ValueError as problem:
        rows = _lines(text)
        if not rows.readable:
            raise InvalidInput(f"body: expected JSON, got a syntax error: {problem}", "body") from None
        return rows
    if not isinstance(whole, dict | list):
        raise InvalidInput(f"body: expected an object or an array, got {type(whole).__name__}", "body")
    return BodyRows(list(enumerate(whole if isinstance(whole, list) else [whole])))


def apply_rows(rows: BodyRows, verb: Callable[[Iterable[Mapping[str, Any]]], dict[str, Any]]) -> dict[str, Any]:
    """Return what `verb` (`shop.record`, `shop.upsert`) made of the rows, rejected ones by their index in the body."""
    result = verb([row for _, row in rows.readable])
    judged = [{**bad, "index": rows.readable[bad["index"]][0]} for bad in result["rejected"]]
    return {**result, "rejected": sorted([*rows.rejected, *judged], key=lambda bad: int(bad["index"]))}


def to_json(body: Mapping[str, Any], status: int = 200) -> Response:
    """Return a response of compact JSON that no cache keeps."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate, quoted from the input in a reason, becomes \udXXX, which is how JSON writes it.
    response = Response(text.encode("utf-8", "backslashreplace"), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(text: str) -> BodyRows:
    """Read each line alone. Only objects count as readable, so that the pieces of a broken array don't."""
    rows = BodyRows()
    lines = [line for line in text.split("\n") if line.strip()]  # not splitlines: U+2028 may stand within a string
    for index, line in enumerate(lines if len(lines) > 1 and text.lstrip().startswith("{") else []):
        try:
            row = _load(line)
        except ValueError as problem:
            rows.rejected.append({"index": index, "reason": f"expected JSON, got a syntax error: {problem}"})
            continue
        if isinstance(row, dict):
            rows.readable.append((index, row))
        else:
            rows.rejected.append({"index": index, "reason": f"expected an object, got {type(row).__name__}"})
    return rows


def _load(text: str) -> Any:
    """Return the value of strict JSON. Raises ValueError, also for NaN, Infinity and more than 64 levels."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(f"nested more than {_MAX_DEPTH} levels deep") from None
    level, depth = [value], 0
    while level := [part for parent in level for part in _children(parent) if isinstance(part, dict | list)]:
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested more than {_MAX_DEPTH} levels deep")
    return value


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
