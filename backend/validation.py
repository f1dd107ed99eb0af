"""Convert raw items and events to valid ones, once for files, Python and HTTP. Nothing here touches the disk."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shelfwise.errors import InvalidInput
from shelfwise.events import EVENT_TYPES
from shelfwise.timestamps import parse_time
from shelfwise.types import EVENT_FIELDS, Row

__all__ = ["is_encodable", "parse_event", "parse_id", "parse_item", "parse_rows", "validate_encodable"]

_TRUE, _FALSE = {"1", "true", "yes", "y", "t"}, {"0", "false", "no", "n", "f"}
_MAX_ID_CHARS, _MAX_TEXT_CHARS, _MAX_POSITION = 512, 100_000, 1_000_000


def parse_item(row: Mapping[str, Any]) -> Row:
    """Return the named fields of an item, converted; unknown fields are gathered under `attributes`.

    Fields that the row doesn't name are absent from the result (an upsert keeps them). Raises InvalidInput.
    """
    if not isinstance(row, Mapping):
        raise InvalidInput(f"item: expected an object with id and title, got {type(row).__name__}")
    item: Row = {"id": parse_id(row.get("id"), "id")}
    attributes: Row = {}
    for name, value in row.items():
        if name == "id":
            continue
        if name in _ITEM_CONVERTERS:
            item[name] = _ITEM_CONVERTERS[name](value, name)
        elif name == "attributes":
            attributes |= _attributes(value)
        elif not _is_missing(value):
            attributes[_attribute_name(name)] = _json_value(value, str(name))
    if "title" in item and not item["title"]:
        raise InvalidInput.expected("title", "at least one character", row["title"])
    if attributes:
        item["attributes"] = attributes
    return item


def parse_event(row: Mapping[str, Any], default_ts: float) -> Row:
    """Return the fields of an event, converted, `ts` in epoch seconds; unknown fields are dropped.

    `event_id` stays None where the row has none. Raises InvalidInput.
    """
    if not isinstance(row, Mapping):
        raise InvalidInput(f"event: expected an object with type and item, got {type(row).__name__}")
    event: Row = dict.fromkeys(EVENT_FIELDS)
    event["item"] = parse_id(row.get("item"), "item")
    event["type"] = row.get("type")
    if event["type"] not in EVENT_TYPES:
        raise InvalidInput.expected("type", f"one of {', '.join(EVENT_TYPES)}", event["type"])
    event["ts"] = default_ts
    for name, convert in _OPTIONAL_EVENT_CONVERTERS.items():
        if not _is_missing(value := row.get(name)):
            event[name] = convert(value, name)
    return event


def parse_rows(
    rows: Iterable[Mapping[str, Any]], parse: Callable[[Mapping[str, Any]], Row]
) -> tuple[list[tuple[int, Row]], list[Row]]:
    """Return the valid rows, each with its index, and the others as {"index", "reason"}."""
    parsed: list[tuple[int, Row]] = []
    rejected: list[Row] = []
    for index, row in enumerate(rows):
        try:
            parsed.append((index, parse(row)))
        except InvalidInput as problem:
            rejected.append({"index": index, "reason": str(problem)})
    return parsed, rejected


def parse_id(value: object, name: str) -> str:
    """Return an id as text; numbers are converted (`7.0`, as a spreadsheet writes it in JSON, is `7`).

    Raises InvalidInput.
    """
    if isinstance(value, float) and math.isfinite(value):
        value = int(value) if value.is_integer() else repr(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInput.expected(name, "a string or number", value)
    text = validate_encodable(str(value).strip(), name)
    if not 1 <= len(text) <= _MAX_ID_CHARS:
        raise InvalidInput.expected(name, f"1 to {_MAX_ID_CHARS} characters", len(text))
    return text


def is_encodable(text: str) -> bool:
    """Return whether SQLite and UTF-8 can hold the text: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def validate_encodable(text: str, name: str) -> str:
    """Return the text. Raises InvalidInput unless SQLite and UTF-8 can hold it."""
    if not is_encodable(text):
        raise InvalidInput.expected(name, "text without NUL characters and lone surrogates", text)
    return text


def _is_missing(value: object) -> bool:
    return value is None or value == ""


def _text(value: object, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput.expected(name, "a string", value)
    return validate_encodable(str(value).strip(), name)[:_MAX_TEXT_CHARS]


def _number(value: object, name: str) -> float | None:
    if _is_missing(value):
        return None
    number = _to_float(value)
    if not math.isfinite(number):
        raise InvalidInput.expected(name, "a number", value)
    return number


def _to_float(value: Any) -> float:
    """Return the value as a number; NaN if it can't be converted."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _price(value: object, name: str) -> float | None:
    number = _number(value, name)
    if number is not None and number < 0:
        raise InvalidInput.expected(name, "a number from 0 up", value)
    return number


def _position(value: object, name: str) -> int:
    number = _to_float(value)
    if not 0 <= number <= _MAX_POSITION or number != int(number):
        raise InvalidInput.expected(name, f"a whole number from 0 to {_MAX_POSITION:,}", value)
    return int(number)


def _flag(value: object, name: str) -> bool:
    text = str(value).strip().lower()
    if value is None or text == "" or text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidInput.expected(name, "true or false", value)


def _tags(value: object, name: str) -> list[str]:
    tags = value.split(",") if isinstance(value, str) else [] if value is None else value
    if not isinstance(tags, list | tuple):
        raise InvalidInput.expected(name, "a list of strings or a string with commas", value)
    return [text for tag in tags if (text := _text(tag, name))]


def _time(value: object, name: str) -> float | None:
    return None if _is_missing(value) else parse_time(value, name)


def _attributes(value: object) -> Row:
    if _is_missing(value):
        return {}
    parsed = value
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
    if not isinstance(parsed, Mapping):
        raise InvalidInput.expected("attributes", "an object", value)
    return {_attribute_name(name): _json_value(part, str(name)) for name, part in parsed.items()}


def _attribute_name(name: object) -> str:
    if not is_encodable(str(name)):
        raise InvalidInput.expected("attributes", "names without NUL characters and lone surrogates", name)
    return str(name)


def _json_value(value: object, name: str) -> object:
    """Return a value that JSON can hold, so that no later step fails on it. Raises InvalidInput."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise InvalidInput.expected(name, "a value that JSON can hold", value) from None
    validate_encodable(text.replace("\\u0000", "\x00"), name)
    return value


_ITEM_CONVERTERS: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("title", "description", "brand", "category", "currency", "url", "image"), _text),
    "price": _price,
    "in_stock": _flag,
    "tags": _tags,
    "created_at": _time,
}
_OPTIONAL_EVENT_CONVERTERS: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("event_id", "user", "session", "search_id", "recommendation_id"), parse_id),
    "ts": parse_time,
    "position": _position,
    "query": _text,
    **dict.fromkeys(("value", "quantity"), _number),
}
