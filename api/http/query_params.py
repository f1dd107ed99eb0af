"""The query string, read strictly: bytes that are not UTF-8 are the caller's mistake, not a text to search for."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from flask import request

from shelfwise import InvalidInput, NotFound
from shelfwise.validation import parse_id

__all__ = ["QueryParams"]

_MAX_FIELDS, _MAX_ITEMS = 1_000, 100
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class QueryParams:
    """The parameters of the current request. Raises InvalidInput when there are over 1,000."""

    def __init__(self) -> None:
        raw = request.query_string.decode("latin-1")
        try:
            # Bytes that are not UTF-8 become lone surrogates, which every check of a text refuses.
            pairs = parse_qsl(raw, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MAX_FIELDS)
        except ValueError:
            raise InvalidInput(f"query string: expected at most {_MAX_FIELDS:,} fields, got more") from None
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """Return the first value as it came, None where there is none."""
        values = self._values.get(name)
        return values[0] if values else None

    def required(self, name: str) -> str:
        """Return the first value as it came. Raises InvalidInput where there is none."""
        value = self.text(name)
        if value is None:
            raise InvalidInput.expected(name, "a value", value)
        return value

    def id(self, name: str) -> str | None:
        """Return the id of a user or a session, None for a blank one. Raises InvalidInput for what can't be an id."""
        value = self.text(name)
        return parse_id(value, name) if value and value.strip() else None

    def integer(self, name: str, default: int) -> int:
        """Return a whole number; the shop judges its bounds. Raises InvalidInput."""
        value = self.text(name)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value):
            raise InvalidInput.expected(name, "a whole number", value)
        return int(value)

    def number(self, name: str, default: float) -> float:
        """Return a number, the default for a blank one; the shop judges its bounds. Raises InvalidInput."""
        value = self.text(name)
        if value is None or not value.strip():
            return default
        if not _NUMBER.fullmatch(value):
            raise InvalidInput.expected(name, "a number", value)
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return True for 1, False for 0, the default for a blank one. Raises InvalidInput for anything else."""
        value = self.text(name) or ("1" if default else "0")
        if value not in ("0", "1"):
            raise InvalidInput.expected(name, "1 or 0", value)
        return value == "1"

    def names(self, name: str) -> list[str]:
        """Return the parts of a value between its commas, without blank ones."""
        return [part.strip() for part in (self.text(name) or "").split(",") if part.strip()]

    def items(self, name: str = "item") -> list[str]:
        """Return the item ids of a parameter that may be repeated. Raises InvalidInput for more than 100.

        What can't be an id raises NotFound for `item`, as an unknown id does, and InvalidInput for another parameter.
        """
        values = [value for value in self._values.get(name, []) if value.strip()]
        if len(values) > _MAX_ITEMS:
            raise InvalidInput.expected(name, f"at most {_MAX_ITEMS} ids", len(values))
        try:
            return [parse_id(value, name) for value in values]
        except InvalidInput as problem:
            if name != "item":
                raise
            raise NotFound(str(problem), name) from None
