"""The query string, read strictly: bytes that are no UTF-8 are the caller's mistake, not a text to search for."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from flask import request

from shelfwise import InvalidInput, NotFound
from shelfwise.validation import parse_id

__all__ = ["QueryParams"]

_MAX_FIELDS, _MAX_ITEMS = 1_000, 100
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class QueryParams:
    """The parameters of this request. Raises InvalidInput when there are far too many."""

    def __init__(self) -> None:
        raw = request.query_string.decode("latin-1")
        try:
            # Bytes that are no UTF-8 become lone surrogates, which every check of a text refuses.
            pairs = parse_qsl(raw, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MAX_FIELDS)
        except ValueError:
            raise InvalidInput(f"the query string has more than {_MAX_FIELDS:,} fields") from None
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """The first value as it came, None where there is none."""
        values = self._values.get(name)
        return values[0] if values else None

    def required(self, name: str) -> str:
        """The same, where there must be one. Raises InvalidInput."""
        value = self.text(name)
        if value is None:
            raise InvalidInput(f"{name}: missing", name)
        return value

    def id(self, name: str) -> str | None:
        """A user's or a session's id; a blank one counts as none. Raises InvalidInput for what can't be an id."""
        value = self.text(name)
        return parse_id(value, name) if value and value.strip() else None

    def whole(self, name: str, default: int) -> int:
        """A whole number; its bounds are the shop's to judge. Raises InvalidInput."""
        value = self.text(name)
        if value is None:
            return default
        if not _WHOLE.fullmatch(value):
            raise InvalidInput(f"{name}: {value[:60]!r} is no whole number", name)
        return int(value)

    def number(self, name: str, default: float) -> float:
        """A number; its bounds are the shop's to judge. Raises InvalidInput."""
        value = self.text(name)
        if value is None or not value.strip():
            return default
        if not _NUMBER.fullmatch(value):
            raise InvalidInput(f"{name}: {value[:60]!r} is no number", name)
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Whether it is 1, or 0; absent or blank is the default. Raises InvalidInput for anything else."""
        value = self.text(name) or ("1" if default else "0")
        if value not in ("0", "1"):
            raise InvalidInput(f"{name}: {value[:60]!r} is neither 1 nor 0", name)
        return value == "1"

    def listed(self, name: str) -> list[str]:
        """The parts of a value between commas, blank ones left out."""
        return [part.strip() for part in (self.text(name) or "").split(",") if part.strip()]

    def items(self, name: str = "item") -> list[str]:
        """The ids of a repeatable parameter. What can't be an id is no item's: NotFound, or InvalidInput unless it is
        `item` that is asked for."""
        values = [value for value in self._values.get(name, []) if value.strip()]
        if len(values) > _MAX_ITEMS:
            raise InvalidInput(f"{name}: is given {len(values)} times; at most {_MAX_ITEMS} are looked at", name)
        try:
            return [parse_id(value, name) for value in values]
        except InvalidInput as problem:
            if name != "item":
                raise
            raise NotFound(f"{name}: there is no such item ({problem})", name) from None
