"""Apply the shop's rules to a ranked list: pin, boost, bury, hide. The last step of an answer's order; pure.

A row is an item's row of the catalogue. Hide beats all, pin beats boost and bury, and items out of stock stay last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.curation.rule_index import PreparedRule
from shelfwise.types import Row

__all__ = ["AppliedRules", "apply", "hidden"]

_Rows = npt.NDArray[np.int64]
_Scores = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]

_SIGNS = {"boost": 1.0, "bury": -1.0}


@dataclass(frozen=True, slots=True)
class AppliedRules:
    """A ranked list after the rules; scores still fall among the items in stock and among the others."""

    rows: _Rows  # (n,) int64, those in stock first
    scores: _Scores  # (n,) float64
    applied: dict[int, list[Row]] = field(default_factory=dict)  # row → [{"rule": 3, "action": "pin"}]
    inserted: list[int] = field(default_factory=list)  # pinned rows that were not in the list


def hidden(rules: Sequence[PreparedRule], columns: CatalogueSnapshot) -> _Rows:
    """Return for each row the oldest rule that hides it, 0 where none does, (n_rows,) int64."""
    rule_ids = np.zeros(columns.size, np.int64)
    for rule in rules:
        if rule.action == "hide":
            rule_ids[_reached(rule, columns) & (rule_ids == 0)] = rule.id
    return rule_ids


def apply(
    rules: Sequence[PreparedRule], rows: _Rows, scores: _Scores, *, eligible: _Mask, columns: CatalogueSnapshot
) -> AppliedRules:
    """Return a whole ranked list as the rules want it; the same list gives the same order, so that pages fit together.

    Pins of a later rule come before those of an earlier one; within a rule its items in their order, then what passes
    its filter as ranked. Boosts and buries add up, each its strength times the range of the scores.

    Args:
        rules: those that apply to the query, oldest first.
        rows: the ranked list, items in stock first, (n,) int64.
        scores: of the rows, (n,) float64.
        eligible: live rows that pass the shopper's own filter, (n_rows,) bool: a pin adds an item in stock that the
            query didn't find, but none that this filter excludes.
        columns: the catalogue.
    """
    if not rules:
        return AppliedRules(rows, scores)
    is_hidden = hidden(rules, columns) > 0
    rows, scores = rows[~is_hidden[rows]], scores[~is_hidden[rows]]
    scores = _monotonic(scores, columns.in_stock[rows])
    pins = _pins(rules, rows, eligible & ~is_hidden, columns)
    present = set(rows.tolist())
    inserted = [row for row in pins if row not in present]
    shifts, applied = _shifts(rules, rows, scores, columns)
    applied |= {row: [{"rule": rule, "action": "pin"}] for row, rule in pins.items()}
    rows = np.append(rows, inserted).astype(np.int64)
    return AppliedRules(*_ordered(rows, scores + shifts, list(pins), columns.in_stock), applied, inserted)


def _reached(rule: PreparedRule, columns: CatalogueSnapshot) -> _Mask:
    """Return which rows a rule is about, (n_rows,) bool."""
    filter = rule.parsed_filter
    reached = np.zeros(columns.size, np.bool_) if filter is None else evaluate(filter, columns)
    reached[columns.rows(rule.items)] = True
    reached[:1] = False  # the row of unknown ids
    return reached


def _monotonic(scores: _Scores, in_stock: _Mask) -> _Scores:
    """Return the scores, none above the one before, in stock and out of it apart: sorting by them keeps the order."""
    falling = scores.astype(np.float64)
    for part in (in_stock, ~in_stock):
        falling[part] = np.minimum.accumulate(falling[part])
    return falling


def _pins(rules: Sequence[PreparedRule], rows: _Rows, eligible: _Mask, columns: CatalogueSnapshot) -> dict[int, int]:
    """Return the pinned rows, first position first, each with the rule that pins it."""
    pins: dict[int, int] = {}
    for rule in sorted(rules, key=lambda rule: -rule.id):
        if rule.action == "pin":
            named = columns.rows(rule.items)
            named = named[eligible[named] & (columns.in_stock[named] | np.isin(named, rows)) & (named > 0)]
            for row in [*named.tolist(), *rows[_reached(rule, columns)[rows] & eligible[rows]].tolist()]:
                pins.setdefault(row, rule.id)
    return pins


def _shifts(
    rules: Sequence[PreparedRule], rows: _Rows, scores: _Scores, columns: CatalogueSnapshot
) -> tuple[_Scores, dict[int, list[Row]]]:
    """Return what boosts and buries add to each score, (n,) float64, and by row which rules they were."""
    shifts, applied = np.zeros(len(rows)), dict[int, list[Row]]()
    # A little more than the range, so that strength 1 lifts the last above the first and not beside it.
    span = (float(np.ptp(scores)) if len(rows) else 0.0) * (1 + 1e-9) or 1.0
    for rule in rules:
        if rule.action in _SIGNS:
            reached = _reached(rule, columns)[rows]
            shifts[reached] += _SIGNS[rule.action] * rule.strength * span
            for row in rows[reached].tolist():
                applied.setdefault(row, []).append({"rule": rule.id, "action": rule.action})
    return shifts, applied


def _ordered(rows: _Rows, scores: _Scores, pinned: list[int], in_stock: _Mask) -> tuple[_Rows, _Scores]:
    """Sort by stock, then the pinned in their order, then by score; inserted rows, the last, have no score yet."""
    pin_positions = {row: position for position, row in enumerate(pinned)}
    positions = np.array([pin_positions.get(row, len(pinned)) for row in rows.tolist()], np.int64)
    stock = in_stock[rows]
    scores = np.append(scores, np.full(len(rows) - len(scores), -np.inf))
    for part in (stock, ~stock):
        best = scores[part].max(initial=-np.inf)
        scores[part & (positions < len(pinned))] = best if np.isfinite(best) else 0.0
    order = np.lexsort((np.arange(len(rows)), -scores, positions, ~stock))  # the last key is the first to sort by
    return rows[order], scores[order]
