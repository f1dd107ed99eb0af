"""What a filter is, and which items pass it. Reading one from text is `grammar`'s work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shelfwise.catalogue.dictionary import Mask, Range
from shelfwise.catalogue.snapshot import CatalogueSnapshot

__all__ = ["And", "Condition", "Filter", "Not", "Or", "evaluate"]


@dataclass(frozen=True, slots=True)
class Condition:
    """The item has, by this name, one of these values or a number within one of these ranges."""

    name: str  # folded
    values: tuple[str | Range, ...]  # as they are compared: `dictionary.key`, for an id as it is
    written: tuple[str, ...] = field(default=(), compare=False, repr=False)  # as the parsed text spells them, unquoted


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; without any every item passes."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Filter, ...]


Filter = Condition | Not | And | Or


def evaluate(filter: Filter | None, columns: CatalogueSnapshot) -> Mask:
    """Which rows hold a live item that passes the filter, (columns.size,) bool; None lets all live items pass."""
    return columns.live.copy() if filter is None else _passing(filter, columns) & columns.live


def _passing(filter: Filter, columns: CatalogueSnapshot) -> Mask:
    """The same for all rows, whoever's they are."""
    match filter:
        case Not(part):
            return ~_passing(part, columns)
        case And(parts):
            passing = np.ones(columns.size, dtype=np.bool_)
            for part in parts:
                passing &= _passing(part, columns)
            return passing
        case Or(parts):
            passing = np.zeros(columns.size, dtype=np.bool_)
            for part in parts:
                passing |= _passing(part, columns)
            return passing
        case Condition(name, values):
            field = _FIELDS.get(name)
            return field(columns, values) if field else _rows(columns, columns.attribute(name).rows_with(values))


def _ranges(values: Sequence[str | Range], column: np.ndarray) -> Mask:
    passing = np.zeros(len(column), dtype=np.bool_)
    for value in values:
        if isinstance(value, Range):
            passing |= (column >= value.low) & (column <= value.high)  # NaN is in no range
    return passing


def _stock(columns: CatalogueSnapshot, values: Sequence[str | Range]) -> Mask:
    passing = np.zeros(columns.size, dtype=np.bool_)
    for value in values:
        passing |= columns.in_stock if value == "in" else ~columns.in_stock
    return passing


def _rows(columns: CatalogueSnapshot, rows: np.ndarray) -> Mask:
    passing = np.zeros(columns.size, dtype=np.bool_)
    passing[rows] = True
    return passing


_FIELDS: dict[str, Callable[[CatalogueSnapshot, Sequence[str | Range]], Mask]] = {
    "id": lambda columns, values: _rows(columns, columns.rows(map(str, values))),
    "brand": lambda columns, values: columns.brands.codes_within(map(str, values))[columns.brand],
    "category": lambda columns, values: columns.categories.codes_within(map(str, values))[columns.category],
    "price": lambda columns, values: _ranges(values, columns.price),
    "created_at": lambda columns, values: _ranges(values, columns.created),
    "stock": _stock,
}
