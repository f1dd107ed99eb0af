"""Numbers with a unit, however they are written: 17", 17 in, 17-inch and 17 inches become the one word `17inch`.

The index holds that word beside the text and the query asks for it. Nothing is converted: 1 m is not 100 cm here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Measure", "measures"]

# What a unit is called in the index, and what shops and shoppers write for it.
_NAMES = {
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
_UNIT = {name: unit for unit, names in _NAMES.items() for name in names.split()}
# `in` apart from its number is the unit only where no phrase such as "2 in 1" or "3 in the box" goes on.
_MEASURE = re.compile(
    r"(?P<number>\d{1,9}(?:[.,]\d{1,9})?)"
    r"(?:(?P<sign>['\"])(?=[\dx]|\W|$)|(?P<phrase>[ -]in(?=[ -](?:\d|the\b|an?\b|one\b|all\b|stock\b)))"
    r"|[ -]?(?P<unit>[a-z]{1,12})(?![\w'])(?!-\d))"
)
# A number of its own, not the end of DR-130CL or C544X2KG, or the other side of 8'x10'.
_BEFORE = re.compile(r"(?:^|[^\w.,-]|(?:^|[\W\d])-)(?:[\d.,]{1,9}['\"]?x){0,2}$")
_LOOKED_BACK = 24  # characters: two other sides
_THOUSANDS = re.compile(r",\d{3}$")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its unit, found at `start`..`end` of a text."""

    start: int
    end: int
    word: str  # as the index holds it: letters and digits only, so that FTS5 keeps it whole
    text: str  # as one reads it aloud
    number: str


def measures(text: str) -> Iterator[Measure]:
    """The measures in a text that `words.plain` made, from left to right."""
    for found in _MEASURE.finditer(text):
        unit = _UNIT.get(found["sign"] or found["unit"] or "")
        if unit is not None and _BEFORE.search(text, max(0, found.start() - _LOOKED_BACK), found.start()):
            number = _number(found["number"])
            spoken = f"{number} {unit}" if found["sign"] else found[0]
            yield Measure(found.start(), found.end(), number.replace(".", "point") + unit, spoken, number)


def _number(text: str) -> str:
    """The number with a point for decimals and no idle zeros: 1,5 and 1.50 are 1.5, and 1,000 is 1000."""
    plain = text.replace(",", "" if _THOUSANDS.search(text) else ".")
    whole, _, decimals = plain.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole
