"""Times in and out: what the contract accepts becomes epoch seconds (UTC), and epoch seconds become ISO 8601.

The facts keep epoch seconds as floats, because every decay and window is a subtraction.
"""

from __future__ import annotations

from datetime import UTC, datetime

from shelfwise.errors import InvalidInput

__all__ = ["DAY", "parse_time", "to_datetime", "to_iso"]

DAY = 86_400.0
_MILLISECONDS_FROM = 1e11  # seconds reach this in the year 5138, milliseconds did in 1973
_LATEST = 253_402_300_800.0  # year 10000


def parse_time(value: object, field: str = "ts") -> float:
    """Epoch seconds of an ISO 8601 text, a datetime, epoch seconds or milliseconds (naive times are UTC).

    Raises InvalidInput when the value is none of these.
    """
    if isinstance(value, datetime):
        return _in_range(_aware(value).timestamp(), value, field)
    if isinstance(value, bool) or value is None:
        raise _not_a_time(value, field)
    text = str(value).strip()
    try:
        if not isinstance(value, int | float):
            return _in_range(_aware(datetime.fromisoformat(text)).timestamp(), value, field)
    except (ValueError, OverflowError):
        pass  # no ISO 8601; a number then
    try:
        return _from_number(float(text), value, field)
    except (ValueError, OverflowError):
        raise _not_a_time(value, field) from None


def to_iso(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds, `2011-09-20T12:00:00.000Z`."""
    return to_datetime(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_datetime(seconds: float) -> datetime:
    """The aware UTC datetime of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _from_number(number: float, value: object, field: str) -> float:
    return _in_range(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, value, field)


def _in_range(seconds: float, value: object, field: str) -> float:
    if not 0 <= seconds < _LATEST:  # a NaN is in no range
        raise _not_a_time(value, field)
    return seconds


def _not_a_time(value: object, field: str) -> InvalidInput:
    shown = repr(value)[:60]
    return InvalidInput(
        f"{field}: {shown} is no time; use ISO 8601, 'YYYY-MM-DD HH:MM:SS', epoch seconds or milliseconds", field
    )
