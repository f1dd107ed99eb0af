"""How many items of a result have each brand, category, price range, stock, tag or value of an attribute."""

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
_STEPS = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0])
_SHARES = (0.2, 0.4, 0.6, 0.8)  # of the items, where one price range shall end and the next begin

Entry = dict[str, Any]


def validate_facets(names: Sequence[str]) -> list[str]:
    """The names, each once. Raises InvalidInput for a field that can't be counted, or for too many."""
    for name in names:
        validate_name(name, "facets")
        if not name.strip() or casefold_nfkc(name) in ("id", "created_at"):
            raise InvalidInput(
                f"facets: {name!r} can't be counted; name brand, category, price or an attribute", "facets"
            )
    asked = list(dict.fromkeys(names))
    if len(asked) > MAX_FACETS:
        raise InvalidInput(f"facets: {len(asked)} are asked for; at most {MAX_FACETS} are counted", "facets")
    return asked


def count_facets(
    mask: Mask, names: Sequence[str], columns: CatalogueSnapshot, limit: int = 20
) -> dict[str, list[Entry]]:
    """For each name the values that the rows of the mask, (columns.size,) bool, have most: {"value", "count"}.

    At most `most` of them, the largest count first, equal ones by value. A category is counted at each of its
    levels. Prices come as ranges in their order, {"from", "to", "count"} with from ≤ price < to and None for an open
    end; each item with a price is in exactly one.
    """
    return {name: _facet(casefold_nfkc(name), mask, columns, limit) for name in names}


def _facet(name: str, mask: Mask, columns: CatalogueSnapshot, limit: int) -> list[Entry]:
    match name:
        case "brand":
            return _labels(columns.brand[mask], columns.brands, limit)
        case "category":
            return _labels(columns.category[mask], columns.categories, limit)
        case "price":
            return _prices(columns.price[mask])
        case "stock":
            available = int(np.count_nonzero(columns.in_stock[mask]))
            return _top({"in": available, "out": int(np.count_nonzero(mask)) - available}, limit)
    return _values(name, mask, columns, limit)


def _labels(codes: Codes, labels: LabelDictionary, limit: int) -> list[Entry]:
    """Spellings of one brand or level are counted together and shown as most of the items write it."""
    counts = np.bincount(codes)
    totals: dict[str, int] = {}
    for code in np.flatnonzero(counts).tolist():
        for level, _ in labels.levels[code]:
            totals[level] = totals.get(level, 0) + int(counts[code])
    return [entry | {"value": labels.spelling(entry["value"], counts)} for entry in _top(totals, limit)]


def _values(name: str, mask: Mask, columns: CatalogueSnapshot, limit: int) -> list[Entry]:
    attribute = columns.attribute(name)
    counts = attribute.counts(mask)
    present = np.flatnonzero(counts)
    if len(present) > limit:
        # One whole number says count and place, so that no more than `most` values are ever sorted.
        order = attribute.places[present] - counts[present] * len(counts)
        present = present[np.argpartition(order, limit)[:limit]]
    present = present[np.lexsort((attribute.places[present], -counts[present]))]
    shown = columns.spellings(name, present.tolist())
    return [{"value": value, "count": int(count)} for value, count in zip(shown, counts[present], strict=True)]


def _prices(prices: npt.NDArray[np.float64]) -> list[Entry]:
    prices = np.sort(prices[~np.isnan(prices)])
    if not len(prices):
        return []
    bounds = sorted({_round(float(prices[int(share * len(prices))])) for share in _SHARES})
    bounds = [bound for bound in bounds if prices[0] < bound <= prices[-1]]
    counts = np.diff([0, *np.searchsorted(prices, bounds), len(prices)]).tolist()
    ends = [None, *bounds, None]
    ranges = [{"from": ends[i], "to": ends[i + 1], "count": count} for i, count in enumerate(counts)]
    return [entry for entry in ranges if entry["count"]]


def _round(price: float) -> float:
    """The nearest of 1, 1.5, 2, 2.5, 3, 4, 5, 7.5 and 10 times a power of ten; 0 stays."""
    if price <= 0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(price))
    step = _STEPS[np.abs(_STEPS - price / power).argmin()]
    return round(float(step * power), 6)


def _top(counts: dict[str, int], limit: int) -> list[Entry]:
    present = [value for value, count in counts.items() if count]
    chosen = nsmallest(limit, present, key=lambda value: (-counts[value], value))
    return [{"value": value, "count": counts[value]} for value in chosen]
