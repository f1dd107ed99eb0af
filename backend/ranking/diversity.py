"""Variants of one product kept from filling a page: which titles differ by size, colour or pack alone, and a new order.

Titles decide, and when in doubt against: two products taken for one hide each other, while a variant that was missed
only takes a place. What else is known of an item is not asked.
"""

from __future__ import annotations

import re

import numpy as np

from shelfwise.text.normalize import normalize_punctuation, strip_accents, words

__all__ = ["diversify", "variant_key"]

_STEP = 0.1  # of the spread: what each further member of a family loses at strength 0.5
_SPREAD = 20  # candidates; how far the last of them is behind the first is the spread
_LEAST_WORDS = 2  # of a title without its colours and sizes: "Red Faction" and "Black" are names

_NUMBER = r"\d+(?:[.,/]\d+)*"
_UNIT = (
    r"(?:(?:milli|centi)?met(?:re|er)s?|mm|cm|km|ft|feet|foot|inch|inches|yd|yards?"
    r"|ml|cl|lit(?:re|er)s?|oz|kg|lbs?|mb|gb|tb)\b"
)
_MARK = r"['\"](?!\w)"  # feet and inches
_SIZE = re.compile(
    rf"(?<![\w.,/-])(?:{_NUMBER} ?(?:{_UNIT}|{_MARK})? ?x ?){{0,2}}{_NUMBER}"
    rf"(?:[ -]?{_UNIT}|[ -][ml]\b"  # 6 ft, 6-ft, 45.7x21.2 mm
    r"|(?<!\d{4})m\b|(?<!\d{3})l\b"  # 305m, and not the models 2309m and 701L
    rf"| ?{_MARK}"
    r"|-?in\b(?! ?-?\d)"  # 3.5in, and not 3-in-1
    r"|(?<=\d\d) ?g\b)"  # 250 g, and not 4G
)
_COUNT = r"(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_PACK = re.compile(
    rf"\b(?:(?:pack|set|box|bag)s? of |(?:pack|set|s) ?/ ?){_COUNT}\b"
    rf"|(?<![\w.,/-]){_COUNT}[ -]?(?:pc\(s\)|(?:pcs?|pieces?|packs?|pk|count)\b)"
)
_LETTER = r"(?:x{0,3}[sl]|\dxl|m)\b"
_FIT = re.compile(rf"\bsize (?:\d+\b|{_LETTER})|(?:[,(]| -) ?{_LETTER} ?\)?$|\b(?:extra[ -])?(?:small|medium|large)\b")
_COLOURS = (
    "black|white|red|blue|green|yellow|orange|purple|violet|pink|brown|gr[ae]y|silver|gold|golden|beige|cyan|magenta"
    "|turquoise|teal|aqua|navy|ivory|cream|khaki|burgundy|bronze|lilac|multicolou?r(?:ed)?"
)
_COLOUR = re.compile(rf"\b(?:(?:light|dark|pale|bright|matte?|photo|rose)[ -])?(?:{_COLOURS})\b")


def variant_key(title: str) -> str:
    """The title, folded, without sizes, colours and pack quantities: equal for the variants of one product.

    A number without a unit stays, for it may be the product's name (Xbox 360, ink 85), and so does a model number. A
    title of which fewer than two words would stay is a family of its own. Colours and units are English ones.
    """
    folded = rest = " ".join(strip_accents(normalize_punctuation(title)).split())
    for pattern in (_PACK, _SIZE, _FIT, _COLOUR):
        rest = pattern.sub(" ", rest)
    left = words(rest.replace("+", " plus "))  # DVD+R and DVD-R are two things
    return " ".join(left if len(left) >= _LEAST_WORDS else words(folded))


def diversify(
    scores: np.ndarray,
    families: np.ndarray,
    strength: float,
    available: int | None = None,
    placed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The order in which variants don't fill the page, (n,) int64 places, and the scores in that order, (n,) float64.

    `scores` (n,) are those of all candidates as ranked, the first `available` of them in stock (default: all), which
    stay ahead of the others; `families` (n,) integers are equal for variants, `placed` (m,) are families of what the
    shopper looks at already. Where m members of its family stand before a candidate, it loses m x 0.1 x s/(1-s) of the
    spread, the distance of the 20th score from the first; s is `strength`. At 0 all stays as it is, at 1 no family
    comes again before all have come. Like the penalty of maximal marginal relevance (Carbonell and Goldstein 1998),
    with equality of families for similarity, in O(n log n).
    """
    count = len(scores)
    split = count if available is None else available
    if not strength or not count:
        return np.arange(count), np.asarray(scores, np.float64)
    before = np.zeros(0, np.int64) if placed is None else placed
    earlier = _earlier(np.concatenate([before, families]))[len(before) :]
    lowered = scores - earlier * _step(scores, split, strength)
    order = np.lexsort((np.arange(count), -lowered, np.arange(count) >= split))  # the last key is the first to sort by
    return order, lowered[order]


def _step(scores: np.ndarray, split: int, strength: float) -> float:
    whole = float(scores.max() - scores.min()) * 1.001 or 1.0  # so much that any score comes after any other
    if strength >= 1:
        return whole
    best = scores[:split] if split else scores
    spread = float(best[0] - best[min(len(best), _SPREAD) - 1]) or whole
    return min(whole, _STEP * spread * strength / (1 - strength))


def _earlier(families: np.ndarray) -> np.ndarray:
    """How many of its family stand before each, (n,) int64."""
    order = np.argsort(families, kind="stable")
    together = families[order]
    starts = np.flatnonzero(np.r_[True, together[1:] != together[:-1]])
    earlier = np.empty(len(families), np.int64)
    earlier[order] = np.arange(len(families)) - np.repeat(starts, np.diff(np.r_[starts, len(families)]))
    return earlier
