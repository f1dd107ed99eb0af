"""The values of a filter's conditions: how each field reads one from text, and writes it back.

Numbers and times are ranges, everything else is compared as `dictionary.comparison_key` folds it; ids stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np

from shelfwise.catalogue.dictionary import Range, category_levels, comparison_key, parse_number
from shelfwise.text.normalize import casefold_nfkc
from shelfwise.timestamps import DAY, parse_time, to_datetime

__all__ = ["expected_value", "quote", "read_value", "write_value"]

_DATE = re.compile(r"\d{4}-?\d\d-?\d\d", re.ASCII)
_SHORT_NUMBER = re.compile(r"\d{1,7}", re.ASCII)
_BARE = re.compile(r"(?!.*\.\.)[^\s\"(),:]+")  # needs no quotes
_MAX_FLOAT_TEXT = "1e999"  # reads as infinity


def read_value(name: str, text: str, quoted: bool) -> str | Range:
    """Return the value that `text` stands for in a condition on `name` (folded).

    A quoted attribute is never a range. Raises ValueError for what the field can't be compared with.
    """
    match name:
        case "id":
            return text.strip()
        case "brand" | "tags":
            return comparison_key(text)
        case "category":
            return _read_category(text)
        case "price":
            return _read_range(text, _read_number, _read_number)
        case "created_at":
            return _read_range(text, _read_time, _read_last_moment)
        case "stock":
            return _read_stock(text)
    return comparison_key(text) if quoted or ".." not in text else _read_range(text, _read_number, _read_number)


def expected_value(name: str) -> str:
    """Return what `read_value` expects of the field, for an error message."""
    return {
        "id": "an id",
        "brand": "a brand",
        "tags": "a tag",
        "category": 'a category such as "Audio > Headphones"',
        "price": "a price such as 10..50, 10.. or ..<50",
        "created_at": "days such as 2024-01-01..2024-06-30",
        "stock": "in or out",
    }.get(name, "numbers such as 15..17 (a text with .. in quotes)")


def write_value(name: str, value: str | Range) -> str:
    """Return the shortest usual text that `read_value` reads as `value`. Raises ValueError where there is none."""
    if isinstance(value, str):
        return quote(value)
    for text in _range_texts(value, _time_texts if name == "created_at" else _number_texts):
        with suppress(ValueError):
            if read_value(name, text, quoted=False) == value:
                return text
    raise ValueError(f"{name}: expected a range that a text can stand for, got {value}")


def quote(text: str) -> str:
    """Return a name or value as a filter writes it: in quotation marks where it needs them."""
    return text if _BARE.fullmatch(text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _read_range(text: str, low_of: Callable[[str], float], high_of: Callable[[str], float]) -> Range:
    """Read `a..b`, `a..`, `..b`, `a..<b` without its end, or `a` alone. Raises ValueError for anything else."""
    low, dots, high = text.partition("..")
    if not dots:
        return Range(low_of(text), high_of(text))
    if not (low or high):
        raise ValueError("range: expected one end at least, got none")
    start = low_of(low) if low else -np.inf
    if high.startswith("<"):
        return Range(start, float(np.nextafter(low_of(high[1:]), -np.inf)))
    return Range(start, high_of(high) if high else np.inf)


def _read_number(text: str) -> float:
    value = parse_number(text)
    if np.isnan(value):
        raise ValueError(f"expected a number, got {text!r}")
    return value


def _read_time(text: str) -> float:
    """Return the epoch seconds of a time, or of the beginning of a day."""
    if _SHORT_NUMBER.fullmatch(text):
        raise ValueError("expected a day or a time, got a number: a year alone would be taken for seconds")
    return parse_time(text, "created_at")


def _read_last_moment(text: str) -> float:
    """Return the epoch seconds of a time; a bare date means its last instant."""
    moment = _read_time(text)
    return float(np.nextafter(moment + DAY, 0.0)) if _DATE.fullmatch(text) else moment


def _read_category(text: str) -> str:
    levels = category_levels(text)
    if not levels:
        raise ValueError("category: expected one level at least, got none")
    return levels[-1][0]


def _read_stock(text: str) -> str:
    if casefold_nfkc(text) not in ("in", "out"):
        raise ValueError(f"stock: expected in or out, got {text!r}")
    return casefold_nfkc(text)


def _range_texts(value: Range, texts_of: Callable[[float], Iterator[str]]) -> Iterator[str]:
    """Yield texts that may read as `value`: one value alone, then both ends, the exclusive end last."""
    lows = [""] if value.low == -np.inf else list(texts_of(value.low))
    yield from lows
    for low in lows:
        for high in _high_texts(value.high, texts_of):
            yield f"{low or ('' if high else '-' + _MAX_FLOAT_TEXT)}..{high}"


def _high_texts(high: float, texts_of: Callable[[float], Iterator[str]]) -> Iterator[str]:
    if high == np.inf:
        yield ""
        return
    after = float(np.nextafter(high, np.inf))
    short = next(texts_of(after), "") if texts_of is _number_texts else ""
    if short and len(short) + 1 < len(repr(high)):  # ..<50, whose end is 49.99999999999999
        yield "<" + short
    yield from texts_of(high)
    yield from ("<" + text for text in texts_of(after))


def _number_texts(value: float) -> Iterator[str]:
    yield repr(value).removesuffix(".0") if np.isfinite(value) else ("-" if value < 0 else "") + _MAX_FLOAT_TEXT


def _time_texts(seconds: float) -> Iterator[str]:
    yield to_datetime(seconds // DAY * DAY).date().isoformat()
    yield to_datetime(seconds).replace(tzinfo=None).isoformat()  # exact to the microsecond
    yield repr(seconds)
