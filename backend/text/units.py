"""Find numbers with a unit, however they are written: 17", 17 in, 17-inch and 17 inches become the word `17inch`.

The index holds that word beside the text and queries search for it. Units are not converted: 1 m is not 100 cm here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Measure", "measures"]

# Unit as the index names it → the ways to write it.
_SPELLINGS = {
    "inch": 'inches inch in "',
    "ft": "feet foot ft '",
    "mm": "millimetres millimetre millimeters millimeter mm",
    "cm": "centimetres centimetre centimeters centimeter cms cm",
    "m": "metres metre meters meter mtr m",
    "mg": "milligrams milligram mg",
    "g": "grammes gramme grams gram g",
    "kg": "kilograms kilogram kilos kilo kgs kg",
    "oz": "ounces ounce oz",
    "lb": "pounds pound lbs lb",
    "ml": "millilitres millilitre milliliters milliliter ml",
    "cl": "centilitres centilitre centiliters centiliter cl",
    "l": "litres litre liters liter ltr l",
    "w": "watts watt w",
    "kw": "kilowatts kilowatt kw",
    "v": "volts volt v",
    "va": "va",
    "mah": "mah",
    "hz": "hertz hz",
    "khz": "khz",
    "mhz": "mhz",
    "ghz": "ghz",
    "kb": "kilobytes kilobyte kb",
    "mb": "megabytes megabyte mb",
    "gb": "gigabytes gigabyte gb",
    "tb": "terabytes terabyte tb",
    "mbps": "mbps",
    "gbps": "gbps",
    "mp": "megapixels megapixel mpixels mpixel mpix mp",
    "rpm": "rpm",
    "dpi": "dpi",
    "bit": "bits bit",
    "pack": "packs pack pk",
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}
# `in` after a space is a unit except in phrases such as "2 in 1" and "3 in the box".
_MEASURE = re.compile(
    r"(?P<number>\d{1,9}(?:[.,]\d{1,9})?)"
    r"(?:(?P<sign>['\"])(?=[\dx]|\W|$)|(?P<phrase>[ -]in(?=[ -](?:\d|the\b|an?\b|one\b|all\b|stock\b)))"
    r"|[ -]?(?P<unit>[a-z]{1,12})(?![\w'])(?!-\d))"
)
# Before a number of its own (not the end of DR-130CL or C544X2KG), perhaps after other sides: 8'x10'.
_BEFORE = re.compile(r"(?:^|[^\w.,-]|(?:^|[\W\d])-)(?:[\d.,]{1,9}['\"]?x){0,2}$")
_MAX_LOOKBACK_CHARS = 24  # enough for two other sides
_THOUSANDS = re.compile(r",\d{3}$")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its unit, at `start`..`end` of a text."""

    start: int
    end: int
    word: str  # in the index: letters and digits only, so that FTS5 keeps it whole
    text: str  # to embed: signs spelt out
    number: str


def measures(text: str) -> Iterator[Measure]:
    """Find the measures in a text that `normalize_punctuation` returned, from left to right."""
    for match in _MEASURE.finditer(text):
        unit = _UNITS.get(match["sign"] or match["unit"] or "")
        if unit is not None and _BEFORE.search(text, max(0, match.start() - _MAX_LOOKBACK_CHARS), match.start()):
            number = _number(match["number"])
            word, spelt = number.replace(".", "point") + unit, f"{number} {unit}" if match["sign"] else match[0]
            yield Measure(match.start(), match.end(), word, spelt, number)


def _number(text: str) -> str:
    """Return the number with a decimal point and without idle zeros: 1,5 and 1.50 → 1.5, 1,000 → 1000."""
    plain = text.replace(",", "" if _THOUSANDS.search(text) else ".")
    whole, _, decimals = plain.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole
