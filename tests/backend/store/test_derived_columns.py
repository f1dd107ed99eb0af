"""What is derived from an item: the words beside its text, its family, one row for each value of its attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shelfwise.store import Store, Upserted
from shelfwise.store.derived_columns import attribute_text, extra_text, variant_number

Put = Callable[..., Upserted]
TEXTS = ("title", "brand", "category", "description", "tags", "attribute_text")


def values(store: Store) -> list[tuple[Any, ...]]:
    rows = store._connections.rows("SELECT pk, name, value FROM item_values ORDER BY pk, name, value")
    return [tuple(row) for row in rows]


def column(store: Store, name: str) -> list[Any]:
    return [row[0] for row in store._connections.rows(f"SELECT {name} FROM items ORDER BY pk")]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({}, None),
        ({"colour": "red"}, "red"),
        ({"colour": "red", "width": 5, "height": 2.5}, "red 5 2.5"),
        ({"screen": {"size": 17, "kind": ["matt", "wide"]}}, "17 matt wide"),
        ({"new": True, "sold": None, "colour": ""}, None),
        ({"list": [[1, {"deep": "x"}], 2]}, "1 x 2"),
    ],
)
def test_attribute_text_joins_values(attributes: dict[str, Any], text: str | None) -> None:
    assert attribute_text(attributes) == text


@pytest.mark.parametrize(
    ("row", "has", "lacks"),
    [
        ({"title": "Plain Mug"}, [], ["plain"]),
        ({"title": "T-Shirt"}, ["tshirt"], []),
        ({"title": "Mug", "description": "the women's choice"}, ["womens"], []),
        ({"title": "Ｍｕｇ"}, ["mug"], []),
        ({"title": "Mug", "attribute_text": "日本語"}, ["日本", "本語"], []),
    ],
)
def test_extra_text_holds_other_spellings(row: dict[str, Any], has: list[str], lacks: list[str]) -> None:
    terms = (extra_text(dict.fromkeys(TEXTS) | row) or "").split()
    assert set(has) <= set(terms)
    assert not set(lacks) & set(terms)


def test_extra_text_of_plain_words_is_none() -> None:
    assert extra_text(dict.fromkeys(TEXTS) | {"title": "Red Coffee Mug"}) is None


def test_variant_number_is_equal_for_variants() -> None:
    assert variant_number("Red Coffee Mug") == variant_number("Blue coffee mug")
    assert variant_number("Red Coffee Mug") != variant_number("Red Tea Mug")


@pytest.mark.parametrize("title", ["Red Coffee Mug", "", "☕", "x" * 1_000])
def test_variant_number_is_an_int64(store: Store, put: Put, title: str) -> None:
    assert -(2**63) <= variant_number(title) < 2**63
    put({"id": "1", "title": title or "Mug"})
    assert column(store, "family") == [variant_number(title or "Mug")]


def test_upsert_writes_a_row_for_each_value(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Mug", "tags": ["New", "Sale"], "Colour": "Réd", "screen": {"size": 17, "Kinds": ["a"]},
         "new": True, "none": None})  # fmt: skip
    assert values(store) == [
        (1, "colour", "réd"),
        (1, "new", "true"),
        (1, "screen.kinds", "a"),
        (1, "screen.size", "17"),
        (1, "tags", "new"),
        (1, "tags", "sale"),
    ]


@pytest.mark.parametrize(("length", "rows"), [(200, 1), (201, 0)])
def test_upsert_writes_no_row_for_a_long_value(store: Store, put: Put, length: int, rows: int) -> None:
    put({"id": "mug", "title": "Mug", "story": "x" * length})
    assert len(values(store)) == rows
    assert len(store.fulltext.postings("x" * length)[0]) == 1, "searched all the same"


def test_item_values_follow_their_item(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Mug", "colour": "red"}, {"id": "cup", "title": "Cup", "colour": "red"})
    put({"id": "mug", "colour": "blue", "size": 3})
    assert values(store) == [(1, "colour", "blue"), (1, "size", "3"), (2, "colour", "red")]
    put({"id": "mug", "price": 5})
    assert len(values(store)) == 3
    store.items.delete(["mug"])
    put({"id": "mug", "title": "Mug"})
    assert values(store) == [(2, "colour", "red")], "nothing of its former life comes back"


def test_upsert_of_a_new_title_derives_anew(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Red Coffee Mug"}, {"id": "shirt", "title": "Plain Shirt"})
    put({"id": "mug", "title": "Alarm Clock"}, {"id": "shirt", "title": "Plain T-Shirt"})
    assert column(store, "family") == [variant_number("Alarm Clock"), variant_number("Plain T-Shirt")]
    assert column(store, "extra_text") == [None, "tshirt"]
