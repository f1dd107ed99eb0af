"""Validate the arguments of a question: query, page, choices and shares, once for Python, HTTP and the command line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from shelfwise.errors import InvalidInput, NotFound
from shelfwise.validation import is_encodable, parse_id, shown

__all__ = ["MAX_LIMIT", "parse_path_id", "validate_choice", "validate_page", "validate_query", "validate_share"]

MAX_QUERY, MAX_LIMIT = 1_000, 100


def parse_path_id(id: object, field: str) -> str:
    """The id as it is stored. What can be no id is not found, as any other id that isn't there."""
    try:
        return parse_id(id, field)
    except InvalidInput as problem:
        raise NotFound(str(problem), field) from None


def validate_query(q: object) -> str:
    """The query as it is searched for: NFKC, without blanks around it. Raises InvalidInput."""
    if not isinstance(q, str):
        raise InvalidInput("q: missing; give the words to search for", "q")
    if not is_encodable(q):
        raise InvalidInput("q: holds a NUL character or a lone surrogate, which is no valid text", "q")
    if len(q) > MAX_QUERY:
        raise InvalidInput(f"q: has {len(q):,} characters; at most {MAX_QUERY:,} are searched for", "q")
    query = " ".join(unicodedata.normalize("NFKC", q).split())
    if not query:
        raise InvalidInput("q: is blank; give the words to search for", "q")
    return query


def validate_page(limit: int, offset: int) -> None:
    """Raises InvalidInput unless the limit is within 1..100 and the offset is not negative."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit: {limit!r} is no whole number from 1 to {MAX_LIMIT}", "limit")
    if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
        raise InvalidInput(f"offset: {offset!r} is no whole number from 0 up", "offset")


def validate_choice(value: object, choices: Sequence[str], name: str) -> str:
    """One of the choices. Raises InvalidInput."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidInput(f"{name}: {shown(value)} is none of {', '.join(choices)}", name)
    return value


def validate_share(value: object, name: str) -> float:
    """A number from 0 to 1. Raises InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"{name}: {shown(value)} is no number from 0 to 1", name)
    return float(value)
