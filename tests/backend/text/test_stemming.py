"""Stems agree with those of FTS5's own tokenizer, and words are the same to both."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pysqlite3.dbapi2 as sqlite
import pytest
from sqlite_utils import Database

from shelfwise.store.schema import migrations
from shelfwise.text.normalize import words
from shelfwise.text.stemming import stem

ITEMS = Path(__file__).parents[3] / "examples" / "online-retail" / "items.csv.gz"
PORTERS_LATER_RULES = re.compile(r"(?:log|bl)(?:y|ies)$")  # -logi → -log and -bli → -ble, which his paper lacks


def fts5_stems(texts: Sequence[str]) -> dict[str, str]:
    """Return what the shop's full-text index would hold of each text of one word."""
    with closing(sqlite.connect(":memory:")) as connection:
        migrations.apply(Database(connection))
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'items_fts'").fetchone()
        connection.execute(f"CREATE VIRTUAL TABLE texts USING fts5 (text, {re.findall('tokenize = .[^,]*', sql)[0]})")
        connection.execute("CREATE VIRTUAL TABLE stems USING fts5vocab (texts, instance)")
        connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", enumerate(texts))
        return {texts[row]: term for term, row in connection.execute("SELECT term, doc FROM stems")}


def test_stem_of_the_words_of_a_shop_is_that_of_fts5() -> None:
    with gzip.open(ITEMS, "rt") as file:
        found = {word for row in csv.DictReader(file) for word in words(f"{row['title']} {row['category']}")}
    texts = sorted(word for word in found if word.isascii() and not PORTERS_LATER_RULES.search(word))
    assert len(texts) > 1_800
    assert {text: stem(text) for text in texts} == fts5_stems(texts)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("batteries", "batteri"), ("battery", "batteri"), ("printing", "print"), ("glasses", "glass"),
        ("glass", "glass"), ("gas", "ga"),
        ("as", "as"), ("4s", "4s"), ("s" * 65, "s" * 65), ("", ""), ("café", "café"), ("日本", "日本"),
    ],
)  # fmt: skip
def test_stem_of_a_word(word: str, expected: str) -> None:
    assert stem(word) == expected
    assert fts5_stems([word]).get(word, "") == expected.replace("é", "e")
