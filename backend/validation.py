"""Convert raw items and events to valid ones, once for files, Python and HTTP. Nothing here touches the disk."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from shelfwise.errors import InvalidInput
from shelfwise.timestamps import parse_time
from shelfwise.types import EVENT_FIELDS, EVENT_TYPES, Row

__all__ = [
    "is_encodable",
    "parse_event",
    "parse_id",
    "parse_item",
    "shown",
]

_TRUE, _FALSE = {"1", "true", "yes", "y", "t"}, {"0", "false", "no", "n", "f"}
MAX_ID, MAX_TEXT, MAX_POSITION = 512, 100_000, 1_000_000


def parse_item(row: Mapping[str, Any]) -> Row:
    """The named fields of an item, converted; unknown fields are gathered under `attributes`.

    Fields that the row doesn't name are absent from the result (an upsert keeps them). Raises InvalidInput.
    """
    if not isinstance(row, Mapping):
        raise InvalidInput(f"an item is an object with id and title, not {type(row).__name__}")
    item: Row = {"id": parse_id(row.get("id"), "id")}
    extra: Row = {}
    for name, value in row.items():
        if name == "id":
            continue
        if name in _ITEM_CONVERTERS:
            item[name] = _ITEM_CONVERTERS[name](value, name)
        elif name == "attributes":
            extra |= _attributes(value)
        elif value is not None and value != "":
            extra[_field_name(name)] = _plain(value, str(name))
    if "title" in item and not item["title"]:
        raise InvalidInput("title: is blank; every item needs a title", "title")
    if extra:
        item["attributes"] = extra
    return item


def parse_event(row: Mapping[str, Any], default_ts: float) -> Row:
    """The fields of an event, converted, `ts` in epoch seconds; fields that are no event's are dropped.

    `event_id` stays None where the row has none. Raises InvalidInput.
    """
    if not isinstance(row, Mapping):
        raise InvalidInput(f"an event is an object with type and item, not {type(row).__name__}")
    event: Row = dict.fromkeys(EVENT_FIELDS)
    for name in ("event_id", "user", "session", "search_id", "recommendation_id"):
        if (value := row.get(name)) is not None and value != "":
            event[name] = parse_id(value, name)
    event["item"] = parse_id(row.get("item"), "item")
    kind = row.get("type")
    if kind not in EVENT_TYPES:
        raise InvalidInput(f"type: {shown(kind)} is none of {', '.join(EVENT_TYPES)}", "type")
    event["type"] = kind
    ts = row.get("ts")
    event["ts"] = default_ts if ts is None or ts == "" else parse_time(ts)
    event["position"] = _optional(row.get("position"), "position", _position)
    event["query"] = _optional(row.get("query"), "query", _text)
    event["value"] = _optional(row.get("value"), "value", _number)
    event["quantity"] = _optional(row.get("quantity"), "quantity", _number)
    return event


def parse_id(value: object, name: str) -> str:
    """An id as text; numbers are converted (`7.0`, as a spreadsheet writes it in JSON, is `7`)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput(f"{name}: {shown(value)} is no id; give a text or a number", name)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(f"{name}: {shown(value)} is no id; give a text or a number", name)
        value = int(value) if value == int(value) else repr(value)
    text = _encodable(str(value).strip(), name)
    if not text or len(text) > MAX_ID:
        raise InvalidInput(f"{name}: an id has 1 to {MAX_ID} characters, this has {len(text)}", name)
    return text


def _optional(value: object, name: str, convert: Callable[[object, str], Any]) -> Any:
    return None if value is None or value == "" else convert(value, name)


def _text(value: object, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput(f"{name}: {shown(value)} is no text", name)
    return _encodable(str(value).strip(), name)[:MAX_TEXT]


def _encodable(text: str, name: str) -> str:
    if not is_encodable(text):
        raise InvalidInput(f"{name}: holds a NUL character or a lone surrogate, which is no valid text", name)
    return text


def is_encodable(text: str) -> bool:
    """Whether SQLite and UTF-8 can hold the text: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _number(value: object, name: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{name}: {shown(value)} is no number", name)
    return number


def _price(value: object, name: str) -> float | None:
    number = _number(value, name)
    if number is not None and number < 0:
        raise InvalidInput(f"{name}: {shown(value)} is negative", name)
    return number


def _position(value: object, name: str) -> int:
    number = _number(value, name)
    if number is None or number != int(number) or not 0 <= number <= MAX_POSITION:
        raise InvalidInput(f"{name}: {shown(value)} is no whole number from 0 to {MAX_POSITION:,}", name)
    return int(number)


def _flag(value: object, name: str) -> bool:
    text = str(value).strip().lower()
    if value is None or text == "" or text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidInput(f"{name}: {shown(value)} is neither true nor false", name)


def _tags(value: object, name: str) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if parts is None:
        return []
    if not isinstance(parts, list | tuple):
        raise InvalidInput(f"{name}: {shown(value)} is no list of texts, nor a text with commas", name)
    return [text for part in parts if (text := _text(part, name))]


def _time(value: object, name: str) -> float | None:
    return None if value is None or value == "" else parse_time(value, name)


def _attributes(value: object) -> Row:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, Mapping):
        raise InvalidInput("attributes: is no object", "attributes")
    return {_field_name(name): _plain(part, str(name)) for name, part in value.items()}


def _field_name(name: object) -> str:
    if not is_encodable(str(name)):
        raise InvalidInput("a field's name holds a NUL character or a lone surrogate, which is no valid text")
    return str(name)


def _plain(value: object, name: str) -> object:
    """A JSON value, checked once here so that no later step stumbles over it."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise InvalidInput(f"{name}: {problem}", name) from None
    _encodable(text.replace("\\u0000", "\x00"), name)
    return value


def shown(value: object) -> str:
    """Return the value as an error message quotes it."""
    return "missing" if value is None else repr(value)[:60]


_ITEM_CONVERTERS: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("title", "description", "brand", "category", "currency", "url", "image"), _text),
    "price": _price,
    "in_stock": _flag,
    "tags": _tags,
    "created_at": _time,
}
