"""Validate the arguments of a question: query, page, choices and shares, once for Python, HTTP and the command line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, TypeGuard

from shelfwise.errors import InvalidInput, NotFound
from shelfwise.validation import parse_id, validate_encodable

__all__ = [
    "MAX_LIMIT",
    "as_list",
    "parse_path_id",
    "parse_shopper",
    "validate_choice",
    "validate_page",
    "validate_query",
    "validate_share",
]

MAX_LIMIT = 100
_MAX_QUERY_CHARS = 1_000


def parse_path_id(id: object, field: str) -> str:
    """Return the id as it is stored. Raises NotFound for an invalid one, as for any other id of no item."""
    try:
        return parse_id(id, field)
    except InvalidInput as problem:
        raise NotFound(str(problem), field) from None


def parse_shopper(user: object, session: object) -> tuple[str | None, str | None]:
    """Return the ids of the user and of the session as they are stored, None where there is none.

    Raises InvalidInput.
    """
    return (
        None if user is None else parse_id(user, "user"),
        None if session is None else parse_id(session, "session"),
    )


def as_list(value: Any) -> list[Any]:
    """Return one value or several, or None, as a list."""
    return [] if value is None else list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def validate_query(q: object, name: str = "q") -> str:
    """Return the query in NFKC, each run of white space as one blank. Raises InvalidInput."""
    if not isinstance(q, str):
        raise InvalidInput.expected(name, "the words to search for", q)
    if len(q) > _MAX_QUERY_CHARS:
        raise InvalidInput.expected(name, f"at most {_MAX_QUERY_CHARS:,} characters", len(q))
    query = " ".join(unicodedata.normalize("NFKC", validate_encodable(q, name)).split())
    if not query:
        raise InvalidInput.expected(name, "the words to search for", q)
    return query


def validate_page(limit: object, offset: object) -> None:
    """Raise InvalidInput unless the limit is in 1..100 and the offset is not negative."""
    if not _is_whole(limit) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput.expected("limit", f"a whole number from 1 to {MAX_LIMIT}", limit)
    if not _is_whole(offset) or offset < 0:
        raise InvalidInput.expected("offset", "a whole number from 0 up", offset)


def validate_choice(value: object, choices: Sequence[str], name: str) -> str:
    """Return the value. Raises InvalidInput unless it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidInput.expected(name, f"one of {', '.join(choices)}", value)
    return value


def validate_share(value: object, name: str) -> float:
    """Return the value as a float. Raises InvalidInput unless it is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput.expected(name, "a number from 0 to 1", value)
    return float(value)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
