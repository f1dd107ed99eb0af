"""Synonyms are found by folded words in the singular, the longest entry first, and never followed further."""

from __future__ import annotations

import pytest

from shelfwise.query.synonyms import Synonyms

SHOP = Synonyms(
    [
        ("Sneakers", "trainers", False), ("tv", "television", True), ("usb stick", "memory stick", True),
        ("usb", "serial", False), ("café", "bistro", False), ("tee", "t-shirt", False), ("mug", "マグカップ", False),
        ("same", "Same", True), ("?", "x", True),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "length", "matches"),
    [
        (["sneakers"], 1, ['"trainers"']),
        (["sneaker", "red"], 1, ['"trainers"']),
        (["trainers"], 0, []),
        (["tv"], 1, ['"television"']),
        (["televisions"], 1, ['"tv"']),
        (["usb", "sticks", "8gb"], 2, ['"memory stick"']),
        (["usb", "cable"], 1, ['"serial"']),
        (["cafe"], 1, ['"bistro"']),
        (["café"], 1, ['"bistro"']),
        (["tee"], 1, ['"t shirt"', '"tshirt"']),
        (["mug"], 1, ['("マグ") AND ("グカ") AND ("カッ") AND ("ップ")']),
        (["same"], 0, []),
        (["x"], 0, []),
        ([], 0, []),
    ],
)
def test_find(words: list[str], length: int, matches: list[str]) -> None:
    found, meant = SHOP.find(words)
    assert (found, list(meant)) == (length, matches)


def test_the_words_of_entries_are_known() -> None:
    assert [SHOP.knows(word) for word in ("sneakers", "sneaker", "stick", "television", "trainers")] == [
        True, True, True, True, False,
    ]  # fmt: skip


def test_several_meanings_of_one_word_are_kept_once_each() -> None:
    found = Synonyms([("tv", "television", False), ("TV", "telly", False), ("tv", "television", False)])
    assert found.find(["tv"]) == (1, ['"television"', '"telly"'])


def test_nothing_is_found_where_there_are_none() -> None:
    assert Synonyms().find(["tv"]) == (0, ())
