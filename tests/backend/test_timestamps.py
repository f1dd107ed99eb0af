"""The times that the contract accepts, and those that it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shelfwise.errors import InvalidInput
from shelfwise.timestamps import parse_time, to_datetime, to_iso

NOON = datetime(2011, 9, 20, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2011-09-20T12:00:00Z", NOON),
        ("2011-09-20T14:00:00+02:00", NOON),
        ("2011-09-20T12:00:00", NOON),
        ("2011-09-20 12:00:00", NOON),
        ("2011-09-20 12:00:00.250", NOON + 0.25),
        (" 2011-09-20 12:00:00 ", NOON),
        ("2011-09-20", NOON - 12 * 3600),
        (NOON, NOON),
        (int(NOON), NOON),
        (str(int(NOON)), NOON),
        (f"{NOON + 0.5}", NOON + 0.5),
        (NOON * 1000, NOON),
        (int(NOON) * 1000 + 250, NOON + 0.25),
        (str(int(NOON) * 1000), NOON),
        ("1301010812345", 1301010812.345),  # milliseconds, though it reads as a compact ISO time of the year 1301
        (0, 0.0),
        ("1970-01-01", 0.0),
        (datetime(2011, 9, 20, 12), NOON),
        (datetime(2011, 9, 20, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
    ],
)
def test_parse_time_accepts_iso_seconds_and_milliseconds(value: object, seconds: float) -> None:
    assert parse_time(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", "  ", "yesterday", "2011-13-01", "2011-09-31", "25:00", [], {}, -1, "-1", 1e18, "1e400",
        float("nan"), float("inf"), "nan", "inf", 10**400, "0001-01-01", "1969-12-31", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00", datetime(1900, 1, 1),
    ],
)  # fmt: skip
def test_parse_time_refuses_other_values(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^when: ") as problem:
        parse_time(value, "when")
    assert problem.value.field == "when"


def test_parse_time_error_says_expected_and_got() -> None:
    with pytest.raises(InvalidInput, match=r"^ts: expected ISO 8601.*epoch seconds or milliseconds, got 'yesterday'$"):
        parse_time("yesterday")


@pytest.mark.parametrize("text", ["2011-09-20T12:00:00.000Z", "1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z"])
def test_to_iso_inverts_parse_time(text: str) -> None:
    assert to_iso(parse_time(text)) == text


def test_to_iso_accepts_the_latest_time() -> None:
    assert to_iso(parse_time(253_402_300_799_999)).startswith("9999-12-31T23:59:59")
    assert to_datetime(NOON) == datetime(2011, 9, 20, 12, tzinfo=UTC)
