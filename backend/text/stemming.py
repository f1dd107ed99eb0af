"""Stem English words as the full-text index does: Porter 1980, the algorithm of FTS5's tokenizer `porter`."""

from __future__ import annotations

from functools import lru_cache

import snowballstemmer

__all__ = ["stem"]

_MIN_LETTERS, _MAX_LETTERS = 3, 64  # of the words that FTS5 stems
_MAX_CACHED = 65_536


@lru_cache(_MAX_CACHED)
def stem(word: str) -> str:
    """Return the stem of a word in lower case without accents: printing → print, batteries → batteri.

    FTS5 also has two rules that Porter added to his program later (-logi → -log, -bli → -ble): its stems of technology
    and possibly are shorter by a letter.
    """
    if not _MIN_LETTERS <= len(word) <= _MAX_LETTERS:
        return word
    return str(snowballstemmer.stemmer("porter").stemWord(word))  # one a call: threads cannot share its state
