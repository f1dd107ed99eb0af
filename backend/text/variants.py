"""Recognise variants of one product by their titles: they differ by size, colour or pack quantity alone.

In doubt two titles are two products: two products taken for one hide each other, a missed variant only takes a place.
"""

from __future__ import annotations

import re

from shelfwise.text.normalize import normalize_punctuation, strip_accents, words

__all__ = ["variant_key"]

_MIN_WORDS = 2  # of a title without colours and sizes: "Red Faction" and "Black" are names

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
    """Return the folded title without sizes, colours and pack quantities: equal for the variants of one product.

    Numbers without a unit stay, as they may be the product's name (Xbox 360, ink 85), and so do model numbers. A title
    with fewer than two other words is returned whole. Colours and units are English.
    """
    folded = rest = " ".join(strip_accents(normalize_punctuation(title)).split())
    for pattern in (_PACK, _SIZE, _FIT, _COLOUR):
        rest = pattern.sub(" ", rest)
    key = words(rest.replace("+", " plus "))  # DVD+R and DVD-R are two products
    return " ".join(key if len(key) >= _MIN_WORDS else words(folded))
