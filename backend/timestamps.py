"""Times in and out: what the contract accepts becomes epoch seconds (UTC), and epoch seconds become ISO 8601.

The store keeps epoch seconds as floats, because every decay and window is a subtraction.
"""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime

from shelfwise.errors import InvalidInput

__all__ = ["DAY", "parse_time", "to_datetime", "to_iso"]

DAY = 86_400.0  # seconds
_MIN_MILLISECONDS = 1e11  # seconds reach this in the year 5138, milliseconds did in 1973
_END_SECONDS = 253_402_300_800.0  # year 10000


def parse_time(value: object, field: str = "ts") -> float:
    """Return the epoch seconds of ISO 8601 text, a datetime, epoch seconds or milliseconds (naive times are UTC).

    Raises InvalidInput for anything else, and for years outside 1970..9999.
    """
    try:
        seconds = _seconds(value)
    except (ValueError, OverflowError):
        seconds = math.nan
    if not _in_range(seconds):
        raise InvalidInput.expected(field, "ISO 8601, 'YYYY-MM-DD HH:MM:SS', epoch seconds or milliseconds", value)
    return seconds


def to_iso(seconds: float) -> str:
    """Return epoch seconds as ISO 8601 in UTC with milliseconds, `2011-09-20T12:00:00.000Z`."""
    return to_datetime(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_datetime(seconds: float) -> datetime:
    """Return the aware UTC datetime of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, bool):
        return math.nan
    text = str(value).strip()
    if not isinstance(value, int | float):
        with suppress(ValueError, OverflowError):  # not ISO 8601: a number, perhaps
            seconds = _timestamp(datetime.fromisoformat(text))
            if _in_range(seconds):  # milliseconds such as 1301010812345 read as a compact date of the year 1301
                return seconds
    number = float(text)
    return number / 1000 if abs(number) >= _MIN_MILLISECONDS else number


def _timestamp(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _in_range(seconds: float) -> bool:
    return 0 <= seconds < _END_SECONDS  # False for NaN
