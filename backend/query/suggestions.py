"""Suggestions while a shopper types: queries that led to clicks, categories, brands and titles.

`build_suggester` makes an immutable `Suggester` from what the shop gives it, so that it can be replaced while it is
read; what it suggests, and in which order, is decided there. No SQL here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from shelfwise.query.autocomplete import Autocompleter, Suggestion, bare_words

__all__ = ["build_autocompleter"]

_TITLE_WORDS, _TITLE_CHARS = 8, 60  # of a title that is suggested
_TRAILING = re.compile(r"(?:[\s,;:/(\[&+–-]|\s(?:for|with|and|in|of|to|the|a|on|by|from))+$", re.IGNORECASE)
# What a suggestion of a kind is worth before its use, which counts 0..1.
_QUERY, _CATEGORY, _BRAND, _TITLE = 1.0, 0.6, 0.6, 0.0


def build_autocompleter(
    queries: Iterable[tuple[str, float]],
    names: Iterable[tuple[str, str | None, str | None, str | None]],
    popularity: Mapping[str, float],
) -> Autocompleter:
    """The suggestions of a shop.

    `queries`: what shoppers typed before they clicked, with its weight; `names`: (id, title, brand, category) of every
    item; `popularity`: 0..1 by id, absent for none. Of texts that differ only in case or punctuation the best stays.
    """
    titles: dict[str, float] = {}
    brands: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    for id, title, brand, category in names:
        short = shortened(title or "")
        titles[short] = max(titles.get(short, 0.0), popularity.get(id, 0.0))
        brands.update([brand.strip()] if brand else [])
        categories.update({level.strip() for level in (category or "").split(">")})
    worth = {Suggestion(text, "title"): _TITLE + use for text, use in titles.items()}
    for kind, base, counts in (("brand", _BRAND, brands), ("category", _CATEGORY, categories)):
        worth |= {Suggestion(text, kind): base + use for text, use in _uses(counts).items()}
    worth |= {Suggestion(text, "query"): _QUERY + use for text, use in _uses(_by_words(queries)).items()}
    return Autocompleter(_once(worth))


def shortened(title: str) -> str:
    """The first words of a title, cut where it still reads well."""
    words = title.split()[:_TITLE_WORDS]
    while len(words) > 1 and len(" ".join(words)) > _TITLE_CHARS:
        words.pop()
    text = " ".join(words)[:_TITLE_CHARS]
    if len(text) == len(" ".join(title.split())):
        return text
    opened = text.rfind("(")
    return _TRAILING.sub("", text[:opened] if opened > text.rfind(")") else text)


def _uses(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights on a logarithmic scale, the greatest at 1."""
    top = math.log1p(max(weights.values(), default=0.0)) or 1.0
    return {text: math.log1p(weight) / top for text, weight in weights.items() if weight > 0}


def _by_words(queries: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Queries of the same words as one, written as most shoppers did."""
    variants: dict[str, dict[str, float]] = {}
    for query, weight in queries:
        text = " ".join(query.split())
        found = variants.setdefault(" ".join(bare_words(text)), {})
        found[text] = found.get(text, 0.0) + weight
    return {max(found, key=lambda text: (found[text], text)): sum(found.values()) for found in variants.values()}


def _once(worth: Mapping[Suggestion, float]) -> list[tuple[Suggestion, float]]:
    """Best first; of the same words only the best, and nothing without words."""
    ranked = sorted(worth, key=lambda one: (-worth[one], len(one.text), one.text))
    first: dict[str, Suggestion] = {}
    for suggestion in ranked:
        first.setdefault(" ".join(bare_words(suggestion.text)), suggestion)
    return [(suggestion, worth[suggestion]) for words, suggestion in first.items() if words]
