"""Normalise text as the full-text index does: Unicode forms, words, and the extra terms indexed beside a text.

Items are normalised here when they are written and queries when they are read, so that both give the same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from shelfwise.text.units import measures

__all__ = [
    "COMPOUND",
    "UNSPACED",
    "bigrams",
    "casefold_nfkc",
    "index_terms",
    "join_compound",
    "normalize_punctuation",
    "strip_accents",
    "words",
]

# Scripts written without spaces: kana, Han (with its extensions), Thai, Lao, Burmese and Khmer; Hangul has spaces.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
# Words joined by hyphens or apostrophes.
COMPOUND = re.compile(r"(?<!\w)\w++(?:['-]\w++)+")
_WORD = re.compile(r"\w+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ACCENTED = re.compile(r"([a-z])[\u0300-\u036f]+")
_MAX_COMPOUND_CHARS = 30  # of a compound that is also indexed as one word
_SIGNS = str.maketrans(
    dict.fromkeys("™®©℠", " ")  # NFKC would make letters of them
    | dict.fromkeys("’‘‛`´′ʼ", "'")
    | dict.fromkeys("“”„‟″〃", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"_": " "}
)


def casefold_nfkc(text: str) -> str:
    """Return the text in Unicode's NFKC form and in lower case; accents stay."""
    return unicodedata.normalize("NFKC", text).lower()


def normalize_punctuation(text: str) -> str:
    """Return the folded text with one sign for all apostrophes, quotation marks and dashes, and no trade marks."""
    return casefold_nfkc(text.translate(_SIGNS)).translate(_SIGNS).replace("''", '"')


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, split as by FTS5's tokenizer unicode61, at underscores too."""
    return _WORD.findall(text.lower().replace("_", " "))


def strip_accents(text: str) -> str:
    """Return a folded text without the accents of Latin letters, which FTS5 removes too."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", text)))


def join_compound(compound: str) -> str:
    """Return a compound as one word: women's → womens, t-shirt → tshirt."""
    return "".join(_WORD.findall(compound))


def bigrams(run: str) -> list[str]:
    """Return each pair of neighbouring characters of a run without spaces, and its last character alone.

    Combining marks, which FTS5 takes for gaps between words, are left out.
    """
    letters = "".join(letter for letter in run if unicodedata.category(letter)[0] != "M")
    return [letters[position : position + 2] for position in range(len(letters))]


def index_terms(texts: Iterable[str]) -> str:
    """Return the terms that the index needs beside the texts, each once, separated by spaces.

    These are words that NFKC changes, measures as one word (17inch), compounds as one word (tshirt), and, for scripts
    without spaces, which FTS5 takes for one long word, the bigrams and the words between the runs.
    """
    original = "\n".join(texts)
    text = normalize_punctuation(original)
    extra = dict.fromkeys(measure.word for measure in measures(text))
    extra |= dict.fromkeys(_joined_compounds(text))
    if not original.isascii():
        extra |= dict.fromkeys(pair for run in UNSPACED.findall(text) for pair in bigrams(run))
        extra |= dict.fromkeys(_WORD.findall(UNSPACED.sub(" ", text)))
    indexed = set(words(original))
    return " ".join(word for word in extra if word not in indexed)


def _joined_compounds(text: str) -> Iterator[str]:
    for compound in COMPOUND.findall(text):
        word = join_compound(compound)
        if len(word) <= _MAX_COMPOUND_CHARS and not word.isdigit() and not _DATE.match(compound):
            yield word
