"""Synonyms are found by the stems of folded words, the longest entry first, and never followed further."""

from __future__ import annotations

import pytest

from shelfwise.query.synonyms import Synonyms

SHOP = Synonyms(
    [
        ("Sneakers", "trainers", False), ("tv", "television", True), ("usb stick", "memory stick", True),
        ("usb", "serial", False), ("café", "bistro", False), ("tee", "t-shirt", False), ("mug", "マグカップ", False),
        ("battery", "accumulators", False),
        ("printing", "prints", True), ("same", "Same", True), ("?", "x", True),
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
        (["batteries"], 1, ['"accumulators"']),
        (["usb", "cable"], 1, ['"serial"']),
        (["cafe"], 1, ['"bistro"']),
        (["café"], 1, ['"bistro"']),
        (["tee"], 1, ['"t shirt"', '"tshirt"']),
        (["mug"], 1, ['("マグ") AND ("グカ") AND ("カッ") AND ("ップ")']),
        (["prints"], 0, []),
        (["same"], 0, []),
        (["x"], 0, []),
        ([], 0, []),
    ],
)
def test_find(words: list[str], length: int, matches: list[str]) -> None:
    n_covered, meanings = SHOP.find(words)
    assert (n_covered, list(meanings)) == (length, matches)


def test_knows_words_of_entries_in_each_of_their_forms() -> None:
    words = ("sneakers", "sneaker", "stick", "sticking", "television", "trainers")
    assert [SHOP.knows(word) for word in words] == [True, True, True, True, True, False]


def test_vocabulary_holds_words_of_entries_as_written() -> None:
    assert [word in SHOP.vocabulary for word in ("sneakers", "sneaker", "televis")] == [True, False, False]


def test_find_gives_each_meaning_of_a_word_once() -> None:
    synonyms = Synonyms([("tv", "television", False), ("TV", "telly", False), ("tv", "television", False)])
    assert synonyms.find(["tv"]) == (1, ['"television"', '"telly"'])


def test_find_among_no_entries_is_empty() -> None:
    assert Synonyms().find(["tv"]) == (0, ())
