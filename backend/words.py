"""Text as the full-text index sees it: what is a word, and what is indexed beside the text as it stands.

Both sides of a search use this file, the index when an item is written and the query when it is asked, so that they
fold alike. No SQL here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["bigrams", "extra_words", "fold", "words"]

_WORD = re.compile(r"\w+")
# Scripts written without spaces: kana, Han (with its extensions) and Thai; Hangul has spaces.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def fold(text: str) -> str:
    """NFKC and lower case: what looks alike is alike. Accents are FTS5's to remove."""
    return unicodedata.normalize("NFKC", text).lower()


def words(text: str) -> list[str]:
    """The words of a text, lower-cased, as FTS5's unicode61 would split them (underscores split there too)."""
    return _WORD.findall(text.lower().replace("_", " "))


def bigrams(run: str) -> list[str]:
    """Each two neighbouring characters of a run without spaces, and its last one, so that one alone is found too."""
    return [run[place : place + 2] for place in range(len(run))]


def extra_words(texts: Iterable[str]) -> str:
    """What the index holds beside the texts: the bigrams of scripts that FTS5 would take for one long word."""
    folded = fold(" ".join(texts))
    return " ".join(dict.fromkeys(pair for run in _UNSPACED.findall(folded) for pair in bigrams(run)))
