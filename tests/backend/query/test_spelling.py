"""Corrections: by edits, use and what items hold together; known words are kept whatever the others are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shelfwise.query.spelling import UNKNOWN_COST, QueryWord, correct, max_edits
from shelfwise.query.vocabulary import Vocabulary

ITEMS = [
    {"wireless", "mouse", "black"}, {"mode", "router"}, {"bluetooth", "headphones"}, {"usb", "keyboard"},
    {"black", "toner"}, {"block", "heater"}, {"power", "adapter"}, {"memory", "module"}, {"blue", "lamp"},
]  # fmt: skip
VOCABULARY = Vocabulary({word: 5.0 for item in ITEMS for word in item} | {"black": 50.0, "mode": 6.0})


def together(words: Sequence[str]) -> int:
    all_words = [word for phrase in words for word in phrase.split()]
    return sum(item.issuperset(all_words) for item in ITEMS)


def corrected(text: str, kept: str = "") -> str:
    words = [
        QueryWord(word, 0.0 if word in VOCABULARY or word in kept.split() else UNKNOWN_COST, word.isalpha())
        for word in text.split()
    ]
    result, position = [], 0
    for change in correct(words, VOCABULARY, together):
        result += [word.text for word in words[position : change.start]] + list(change.words)
        position = change.end
    return " ".join(result + [word.text for word in words[position:]])


@pytest.mark.parametrize(
    ("word", "edits"), [("ab", 0), ("abc", 1), ("abcd", 1), ("abcde", 2), ("a" * 8, 2), ("a" * 9, 3), ("", 0)]
)
def test_max_edits_grow_with_the_word(word: str, edits: int) -> None:
    assert max_edits(word) == edits


@pytest.mark.parametrize(("typed", "read"), [
    ("wireless mouse", "wireless mouse"),
    ("wirless", "wireless"),  # a letter lost
    ("wirelesss", "wireless"),  # a letter too many
    ("wirelezs", "wireless"),  # another letter
    ("wierless", "wireless"),  # two letters swapped
    ("hedphoens", "headphones"),
    ("xeyboard", "keyboard"),  # the first letter
    ("wirless mosue", "wireless mouse"),
    ("wireless mose", "wireless mouse"),  # not mode: an item has both
    ("mose router", "mode router"),
    ("blck heater", "block heater"),  # not black, although it is used more
    ("blck", "black"),
    ("wirelessmouse", "wireless mouse"),  # a space lost
    ("key board", "keyboard"),  # a space too many
    ("blu tooth", "bluetooth"), ("zzzzzz", "zzzzzz"), ("zzzzzz mosue", "zzzzzz mouse"), ("mx", "mx"),
    ("heatphone xyzzyxyzzy", "headphones xyzzyxyzzy"),
])  # fmt: skip
def test_correct(typed: str, read: str) -> None:
    assert corrected(typed) == read


@pytest.mark.parametrize("word", ["wirless", "mosue", "blck"])
def test_correct_keeps_known_words(word: str) -> None:
    assert corrected(word, kept=word) == word
    assert corrected(f"{word} kebyoard", kept=word) == f"{word} keyboard"


def test_correct_splits_only_into_words_next_to_each_other() -> None:
    assert corrected("lampmodule") == "lampmodule"


def test_correct_takes_no_long_word_for_a_short_one() -> None:
    vocabulary = Vocabulary({"the": 100.0})
    assert correct([QueryWord("thaer", UNKNOWN_COST)], vocabulary, lambda words: 1) == []


def test_correct_names_others_that_are_nearly_as_likely() -> None:
    vocabulary = Vocabulary({"pocket": 6.0, "socket": 5.0, "rockets": 5.0})
    (change,) = correct([QueryWord("xocket", UNKNOWN_COST)], vocabulary, lambda words: 0)
    assert (change.words, change.others) == (("pocket",), ("socket",))


def test_correct_may_leave_a_doubtful_word() -> None:
    """The cost says how doubtful: a beginning of another word, say."""
    assert correct([QueryWord("mous", 0.3)], VOCABULARY, together) == []
    assert [change.words for change in correct([QueryWord("mous", UNKNOWN_COST)], VOCABULARY, together)] == [("mouse",)]


def test_correct_counts_items_a_few_times_only() -> None:
    counted: list[Sequence[str]] = []

    def count(words: Sequence[str]) -> int:
        counted.append(words)
        return 0

    correct(
        [QueryWord("blakc", UNKNOWN_COST), QueryWord("mosue", UNKNOWN_COST), QueryWord("wirless", UNKNOWN_COST)],
        VOCABULARY,
        count,
    )
    assert len(counted) <= 16
    counted.clear()
    correct([QueryWord("black"), QueryWord("mouse")], VOCABULARY, count)
    assert counted == []


@pytest.mark.parametrize(
    ("typed", "cost", "words"),
    [("keyboarded", 0.9, None), ("keyboarded", UNKNOWN_COST, "keyboard"), ("keyboared", 0.9, "keyboard")],
)
def test_correct_takes_no_form_of_a_found_word_for_another(typed: str, cost: float, words: str | None) -> None:
    changes = correct(
        [QueryWord("wireless"), QueryWord(typed, cost)], Vocabulary({"keyboard": 9.0, "mouse": 9.0}), lambda _: 0
    )
    assert [change.words for change in changes] == ([(words,)] if words else [])
