"""Taking a query apart, and putting it together again with what was changed."""

from __future__ import annotations

import pytest

from shelfwise.query.spelling import Correction
from shelfwise.query.tokenizer import all_of, any_of, apply_corrections, normalize_query, parts, phrase, render, tokens


@pytest.mark.parametrize(
    ("typed", "text"),
    [("  Red\t MUG ", "red mug"), ('"red mug" x', "red mug x"), ('17" x 5"', '17" x 5"'), ('red"shoe', 'red"shoe')],
)
def test_normalize_query(typed: str, text: str) -> None:
    assert normalize_query(typed) == text


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("red mug", [("red",), ("mug",)]),
        ("women's", [("womens", "women s")]),
        ("t-shirt", [("t shirt", "tshirt")]),
        ("at&t", [("at t",)]),
        ("3.0", [("3 0",)]),
        ('17" tv', [("17inch", "17"), ("tv",)]),
        ("2m 2 m", [("2m",), ("2m", "2 m")]),
        ("c++", [("c",)]),
        ("日本語x", [("日本語",), ("x",)]),
        ("a-b-c-d-e-f-g-h-i", [(letter,) for letter in "abcdefghi"]),
        ("?!", []),
    ],
)
def test_tokens_know_their_variants(text: str, ways: list[tuple[str, ...]]) -> None:
    assert [token.variants for token in tokens(text)] == ways


def test_tokens_are_32_at_most() -> None:
    assert len(tokens("a " * 100)) == 32
    assert len(tokens("5m " * 100)) == 32


@pytest.mark.parametrize(
    ("text", "split"),
    [("t-shirt", ["t", "shirt"]), ("women's-shoe", ["womens", "shoe"]), ("mug", ["mug"]), ('17"', ["17 inch"])],
)
def test_parts(text: str, split: list[str]) -> None:
    (token,) = tokens(text)
    assert [part.text for part in parts(token)] == split


@pytest.mark.parametrize(
    ("text", "changes", "read"),
    [
        ("a wirless, mug!", [Correction(1, 2, ("wireless",))], "a wireless, mug!"),
        ("wirelessmug x", [Correction(0, 1, ("wireless", "mug"))], "wireless mug x"),
        ("blue tooth x", [Correction(0, 2, ("bluetooth",))], "bluetooth x"),
        ('17" mgu red mgu', [Correction(1, 2, ("mug",)), Correction(3, 4, ("mug",))], "17 inch mug red mug"),
        ("mug", [], "mug"),
    ],
)
def test_apply_corrections_and_render(text: str, changes: list[Correction], read: str) -> None:
    corrected = apply_corrections(tokens(text), changes)
    assert render(text, corrected) == read


def test_apply_corrections_splits_a_word_into_tokens() -> None:
    corrected = apply_corrections(tokens("a wirelessmug"), [Correction(1, 2, ("wireless", "mug"))])
    assert [token.text for token in corrected] == ["a", "wireless", "mug"]


def test_phrase_quotes_and_combines() -> None:
    assert phrase('red"mug') == '"red""mug"'
    assert phrase("lant", prefix=True) == '"lant"*'
    assert any_of(['"a"', '"b"', '"a"']) == '"a" OR "b"'
    assert (all_of(['"a" OR "b"', '"c"']), all_of(['"a"'])) == ('("a" OR "b") AND ("c")', '"a"')
