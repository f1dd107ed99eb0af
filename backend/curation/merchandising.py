"""The shop's rules carried out on a ranked list: pin, boost, bury, hide. The last step of an answer's order; pure.

A row is an item's pk, as in `columns.Columns`. Hide beats all, pin beats boost and bury, what is out of stock stays
last whatever a rule says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from shelfwise.errors import InvalidInput
from shelfwise.store import Rule
from shelfwise.types import Row

__all__ = ["AppliedRules", "Passes", "StockedCatalogue", "apply", "hidden"]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Passes = Callable[[str], Mask]  # a filter's text → which rows pass it, (n_rows,) bool

_SIGNS = {"boost": 1.0, "bury": -1.0}


class StockedCatalogue(Protocol):
    """What is asked of `columns.Columns`."""

    @property
    def in_stock(self) -> Mask: ...  # (n_rows,) bool

    def rows(self, ids: Iterable[str]) -> Rows: ...  # 0 for an id that is unknown


@dataclass(frozen=True, slots=True)
class AppliedRules:
    """A ranked list after the rules; scores still fall among those in stock and among the others."""

    rows: Rows  # (n,) int64, those in stock first
    scores: npt.NDArray[np.float64]  # (n,) float64
    applied: dict[int, list[Row]] = field(default_factory=dict)  # row → [{"rule": 3, "action": "pin"}]
    inserted: list[int] = field(default_factory=list)  # pinned rows that were not in the list
    hidden: dict[int, int] = field(default_factory=dict)  # hidden rows that were → the rule that hides them


def hidden(rules: Sequence[Rule], catalogue: StockedCatalogue, passes: Passes) -> Rows:
    """The oldest of the rules that hides each row, 0 where none does, (n_rows,) int64."""
    by = np.zeros(len(catalogue.in_stock), np.int64)
    for rule in rules:
        if rule.action == "hide":
            by[_reached(rule, catalogue, passes) & (by == 0)] = rule.id
    return by


def apply(
    rules: Sequence[Rule],
    rows: Rows,
    scores: npt.NDArray[np.float64],
    *,
    eligible: Mask,
    catalogue: StockedCatalogue,
    passes: Passes,
) -> AppliedRules:
    """The whole ranked list (n,), those in stock first, as the rules that apply to this query want it.

    `eligible` (n_rows,) are the live rows that the shopper's own filter lets pass: a pin brings an item that is in
    stock to the top even if the query didn't find it, but never past that filter. Pins of a later rule stand before
    those of an earlier one, within a rule the items in their order, then what passes its filter as ranked. Boosts and
    buries add up, each its strength times the distance from the first score to the last. The same list gives the same
    answer, so that pages fit together.
    """
    if not rules:
        return AppliedRules(rows, scores)
    hides = hidden(rules, catalogue, passes)
    out = hides[rows] > 0
    dropped = {int(row): int(hides[row]) for row in rows[out]}
    rows, scores = rows[~out], _falling(scores[~out], catalogue.in_stock[rows[~out]])
    pins = _pins(rules, rows, eligible & (hides == 0), catalogue, passes)
    there = set(rows.tolist())
    brought = [row for row in pins if row not in there]
    shifts, touched = _shifts(rules, rows, scores, catalogue, passes)
    touched |= {row: [{"rule": rule, "action": "pin"}] for row, rule in pins.items()}
    ordered = _ordered(np.append(rows, brought).astype(np.int64), scores + shifts, list(pins), catalogue.in_stock)
    return AppliedRules(*ordered, touched, brought, dropped)


def _reached(rule: Rule, catalogue: StockedCatalogue, passes: Passes) -> Mask:
    """Which rows a rule is about, (n_rows,) bool. A filter that can't be read any more reaches nothing."""
    reached = np.zeros(len(catalogue.in_stock), np.bool_)
    if rule.filter is not None:
        with suppress(InvalidInput):
            reached |= passes(rule.filter)
    reached[catalogue.rows(rule.items)] = True
    reached[:1] = False  # nobody's, which an unknown id gives
    return reached


def _falling(scores: npt.NDArray[np.float64], in_stock: Mask) -> npt.NDArray[np.float64]:
    """No score above the one before, apart in stock and out of it, so that sorting by them keeps the order given."""
    falling = scores.astype(np.float64)
    for part in (in_stock, ~in_stock):
        falling[part] = np.minimum.accumulate(falling[part])
    return falling


def _pins(
    rules: Sequence[Rule], rows: Rows, eligible: Mask, catalogue: StockedCatalogue, passes: Passes
) -> dict[int, int]:
    """The pinned rows in the order of their places, with the rule that pins each."""
    pins: dict[int, int] = {}
    for rule in sorted(rules, key=lambda rule: -rule.id):
        if rule.action == "pin":
            named = catalogue.rows(rule.items)
            named = named[eligible[named] & (catalogue.in_stock[named] | np.isin(named, rows)) & (named > 0)]
            for row in [*named.tolist(), *rows[_reached(rule, catalogue, passes)[rows] & eligible[rows]].tolist()]:
                pins.setdefault(row, rule.id)
    return pins


def _shifts(
    rules: Sequence[Rule], rows: Rows, scores: npt.NDArray[np.float64], catalogue: StockedCatalogue, passes: Passes
) -> tuple[npt.NDArray[np.float64], dict[int, list[Row]]]:
    """What boosts and buries add to each score, (n,) float64, and which rules they were."""
    shifts, touched = np.zeros(len(rows)), dict[int, list[Row]]()
    # A hair more than the range, so that strength 1 lifts the last above the first and not beside it.
    span = (float(np.ptp(scores)) if len(rows) else 0.0) * (1 + 1e-9) or 1.0
    for rule in rules:
        if rule.action in _SIGNS:
            reached = _reached(rule, catalogue, passes)[rows]
            shifts[reached] += _SIGNS[rule.action] * rule.strength * span
            for row in rows[reached].tolist():
                touched.setdefault(row, []).append({"rule": rule.id, "action": rule.action})
    return shifts, touched


def _ordered(
    rows: Rows, scores: npt.NDArray[np.float64], pinned: list[int], in_stock: Mask
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Those in stock first, within them the pinned in their order, then by score; `scores` may lack those brought."""
    places = {row: place for place, row in enumerate(pinned)}
    position = np.array([places.get(row, len(pinned)) for row in rows.tolist()], np.int64)
    stock = in_stock[rows]
    scores = np.append(scores, np.full(len(rows) - len(scores), -np.inf))
    for part in (stock, ~stock):
        best = scores[part].max(initial=-np.inf)
        scores[part & (position < len(pinned))] = best if np.isfinite(best) else 0.0
    order = np.lexsort((np.arange(len(rows)), -scores, position, ~stock))  # the last key is the first to sort by
    return rows[order], scores[order]
