"""Every field of the contract: values that are converted, values that are refused, and errors that name the field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shelfwise.errors import InvalidInput
from shelfwise.validation import is_encodable, parse_event, parse_id, parse_item

NOW = 1_320_000_000.0
SURROGATE, NUL = "a\ud800b", "a\x00b"


def item_with(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "title": "Mug"} | fields


def event_with(**fields: Any) -> dict[str, Any]:
    return {"type": "click", "item": "1"} | fields


@pytest.mark.parametrize(
    ("value", "kept"),
    [("a", "a"), (" a ", "a"), (7, "7"), (7.0, "7"), (7.5, "7.5"), (-3, "-3"), (0, "0"), (10**20, "1" + "0" * 20),
     ("007", "007"), ("7.0", "7.0"), ("Ünï/ ☕?#", "Ünï/ ☕?#"), ("x" * 512, "x" * 512)],
)  # fmt: skip
def test_parse_id_returns_text(value: object, kept: str) -> None:
    assert parse_id(value, "id") == kept


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", "  ", [], {}, ["a"], b"a", "x" * 513, SURROGATE, NUL, float("nan"), float("inf")],
)
@pytest.mark.parametrize("field", ["id", "item", "event_id", "user", "session", "search_id", "recommendation_id"])
def test_parse_id_refuses_invalid_ids(field: str, value: object) -> None:
    if field not in ("id", "item") and value in (None, ""):
        assert parse_event(event_with(**{field: value}), NOW)[field] is None
        return
    with pytest.raises(InvalidInput, match=f"^{field}: ") as problem:
        parse_item({"id": value, "title": "Mug"}) if field == "id" else parse_event(event_with(**{field: value}), NOW)
    assert problem.value.field == field


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("title", " Red Mug ", "Red Mug"),
        ("title", 1984, "1984"),
        ("description", "two\nlines", "two\nlines"),
        ("brand", "Północ", "Północ"),
        ("category", "Kitchen > Mugs", "Kitchen > Mugs"),
        ("price", 2.55, 2.55),
        ("price", "2.55", 2.55),
        ("price", " 2.55 ", 2.55),
        ("price", 0, 0.0),
        ("price", "", None),
        ("price", None, None),
        ("currency", "GBP", "GBP"),
        ("in_stock", True, True),
        ("in_stock", False, False),
        ("in_stock", 0, False),
        ("in_stock", "0", False),
        ("in_stock", "False", False),
        ("in_stock", "no", False),
        ("in_stock", 1, True),
        ("in_stock", "TRUE", True),
        ("in_stock", "yes", True),
        ("in_stock", None, True),
        ("in_stock", "", True),
        ("url", "https://shop.example/1", "https://shop.example/1"),
        ("image", "https://shop.example/1.jpg", "https://shop.example/1.jpg"),
        ("tags", "red, mug ,, gift", ["red", "mug", "gift"]),
        ("tags", ["red", " mug ", "", None, 5], ["red", "mug", "5"]),
        ("tags", ("red",), ["red"]),
        ("tags", None, []),
        ("tags", "", []),
        ("created_at", "2011-09-20", datetime(2011, 9, 20, tzinfo=UTC).timestamp()),
        ("created_at", 1316476800000, 1316476800.0),
        ("created_at", "", None),
        ("attributes", {"colour": "red", "sizes": [1, 2]}, {"colour": "red", "sizes": [1, 2]}),
        ("attributes", '{"colour": "red"}', {"colour": "red"}),
    ],
)
def test_parse_item_converts_fields(field: str, value: object, kept: object) -> None:
    item = parse_item(item_with(**{field: value}))
    assert item[field] == kept
    assert type(item[field]) is type(kept)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, bad) for name in ("title", "description", "brand", "category", "currency", "url", "image")
          for bad in (SURROGATE, NUL, True, [], {}, b"x")),
        *(("title", bad) for bad in (None, "", " \n ")),
        *(("price", bad) for bad in (-1, -0.01, "-2", "cheap", "2,55", True, [], float("nan"), "inf", 10**400)),
        *(("in_stock", bad) for bad in ("maybe", 2, -1, [], {})),
        *(("tags", bad) for bad in (5, {"a": 1}, True, [SURROGATE], [NUL], [{}], [["a"]])),
        *(("created_at", bad) for bad in ("yesterday", -1, True, [], float("nan"), "0001-01-01")),
        *(("attributes", bad) for bad in ("red", "[1]", 5, [1], [["a", 1]])),
        *(("colour", bad) for bad in (SURROGATE, NUL, {1, 2}, float("nan"), [NUL], b"x")),
        *(("colour", bad) for bad in ({"x": [SURROGATE]}, {"x\ud800": 1})),
    ],
)  # fmt: skip
def test_parse_item_refuses_invalid_fields(field: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: ") as problem:
        parse_item(item_with(**{field: value}))
    assert problem.value.field == field
    assert str(problem.value).count(f"{field}: ") == 1, "the field is named once"


def test_parse_item_returns_only_named_fields() -> None:
    assert parse_item({"id": 5, "price": 3}) == {"id": "5", "price": 3.0}


def test_parse_item_gathers_unknown_fields_as_attributes() -> None:
    item = parse_item(item_with(colour="red", sizes=[40, 41], empty="", none=None, attributes={"made_in": "Leeds"}))
    assert item == {"id": "1", "title": "Mug", "attributes": {"colour": "red", "sizes": [40, 41], "made_in": "Leeds"}}


@pytest.mark.parametrize("name", ["colour\ud800", "colour\x00"])
def test_parse_item_refuses_attribute_names_that_utf8_cannot_hold(name: str) -> None:
    for row in (item_with(**{name: "red"}), item_with(attributes={name: "red"})):
        with pytest.raises(InvalidInput, match=r"^attributes: expected names without NUL"):
            parse_item(row)


@pytest.mark.parametrize("row", [None, 5, "mug", ["id", "title"], [("id", "1")]])
def test_rows_other_than_objects_are_refused(row: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^item: expected an object with id and title, got "):
        parse_item(row)
    with pytest.raises(InvalidInput, match=r"^event: expected an object with type and item, got "):
        parse_event(row, NOW)


@pytest.mark.parametrize("depth", [100, 400, 800])
def test_nested_attributes_are_stored_or_refused(depth: int) -> None:
    try:
        item = parse_item(item_with(nested=json.loads("[" * depth + "]" * depth)))
    except InvalidInput as problem:
        assert problem.field == "nested"
    else:
        assert json.dumps(item["attributes"])


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("event_id", 7.0, "7"),
        ("ts", "2011-09-20 12:00:00", datetime(2011, 9, 20, 12, tzinfo=UTC).timestamp()),
        ("ts", None, NOW),
        ("ts", "", NOW),
        ("user", 17850.0, "17850"),
        ("session", "s", "s"),
        ("search_id", "abc", "abc"),
        ("recommendation_id", "abc", "abc"),
        ("position", "3", 3),
        ("position", 0, 0),
        ("position", 2.0, 2),
        ("position", "", None),
        ("query", " red mug ", "red mug"),
        ("query", 1984, "1984"),
        ("query", "", None),
        ("value", "9.99", 9.99),
        ("value", -5, -5.0),
        ("quantity", 2, 2.0),
        ("quantity", None, None),
    ],
)
def test_parse_event_converts_fields(field: str, value: object, kept: object) -> None:
    event = parse_event(event_with(**{field: value}), NOW)
    assert event[field] == kept
    assert type(event[field]) is type(kept)


@pytest.mark.parametrize("kind", ["view", "click", "cart", "purchase", "dismiss"])
def test_parse_event_accepts_every_type(kind: str) -> None:
    assert parse_event({"type": kind, "item": "1"}, NOW)["type"] == kind


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("type", bad) for bad in (None, "", "buy", "Click", 5, ["click"], {})),
        *(("ts", bad) for bad in ("yesterday", -1, True, 10**400, float("nan"))),
        *(("position", bad) for bad in (-1, 1.5, "first", True, 1e300, 2**63)),
        *(("query", bad) for bad in (True, [], SURROGATE, NUL)),
        *(("value", bad) for bad in ("much", True, [], float("nan"), float("inf"), 10**400)),
        *(("quantity", bad) for bad in ("two", True, {})),
    ],
)
def test_parse_event_refuses_invalid_fields(field: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: ") as problem:
        parse_event(event_with(**{field: value}), NOW)
    assert problem.value.field == field


def test_parse_event_drops_unknown_fields() -> None:
    event = parse_event(event_with(browser="lynx"), NOW)
    assert "browser" not in event
    assert event["event_id"] is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": True}, "id: expected a string or number, got True"),
        ({"id": "x" * 513}, "id: expected 1 to 512 characters, got 513"),
        ({"id": "1", "title": " "}, "title: expected at least one character, got ' '"),
        ({"id": "1", "title": []}, "title: expected a string, got []"),
        ({"id": "1", "price": "cheap"}, "price: expected a number, got 'cheap'"),
        ({"id": "1", "price": -1}, "price: expected a number from 0 up, got -1"),
        ({"id": "1", "in_stock": "maybe"}, "in_stock: expected true or false, got 'maybe'"),
        ({"id": "1", "tags": 5}, "tags: expected a list of strings or a string with commas, got 5"),
        ({"id": "1", "attributes": [1]}, "attributes: expected an object, got [1]"),
        ({"id": "1", "colour": {1}}, "colour: expected a value that JSON can hold, got {1}"),
        ({"id": "1", "brand": NUL}, "brand: expected text without NUL characters and lone surrogates, got 'a\\x00b'"),
    ],
)
def test_parse_item_error_says_expected_and_got(row: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        parse_item(row)
    assert str(problem.value) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "buy"}, "type: expected one of view, click, cart, purchase, dismiss, got 'buy'"),
        ({"type": None}, "type: expected one of view, click, cart, purchase, dismiss, got nothing"),
        ({"position": 1.5}, "position: expected a whole number from 0 to 1,000,000, got 1.5"),
        ({"value": "much"}, "value: expected a number, got 'much'"),
    ],
)
def test_parse_event_error_says_expected_and_got(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        parse_event(event_with(**fields), NOW)
    assert str(problem.value) == message


@pytest.mark.parametrize(
    ("text", "encodable"), [("", True), ("☕ ü", True), ("\U0001f600", True), (NUL, False), (SURROGATE, False)]
)
def test_is_encodable(text: str, encodable: bool) -> None:
    assert is_encodable(text) is encodable
