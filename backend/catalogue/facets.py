"""Facets: how many items of a result have each brand, category, price range, stock, tag or attribute's value."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.dictionary import Codes, LabelDictionary, Mask
from shelfwise.catalogue.filter_parser import validate_name
from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.errors import InvalidInput
from shelfwise.text.normalize import casefold_nfkc

__all__ = ["MAX_FACETS", "count_facets", "validate_facets"]

MAX_FACETS = 20
_ROUND_PRICES = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0])  # times a power of ten
_BOUND_QUANTILES = (0.2, 0.4, 0.6, 0.8)  # of the prices, where one range ends and the next begins

Entry = dict[str, Any]


def validate_facets(names: Sequence[str]) -> list[str]:
    """Return the names, each once. Raises InvalidInput for a field that can't be counted, or for too many."""
    for name in names:
        validate_name(name, "facets")
        if not name.strip() or casefold_nfkc(name) in ("id", "created_at"):
            raise InvalidInput(
                f"facets: expected brand, category, price, stock, tags or an attribute, got {name!r}", "facets"
            )
    unique = list(dict.fromkeys(names))
    if len(unique) > MAX_FACETS:
        raise InvalidInput(f"facets: expected at most {MAX_FACETS}, got {len(unique)}", "facets")
    return unique


def count_facets(
    mask: Mask, names: Sequence[str], columns: CatalogueSnapshot, limit: int = 20
) -> dict[str, list[Entry]]:
    """Return for each name the most frequent values of the rows in `mask`, (columns.size,) bool: {"value", "count"}.

    At most `limit` of them, the largest count first, equal ones by value. A category is counted at each of its
    levels. Prices come as ranges in their order, {"from", "to", "count"} with from ≤ price < to and None for an open
    end; each item with a price is in exactly one.
    """
    return {name: _facet(casefold_nfkc(name), mask, columns, limit) for name in names}


def _facet(name: str, mask: Mask, columns: CatalogueSnapshot, limit: int) -> list[Entry]:
    match name:
        case "brand":
            return _count_labels(columns.brand[mask], columns.brands, limit)
        case "category":
            return _count_labels(columns.category[mask], columns.categories, limit)
        case "price":
            return _count_prices(columns.price[mask])
        case "stock":
            available = int(np.count_nonzero(columns.in_stock[mask]))
            return _top({"in": available, "out": int(np.count_nonzero(mask)) - available}, limit)
    return _count_values(name, mask, columns, limit)


def _count_labels(codes: Codes, labels: LabelDictionary, limit: int) -> list[Entry]:
    """Count spellings of one brand or level together, shown by the most frequent one."""
    counts = np.bincount(codes)
    totals: dict[str, int] = {}
    for code in np.flatnonzero(counts).tolist():
        for level, _ in labels.levels[code]:
            totals[level] = totals.get(level, 0) + int(counts[code])
    return [entry | {"value": labels.spelling(entry["value"], counts)} for entry in _top(totals, limit)]


def _count_values(name: str, mask: Mask, columns: CatalogueSnapshot, limit: int) -> list[Entry]:
    attribute = columns.attribute(name)
    counts = attribute.counts(mask)
    present = np.flatnonzero(counts)
    if len(present) > limit:
        # One whole number holds count and alphabetical rank, so that no more than `limit` values are ever sorted.
        keys = attribute.alphabetical_ranks[present] - counts[present] * len(counts)
        present = present[np.argpartition(keys, limit)[:limit]]
    present = present[np.lexsort((attribute.alphabetical_ranks[present], -counts[present]))]
    spellings = columns.spellings(name, present.tolist())
    return [{"value": value, "count": int(count)} for value, count in zip(spellings, counts[present], strict=True)]


def _count_prices(prices: npt.NDArray[np.float64]) -> list[Entry]:
    prices = np.sort(prices[~np.isnan(prices)])
    if not len(prices):
        return []
    bounds = sorted({_round_price(float(prices[int(share * len(prices))])) for share in _BOUND_QUANTILES})
    bounds = [bound for bound in bounds if prices[0] < bound <= prices[-1]]
    counts = np.diff([0, *np.searchsorted(prices, bounds), len(prices)]).tolist()
    ends = [None, *bounds, None]
    ranges = [{"from": ends[i], "to": ends[i + 1], "count": count} for i, count in enumerate(counts)]
    return [entry for entry in ranges if entry["count"]]


def _round_price(price: float) -> float:
    """Return the nearest of 1, 1.5, 2, 2.5, 3, 4, 5, 7.5 and 10 times a power of ten; 0 stays."""
    if price <= 0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(price))
    leading = _ROUND_PRICES[np.abs(_ROUND_PRICES - price / power).argmin()]
    return round(float(leading * power), 6)


def _top(counts: dict[str, int], limit: int) -> list[Entry]:
    present = [value for value, count in counts.items() if count]
    chosen = nsmallest(limit, present, key=lambda value: (-counts[value], value))
    return [{"value": value, "count": counts[value]} for value in chosen]
