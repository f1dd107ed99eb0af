"""Filters as trees of conditions, and which items pass one. `filter_parser` reads them from text."""

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
    values: tuple[str | Range, ...]  # as they are compared: `dictionary.comparison_key`, for an id as it is
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
    """Return which rows hold a live item that passes the filter, (columns.size,) bool; None lets all live ones pass."""
    return columns.live.copy() if filter is None else _evaluate(filter, columns) & columns.live


def _evaluate(filter: Filter, columns: CatalogueSnapshot) -> Mask:
    """Evaluate the filter on every row, deleted ones too, (columns.size,) bool."""
    match filter:
        case Not(part):
            return ~_evaluate(part, columns)
        case And(parts):
            mask = np.ones(columns.size, dtype=np.bool_)
            for part in parts:
                mask &= _evaluate(part, columns)
            return mask
        case Or(parts):
            mask = np.zeros(columns.size, dtype=np.bool_)
            for part in parts:
                mask |= _evaluate(part, columns)
            return mask
        case Condition(name, values):
            evaluate_field = _FIELDS.get(name)
            if evaluate_field:
                return evaluate_field(columns, values)
            return _mask_of(columns, columns.attribute(name).rows_with(values))


def _in_ranges(values: Sequence[str | Range], column: np.ndarray) -> Mask:
    mask = np.zeros(len(column), dtype=np.bool_)
    for value in values:
        if isinstance(value, Range):
            mask |= (column >= value.low) & (column <= value.high)  # NaN is in no range
    return mask


def _in_stock(columns: CatalogueSnapshot, values: Sequence[str | Range]) -> Mask:
    mask = np.zeros(columns.size, dtype=np.bool_)
    for value in values:
        mask |= columns.in_stock if value == "in" else ~columns.in_stock
    return mask


def _mask_of(columns: CatalogueSnapshot, rows: np.ndarray) -> Mask:
    mask = np.zeros(columns.size, dtype=np.bool_)
    mask[rows] = True
    return mask


_FIELDS: dict[str, Callable[[CatalogueSnapshot, Sequence[str | Range]], Mask]] = {
    "id": lambda columns, values: _mask_of(columns, columns.rows(map(str, values))),
    "brand": lambda columns, values: columns.brands.codes_within(map(str, values))[columns.brand],
    "category": lambda columns, values: columns.categories.codes_within(map(str, values))[columns.category],
    "price": lambda columns, values: _in_ranges(values, columns.price),
    "created_at": lambda columns, values: _in_ranges(values, columns.created),
    "stock": _in_stock,
}
