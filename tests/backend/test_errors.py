"""The shape of error messages."""

from __future__ import annotations

import pytest

from shelfwise.errors import InvalidInput, shown


@pytest.mark.parametrize(
    ("value", "text"), [(None, "nothing"), (0, "0"), ("a", "'a'"), ([1], "[1]"), ("x" * 99, "'" + "x" * 59)]
)
def test_shown_quotes_at_most_60_characters(value: object, text: str) -> None:
    assert shown(value) == text


def test_invalid_input_expected_names_the_field() -> None:
    problem = InvalidInput.expected("limit", "a whole number from 1 to 100", 0)
    assert (str(problem), problem.field) == ("limit: expected a whole number from 1 to 100, got 0", "limit")
