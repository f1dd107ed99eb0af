"""Numbers with units: every way to write one is one word, and what only looks like one is left alone."""

from __future__ import annotations

import pytest

from shelfwise.text.normalize import normalize_punctuation
from shelfwise.text.units import measures


def words_of(text: str) -> list[str]:
    return [measure.word for measure in measures(normalize_punctuation(text))]


@pytest.mark.parametrize(
    ("word", "texts"),
    [
        ("17inch", ['17"', "17''", "17″", "17 inch", "17-inch", "17inches", "17in", "17 in", "17 IN.", "17.0 inch"]),
        ("2m", ["2m", "2 m", "2-m", "2 metres", "2 meter", "2,0 m", "2.00m"]),
        ("10ft", ["10ft", "10 feet", "10-foot", "10'"]),
        ("500gb", ["500gb", "500 GB", "500-GB", "500 gigabytes"]),
        ("1point5l", ["1.5l", "1,5 L", "1.50 litres", "1.5-liter"]),
        ("1000g", ["1000 g", "1,000 g", "1000 grams"]),
        ("0point5kg", ["0.5kg", "0,50 kg", "00.5 kilos"]),
        ("6pack", ["6 pack", "6-pack", "6 pk", "6 packs"]),
        ("32bit", ["32-bit", "32 bits", "32bit"]),
    ],
)
def test_measures_of_each_spelling_are_one_word(word: str, texts: list[str]) -> None:
    assert {text: words_of(text) for text in texts} == {text: [word] for text in texts}


@pytest.mark.parametrize(("text", "words"), [
    ("8'x10' rug", ["8ft", "10ft"]), ("8' x 10' rug", ["8ft", "10ft"]), ("6'2\"", ["6ft", "2inch"]),
    ("250 gb hdd 17 in laptop", ["250gb", "17inch"]), ("2 in 1 laptop", []), ("7-in-1", []), ("4 in the box", []),
    ("90's", []), ("5's", []), ("DR-130CL", []), ("C544X2KG", []), ("8x10x12cm", ["12cm"]), ("wh-1000xm4", []),
    ("x5 m", []), ("1.2.3 m", []), ("17 inchworms", []), ("5m-3", []), ("mp3", []), ("12 mice", []),
])  # fmt: skip
def test_measures_are_told_from_other_numbers(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_measures_spell_signs_out_and_give_positions() -> None:
    text = normalize_punctuation('a 17" and 2 m')
    first, second = measures(text)
    assert [text[measure.start : measure.end] for measure in (first, second)] == ['17"', "2 m"]
    assert [first.text, second.text, first.number] == ["17 inch", "2 m", "17"]
