"""Choose what is suggested while a shopper types: queries that led to clicks, categories, brands and titles."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from shelfwise.query.autocomplete import Autocompleter, Suggestion, bare_words

__all__ = ["build_autocompleter"]

_MAX_TITLE_WORDS, _MAX_TITLE_CHARS = 8, 60  # of a title that is suggested
_TRAILING = re.compile(r"(?:[\s,;:/(\[&+–-]|\s(?:for|with|and|in|of|to|the|a|on|by|from))+$", re.IGNORECASE)
# Weight of a kind; the use of a suggestion, 0..1, is added.
_QUERY, _CATEGORY, _BRAND, _TITLE = 1.0, 0.6, 0.6, 0.0


def build_autocompleter(
    queries: Iterable[tuple[str, float]],
    names: Iterable[tuple[str, str | None, str | None, str | None]],
    popularity: Mapping[str, float],
) -> Autocompleter:
    """Return an autocompleter over a shop's queries, categories, brands and titles.

    `queries`: what shoppers typed before they clicked, with weights; `names`: (id, title, brand, category) of every
    item; `popularity`: 0..1 by id. Of texts that differ only in case or punctuation the one with most weight stays.
    """
    titles: dict[str, float] = {}
    brands: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    for id, title, brand, category in names:
        short = shortened(title or "")
        titles[short] = max(titles.get(short, 0.0), popularity.get(id, 0.0))
        brands.update([brand.strip()] if brand else [])
        categories.update({level.strip() for level in (category or "").split(">")})
    weights = {Suggestion(text, "title"): _TITLE + use for text, use in titles.items()}
    kinds = ("brand", _BRAND, brands), ("category", _CATEGORY, categories), ("query", _QUERY, _by_words(queries))
    for kind, base, counts in kinds:
        weights |= {Suggestion(text, kind): base + use for text, use in _log_scaled(counts).items()}
    return Autocompleter(_dedup(weights))


def shortened(title: str) -> str:
    """Return the first words of a title, cut before an open bracket or a word such as `with`."""
    words = title.split()[:_MAX_TITLE_WORDS]
    while len(words) > 1 and len(" ".join(words)) > _MAX_TITLE_CHARS:
        words.pop()
    text = " ".join(words)[:_MAX_TITLE_CHARS]
    if len(text) == len(" ".join(title.split())):
        return text
    bracket = text.rfind("(")
    return _TRAILING.sub("", text[:bracket] if bracket > text.rfind(")") else text)


def _log_scaled(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights above 0 on a logarithmic scale, the greatest at 1."""
    top = math.log1p(max(weights.values(), default=0.0)) or 1.0
    return {text: math.log1p(weight) / top for text, weight in weights.items() if weight > 0}


def _by_words(queries: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the summed weight of queries with the same words, by their commonest spelling."""
    spellings: dict[str, dict[str, float]] = {}
    for query, weight in queries:
        text = " ".join(query.split())
        weights = spellings.setdefault(" ".join(bare_words(text)), {})
        weights[text] = weights.get(text, 0.0) + weight
    return {max(same, key=lambda text: (same[text], text)): sum(same.values()) for same in spellings.values()}


def _dedup(weights: Mapping[Suggestion, float]) -> list[tuple[Suggestion, float]]:
    """Return the suggestions best first, of those with the same words only the best, and none without words."""
    ranked = sorted(weights, key=lambda suggestion: (-weights[suggestion], len(suggestion.text), suggestion.text))
    best: dict[str, Suggestion] = {}
    for suggestion in ranked:
        best.setdefault(" ".join(bare_words(suggestion.text)), suggestion)
    return [(suggestion, weights[suggestion]) for words, suggestion in best.items() if words]
