"""Texts as small numbers: brand and category, of which an item has one, and attributes, of which it has any number.

The lists of texts only grow and are shared by all snapshots; what a snapshot has of its own is arrays. No SQL here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shelfwise.text.normalize import casefold_nfkc

__all__ = [
    "AttributeColumn",
    "Codes",
    "LabelDictionary",
    "Mask",
    "Range",
    "ValueDictionary",
    "brand_level",
    "category_levels",
    "key",
    "number",
]

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Level = tuple[str, str]  # how it is compared, how it is shown

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from `low` to `high`, both included."""

    low: float = -np.inf
    high: float = np.inf


def key(text: str) -> str:
    """How a text is compared: folded, blanks made one, and whole numbers without their `.0`."""
    return _plain(casefold_nfkc(text))


def number(text: str) -> float:
    """The number that a text is, NaN for any other text."""
    return float(text) if _NUMBER.fullmatch(text) else np.nan


def brand_level(brand: str) -> list[Level]:
    """A brand as the only level there is; none for a blank."""
    return [(key(brand), brand)] if brand.strip() else []


def category_levels(category: str) -> list[Level]:
    """From the top one down: `Audio > Headphones` is [("audio", "Audio"), ("audio > headphones", …)]."""
    levels = [level for level in (part.strip() for part in category.split(">")) if level]
    keys = [key(level) for level in levels]
    return [(" > ".join(keys[:depth]), " > ".join(levels[:depth])) for depth in range(1, len(levels) + 1)]


class LabelDictionary:
    """Every spelling met so far of a brand or a category, by its code; 0 is none. One thread at a time may add."""

    def __init__(self, split: Callable[[str], list[Level]]) -> None:
        self._split = split
        self._codes: dict[str | None, int] = {None: 0}
        self._within: dict[str, list[int]] = {}  # a level → the codes at it and below it
        self._spellings: dict[str, list[str]] = {}  # a level → how it was written so far
        self.levels: list[list[Level]] = [[]]  # by code

    def code(self, text: str | None) -> int:
        """The code of a spelling, a new one if it was never met."""
        known = self._codes.get(text)
        if known is None:
            known = self._codes[text] = self._add(self._split(text or ""))
        return known

    def codes_within(self, keys: Iterable[str]) -> Mask:
        """By code: whether it is at or below one of these levels, (codes so far,) bool."""
        table = np.zeros(len(self.levels), dtype=np.bool_)
        for level in keys:
            table[[code for code in self._within.get(level, ()) if code < len(table)]] = True
        return table

    def spelling(self, level: str, counts: npt.NDArray[np.int64]) -> str:
        """A level as most of the items write it, the first by alphabet of equal ones; `counts` are items by code."""
        spellings = self._spellings[level]
        if len(spellings) == 1:
            return spellings[0]
        total = dict.fromkeys(spellings, 0)
        for code in self._within[level]:
            if code < len(counts):
                total[dict(self.levels[code])[level]] += int(counts[code])
        return min(total, key=lambda spelling: (-total[spelling], spelling))

    def _add(self, levels: list[Level]) -> int:
        if not levels:
            return 0
        code = len(self.levels)
        self.levels.append(levels)
        for level, spelling in levels:
            self._within.setdefault(level, []).append(code)
            if spelling not in (known := self._spellings.setdefault(level, [])):
                known.append(spelling)
        return code


class ValueDictionary:
    """Every value met so far of one attribute, by its code. One thread at a time may add."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self.keys: list[str] = []  # by code

    def code(self, folded: str) -> int:
        """The code of a folded value, a new one if it was never met."""
        text = _plain(folded)
        known = self._codes.get(text)
        if known is None:
            self.keys.append(text)
            known = self._codes[text] = len(self.keys) - 1
        return known

    def find(self, text: str) -> int | None:
        """The code of a text as `key` gives it."""
        return self._codes.get(text)


@dataclass(frozen=True, eq=False)
class AttributeColumn:
    """One attribute of all items as of `seq`: the item in row `rows[i]` has the value `codes[i]`, no pair twice."""

    seq: int
    rows: Codes  # (m,) int32, ascending
    codes: Codes  # (m,) int32
    values: ValueDictionary
    numbers: npt.NDArray[np.float64]  # (v,) by code, NaN for what is no number; v codes are known here
    spellings: dict[int, str] = field(default_factory=dict)  # by code, as far as it was asked for

    @classmethod
    def of(cls, seq: int, found: Sequence[tuple[int, str]]) -> AttributeColumn:
        """From (row, folded value) in any order."""
        empty = np.zeros(0, dtype=np.int32)
        return cls(seq, empty, empty, ValueDictionary(), np.zeros(0)).changed(seq, [], found)

    def changed(self, seq: int, gone: Iterable[int], found: Sequence[tuple[int, str]]) -> AttributeColumn:
        """The same without what it said of the rows `gone`, and with these (row, folded value)."""
        kept = ~np.isin(self.rows, np.fromiter(gone, dtype=np.int32))
        rows = np.concatenate([self.rows[kept], np.array([row for row, _ in found], dtype=np.int32)])
        new = np.array([self.values.code(value) for _, value in found], dtype=np.int32)
        codes = np.concatenate([self.codes[kept], new])
        size = len(self.values.keys)
        _, first = np.unique(rows.astype(np.int64) * max(size, 1) + codes, return_index=True)
        numbers = [number(text) for text in self.values.keys[len(self.numbers) : size]]
        return AttributeColumn(seq, rows[first], codes[first], self.values, np.concatenate([self.numbers, numbers]))

    def before(self, row: int) -> AttributeColumn:
        """The same as far as it is said of rows below this one."""
        end = int(np.searchsorted(self.rows, row))
        return self if end == len(self.rows) else replace(self, rows=self.rows[:end], codes=self.codes[:end])

    def rows_with(self, values: Iterable[str | Range]) -> Codes:
        """The rows with any of these values, given as `key` has them, or with a number in any of the ranges."""
        table = np.zeros(len(self.numbers), dtype=np.bool_)
        for value in values:
            if isinstance(value, Range):
                table |= (self.numbers >= value.low) & (self.numbers <= value.high)
            elif (code := self.values.find(value)) is not None and code < len(table):
                table[code] = True
        return self.rows[table[self.codes]]

    def counts(self, mask: Mask) -> npt.NDArray[np.int64]:
        """How many rows of the mask have each value, (v,) by code."""
        return np.bincount(self.codes[mask[self.rows]], minlength=len(self.numbers))

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """The place of each value in alphabetical order, (v,) by code."""
        places = np.empty(len(self.numbers), dtype=np.int64)
        places[sorted(range(len(places)), key=self.values.keys.__getitem__)] = np.arange(len(places))
        return places

    @cached_property
    def first_rows(self) -> Codes:
        """The first row with each value, (v,) by code; 0 where none has it any more."""
        rows = np.zeros(len(self.numbers), dtype=np.int32)
        rows[self.codes[::-1]] = self.rows[::-1]  # of several the last one written stays
        return rows


def _plain(folded: str) -> str:
    text = " ".join(folded.split())
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text
