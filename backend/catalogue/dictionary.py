"""Dictionary encoding: brand and category, of which an item has one, and attributes, of which it has any number.

The lists of texts only grow and are shared by all snapshots; a snapshot's own are arrays of codes. No SQL here.
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
    "brand_levels",
    "category_levels",
    "comparison_key",
    "parse_number",
]

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Level = tuple[str, str]  # the key it is compared by, the text it is shown as

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from `low` to `high`, both included."""

    low: float = -np.inf
    high: float = np.inf


def comparison_key(text: str) -> str:
    """Return the text that values are compared by: folded, single blanks, whole numbers without their `.0`."""
    return _normalize(casefold_nfkc(text))


def parse_number(text: str) -> float:
    """Return the number that a text is, NaN for any other text."""
    return float(text) if _NUMBER.fullmatch(text) else np.nan


def brand_levels(brand: str) -> list[Level]:
    """Return a brand as its only level; none for a blank."""
    return [(comparison_key(brand), brand)] if brand.strip() else []


def category_levels(category: str) -> list[Level]:
    """Return the levels, the top one first: `Audio > Headphones` is [("audio", "Audio"), ("audio > headphones", …)]."""
    levels = [level for level in (part.strip() for part in category.split(">")) if level]
    keys = [comparison_key(level) for level in levels]
    return [(" > ".join(keys[:depth]), " > ".join(levels[:depth])) for depth in range(1, len(levels) + 1)]


class LabelDictionary:
    """Every spelling so far of a brand or a category, by its code; 0 is a blank. One thread at a time may add."""

    def __init__(self, split: Callable[[str], list[Level]]) -> None:
        self._split = split
        self._codes: dict[str | None, int] = {None: 0}
        self._within: dict[str, list[int]] = {}  # a level's key → the codes at it and below it
        self._spellings: dict[str, list[str]] = {}  # a level's key → its spellings so far
        self.levels: list[list[Level]] = [[]]  # by code

    def code(self, text: str | None) -> int:
        """Return the code of a spelling, a new one for a new spelling."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = self._add(self._split(text or ""))
        return code

    def codes_within(self, keys: Iterable[str]) -> Mask:
        """Return which codes are at or below one of these levels, (n_codes,) bool."""
        mask = np.zeros(len(self.levels), dtype=np.bool_)
        for level in keys:
            mask[[code for code in self._within.get(level, ()) if code < len(mask)]] = True
        return mask

    def spelling(self, level: str, counts: npt.NDArray[np.int64]) -> str:
        """Return the most frequent spelling of a level, the first by alphabet of equals; `counts` are items by code."""
        spellings = self._spellings[level]
        if len(spellings) == 1:
            return spellings[0]
        totals = dict.fromkeys(spellings, 0)
        for code in self._within[level]:
            if code < len(counts):
                totals[dict(self.levels[code])[level]] += int(counts[code])
        return min(totals, key=lambda spelling: (-totals[spelling], spelling))

    def _add(self, levels: list[Level]) -> int:
        if not levels:
            return 0
        code = len(self.levels)
        self.levels.append(levels)
        for level, spelling in levels:
            self._within.setdefault(level, []).append(code)
            if spelling not in (spellings := self._spellings.setdefault(level, [])):
                spellings.append(spelling)
        return code


class ValueDictionary:
    """Every value so far of one attribute, by its code. One thread at a time may add."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self.keys: list[str] = []  # by code

    def code(self, folded: str) -> int:
        """Return the code of a folded value, a new one for a new value."""
        key = _normalize(folded)
        code = self._codes.get(key)
        if code is None:
            self.keys.append(key)
            code = self._codes[key] = len(self.keys) - 1
        return code

    def find(self, key: str) -> int | None:
        """Return the code of a value by its `comparison_key`; None for one that has none."""
        return self._codes.get(key)


@dataclass(frozen=True, eq=False)
class AttributeColumn:
    """One attribute of all items as of `seq`: the item in row `rows[i]` has the value `codes[i]`, no pair twice."""

    seq: int
    rows: Codes  # (m,) int32, ascending
    codes: Codes  # (m,) int32
    values: ValueDictionary
    numbers: npt.NDArray[np.float64]  # (v,) by code, NaN where the value is a text; v codes are known here
    spellings: dict[int, str] = field(default_factory=dict)  # by code, as far as they were shown

    @classmethod
    def from_values(cls, seq: int, values: Sequence[tuple[int, str]]) -> AttributeColumn:
        """Build a column from (row, folded value) in any order."""
        empty = np.zeros(0, dtype=np.int32)
        return cls(seq, empty, empty, ValueDictionary(), np.zeros(0)).with_changes(seq, [], values)

    def with_changes(self, seq: int, changed: Iterable[int], values: Sequence[tuple[int, str]]) -> AttributeColumn:
        """Return a copy as of `seq` with the values of the rows `changed` replaced by these (row, folded value)."""
        kept = ~np.isin(self.rows, np.fromiter(changed, dtype=np.int32))
        rows = np.concatenate([self.rows[kept], np.array([row for row, _ in values], dtype=np.int32)])
        new = np.array([self.values.code(value) for _, value in values], dtype=np.int32)
        codes = np.concatenate([self.codes[kept], new])
        size = len(self.values.keys)
        _, first = np.unique(rows.astype(np.int64) * max(size, 1) + codes, return_index=True)
        numbers = [parse_number(text) for text in self.values.keys[len(self.numbers) : size]]
        return AttributeColumn(seq, rows[first], codes[first], self.values, np.concatenate([self.numbers, numbers]))

    def before_row(self, row: int) -> AttributeColumn:
        """Return a copy restricted to rows < `row`."""
        end = int(np.searchsorted(self.rows, row))
        return self if end == len(self.rows) else replace(self, rows=self.rows[:end], codes=self.codes[:end])

    def rows_with(self, values: Iterable[str | Range]) -> Codes:
        """Return the rows with any of these values, by `comparison_key`, or with a number in any of the ranges."""
        mask = np.zeros(len(self.numbers), dtype=np.bool_)
        for value in values:
            if isinstance(value, Range):
                mask |= (self.numbers >= value.low) & (self.numbers <= value.high)
            elif (code := self.values.find(value)) is not None and code < len(mask):
                mask[code] = True
        return self.rows[mask[self.codes]]

    def counts(self, mask: Mask) -> npt.NDArray[np.int64]:
        """Return how many rows of the mask have each value, (v,) by code."""
        return np.bincount(self.codes[mask[self.rows]], minlength=len(self.numbers))

    @cached_property
    def alphabetical_ranks(self) -> npt.NDArray[np.int64]:
        """Return the rank of each value in alphabetical order, (v,) by code."""
        ranks = np.empty(len(self.numbers), dtype=np.int64)
        ranks[sorted(range(len(ranks)), key=self.values.keys.__getitem__)] = np.arange(len(ranks))
        return ranks

    @cached_property
    def first_rows(self) -> Codes:
        """Return the first row with each value, (v,) by code; 0 where no row has it any more."""
        rows = np.zeros(len(self.numbers), dtype=np.int32)
        rows[self.codes[::-1]] = self.rows[::-1]  # of several the last one written stays
        return rows


def _normalize(folded: str) -> str:
    text = " ".join(folded.split())
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text
