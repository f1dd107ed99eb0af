"""The arguments of a question: accepted values, refused ones, and the texts of the errors."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.arguments import parse_path_id, validate_choice, validate_page, validate_query, validate_share
from shelfwise.errors import InvalidInput, NotFound

NOTHING_TO_SEARCH = "q: expected the words to search for, got "
NOT_TEXT = "q: expected text without NUL characters and lone surrogates, got "


def test_parse_path_id_converts_numbers() -> None:
    assert parse_path_id(7.0, "item") == "7"


@pytest.mark.parametrize("id", ["", "x" * 513, True, None, "a\x00"])
def test_parse_path_id_of_an_invalid_id_is_not_found(id: object) -> None:
    with pytest.raises(NotFound, match=r"^item: expected ") as problem:
        parse_path_id(id, "item")
    assert problem.value.field == "item"


@pytest.mark.parametrize(
    ("q", "query"),
    [(" red   mug ", "red mug"), ("ｍｕｇ", "mug"), ("e\u0301", "é"), ("x" * 1_000, "x" * 1_000), ('"', '"')],
)
def test_validate_query_normalises(q: str, query: str) -> None:
    assert validate_query(q) == query


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (None, NOTHING_TO_SEARCH + "nothing"),
        (5, NOTHING_TO_SEARCH + "5"),
        (b"mug", NOTHING_TO_SEARCH + "b'mug'"),
        (["mug"], NOTHING_TO_SEARCH + "['mug']"),
        ("", NOTHING_TO_SEARCH + "''"),
        (" \t\n", NOTHING_TO_SEARCH + r"' \t\n'"),
        ("\u3000", NOTHING_TO_SEARCH + r"'\u3000'"),
        ("x" * 1_001, "q: expected at most 1,000 characters, got 1001"),
        ("a\x00b", NOT_TEXT + r"'a\x00b'"),
        ("a\ud800b", NOT_TEXT + r"'a\ud800b'"),
    ],
)
def test_validate_query_refuses(q: object, message: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        validate_query(q)
    assert (str(problem.value), problem.value.field) == (message, "q")


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (100, 10**9)])
def test_validate_page_accepts_its_bounds(limit: int, offset: int) -> None:
    validate_page(limit, offset)


@pytest.mark.parametrize("limit", [0, -1, 101, True, "5", 1.5, None])
def test_validate_page_refuses_a_limit(limit: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^limit: expected a whole number from 1 to 100, got ") as problem:
        validate_page(limit, 0)
    assert problem.value.field == "limit"


@pytest.mark.parametrize("offset", [-1, True, "5", 1.5, None])
def test_validate_page_refuses_an_offset(offset: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^offset: expected a whole number from 0 up, got ") as problem:
        validate_page(1, offset)
    assert problem.value.field == "offset"


def test_validate_choice_returns_a_choice() -> None:
    assert validate_choice("new", ("new", "popular"), "kind") == "new"


@pytest.mark.parametrize(("value", "shown"), [("old", "'old'"), (None, "nothing"), (["new"], r"\['new'\]"), (5, "5")])
def test_validate_choice_refuses_other_values(value: object, shown: str) -> None:
    with pytest.raises(InvalidInput, match=f"^kind: expected one of new, popular, got {shown}$"):
        validate_choice(value, ("new", "popular"), "kind")


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_validate_share_returns_a_float(value: float) -> None:
    assert validate_share(value, "explore") == value
    assert type(validate_share(value, "explore")) is float


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "0.5", None])
def test_validate_share_refuses_other_values(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^explore: expected a number from 0 to 1, got ") as problem:
        validate_share(value, "explore")
    assert problem.value.field == "explore"
