"""How texts are compared, what is a number, and the levels of a category."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.catalogue.dictionary import (
    AttributeColumn,
    LabelDictionary,
    Range,
    category_levels,
    comparison_key,
    parse_number,
)


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Dark  Red ", "dark red"), ("ＨＰ", "hp"), ("Größe", "größe"), ("a\u00a0b", "a b"),
        ("17.0", "17"), ("-3.0", "-3"), ("0.0", "0"), ("17.50", "17.50"), ("007.0", "007.0"), ("1.0.0", "1.0.0"),
    ],
)  # fmt: skip
def test_how_a_text_is_compared(text: str, compared: str) -> None:
    assert comparison_key(text) == compared == comparison_key(compared)


@pytest.mark.parametrize(
    ("text", "is_number"),
    [
        ("17", 17), ("-1.5", -1.5), ("+2", 2), (".5", 0.5), ("1e3", 1000), ("1E-2", 0.01), ("007", 7),
        ("", None), ("1.", None), ("1_000", None), ("nan", None), ("inf", None), ("１７", None), ("1,5", None),
    ],
)  # fmt: skip
def test_what_is_a_number(text: str, is_number: float | None) -> None:
    np.testing.assert_equal(parse_number(text), np.nan if is_number is None else is_number)


@pytest.mark.parametrize(
    ("category", "levels"),
    [
        ("Audio", [("audio", "Audio")]),
        ("A > In-Ear >TV ", [("a", "A"), ("a > in-ear", "A > In-Ear"), ("a > in-ear > tv", "A > In-Ear > TV")]),
        (" > Audio >> ", [("audio", "Audio")]),
        ("", []),
        (">", []),
    ],
)  # fmt: skip
def test_levels(category: str, levels: list[tuple[str, str]]) -> None:
    assert category_levels(category) == levels


def test_labels_grow_and_forget_nothing() -> None:
    labels = LabelDictionary(category_levels)
    codes = [labels.code(text) for text in ("A > B", None, "a", "A > B", " ", "C", "a>b")]
    assert codes == [1, 0, 2, 1, 0, 3, 4]
    table = labels.codes_within(["a > b", "nothing"])
    assert table.tolist() == [False, True, False, False, True]
    assert labels.code("A > B > D") == 5
    assert labels.codes_within(["a"]).tolist() == [False, True, True, False, True, True]


def test_an_attribute_and_what_changes_it() -> None:
    first = AttributeColumn.from_values(1, [(2, "red"), (1, "17.0"), (1, "red"), (1, "17"), (2, "red")])
    assert (first.rows.tolist(), len(first.numbers)) == ([1, 1, 2], 2)
    assert first.rows_with(["red"]).tolist() == [1, 2]
    assert first.rows_with(["blue", Range(16, 17)]).tolist() == [1]
    second = first.with_changes(2, {1, 9}, [(3, "blue"), (1, "blue")])
    assert second.rows.tolist() == [1, 2, 3] and second.rows_with(["blue"]).tolist() == [1, 3]
    assert first.rows_with(["blue"]).tolist() == [] and first.rows_with(["red"]).tolist() == [1, 2], (
        "it stays as it was"
    )
    assert second.before_row(3).rows_with(["blue"]).tolist() == [1] and second.before_row(9) is second
    mask = np.array([False, True, True, True])
    by_value = dict(zip(second.values.keys, second.counts(mask).tolist(), strict=True))
    assert by_value == {"red": 1, "17": 0, "blue": 2}
