"""What the index holds beside the text, and how texts are folded on both sides of a search."""

from __future__ import annotations

import pytest

from shelfwise.text.normalize import (
    bigrams,
    casefold_nfkc,
    index_terms,
    join_compound,
    normalize_punctuation,
    strip_accents,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [("ＡＢＣ", "abc"), ("ﬁne", "fine"), ("m²", "m2"), ("Straße", "straße"), ("ﾏｸﾞ", "マグ")],
)
def test_casefold_nfkc(text: str, folded: str) -> None:
    assert casefold_nfkc(text) == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Velocity™ Core®2", "velocity  core 2"), ("women’s", "women's"), ("17″", '17"'), ("17''", '17"'),
        ("“red”", '"red"'), ("A‑B–C—D", "a-b-c-d"), ("tea_pot", "tea pot"),
    ],
)  # fmt: skip
def test_normalize_punctuation(text: str, folded: str) -> None:
    assert normalize_punctuation(text) == folded


@pytest.mark.parametrize(("text", "letters"), [
    ("café", "cafe"), ("mộc", "moc"), ("łódź", "łodz"), ("чай", "чай"), ("が", "が"), ("한국", "한국"), ("abc", "abc"),
])  # fmt: skip
def test_strip_accents(text: str, letters: str) -> None:
    assert strip_accents(text) == letters


def test_join_compound() -> None:
    assert [join_compound(text) for text in ("t-shirt", "o'neill", "plain")] == ["tshirt", "oneill", "plain"]


@pytest.mark.parametrize(
    ("run", "pairs"), [("日本語", ["日本", "本語", "語"]), ("日", ["日"]), ("", []), ("กี่ปี", ["กป", "ป"])]
)
def test_bigrams_leave_marks_out(run: str, pairs: list[str]) -> None:
    assert bigrams(run) == pairs


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ("Red Mug", ""),
        ("Women's T-Shirt", "womens tshirt"),
        ("WH-1000XM4", "wh1000xm4"),
        ("0-40, 500-502", ""),
        ("2009-12-10T00:00:00Z", ""),
        ('Screen 17"', "17inch"),
        ("1.5 L", "1point5l"),
        ("500GB", ""),
        ("ＡＢＣ", "abc"),
        ("Velocity™", ""),
        ("日本製", "日本 本製 製"),
        ("iPhoneケース", "ケー ース ス iphone"),
        ("a" * 20 + "-" + "b" * 20, ""),
    ],
)
def test_index_terms(text: str, extra: str) -> None:
    assert index_terms([text]) == extra


def test_index_terms_of_several_texts_are_unique_and_apart() -> None:
    assert index_terms(["T-Shirt", "t-shirt", "tshirt"]) == ""
    assert index_terms(["T-Shirt", "t-shirt"]) == "tshirt"
    assert index_terms(["pack of 5", "m"]) == ""
