"""Text as the full-text index sees it: what is a word, and what is indexed beside the text as it stands.

Both sides of a search use this file, the index when an item is written and the query when it is asked, so that they
fold alike. No SQL here.
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
# Words that a hyphen or an apostrophe holds together.
COMPOUND = re.compile(r"(?<!\w)\w++(?:['-]\w++)+")
_WORD = re.compile(r"\w+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ACCENTED = re.compile(r"([a-z])[\u0300-\u036f]+")
_LONGEST = 30  # characters of a compound that is indexed as one word, too
_SIGNS = str.maketrans(
    dict.fromkeys("™®©℠", " ")  # NFKC would make letters of them
    | dict.fromkeys("’‘‛`´′ʼ", "'")
    | dict.fromkeys("“”„‟″〃", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"_": " "}
)


def casefold_nfkc(text: str) -> str:
    """NFKC and lower case: what looks alike is alike. Accents are FTS5's to remove."""
    return unicodedata.normalize("NFKC", text).lower()


def normalize_punctuation(text: str) -> str:
    """Folded, with one sign for each kind of apostrophe, quotation mark and dash, and without trade marks."""
    return casefold_nfkc(text.translate(_SIGNS)).translate(_SIGNS).replace("''", '"')


def words(text: str) -> list[str]:
    """The words of a text, lower-cased, as FTS5's unicode61 would split them (underscores split there too)."""
    return _WORD.findall(text.lower().replace("_", " "))


def strip_accents(text: str) -> str:
    """A folded text without the accents of Latin letters, which FTS5 removes too."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", text)))


def join_compound(compound: str) -> str:
    """A compound written as one word: `womens` of women's, `tshirt` of t-shirt."""
    return "".join(_WORD.findall(compound))


def bigrams(run: str) -> list[str]:
    """Each two neighbouring characters of a run without spaces, and its last one, so that one alone is found too.

    Marks above and below letters, which FTS5 takes for gaps between words, are left out.
    """
    letters = "".join(letter for letter in run if unicodedata.category(letter)[0] != "M")
    return [letters[position : position + 2] for position in range(len(letters))]


def index_terms(texts: Iterable[str]) -> str:
    """What the index holds beside the texts, each once.

    Words that NFKC changes, measures as one word (`17inch`), compounds as one word (`tshirt`), and of scripts without
    spaces, which FTS5 would take for one long word, the bigrams and what stands between.
    """
    given = "\n".join(texts)
    text = normalize_punctuation(given)
    extra = dict.fromkeys(measure.word for measure in measures(text))
    extra |= dict.fromkeys(_joined(text))
    if not given.isascii():
        extra |= dict.fromkeys(pair for run in UNSPACED.findall(text) for pair in bigrams(run))
        extra |= dict.fromkeys(_WORD.findall(UNSPACED.sub(" ", text)))
    there = set(words(given))
    return " ".join(word for word in extra if word not in there)


def _joined(text: str) -> Iterator[str]:
    for found in COMPOUND.findall(text):
        word = join_compound(found)
        if len(word) <= _LONGEST and not word.isdigit() and not _DATE.match(found):
            yield word
