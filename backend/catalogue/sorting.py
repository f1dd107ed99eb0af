"""The orders that a shopper can ask for, over rows of the catalogue. The order by relevance is the ranking's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot

__all__ = ["SORTS", "order"]

SORTS = ("relevance", "price", "-price", "newest", "popular")

Rows = npt.NDArray[np.int64]


def order(rows: Rows, sort: str, columns: CatalogueSnapshot, popularity: npt.NDArray[np.float64]) -> Rows:
    """The rows in the order of `sort`, one of SORTS; under `relevance` they stay as they come.

    What is out of stock comes last, within that what has no price or date; equal ones by row, so that pages are
    stable. `popularity` is by row, (columns.size,), higher is better.
    """
    if sort == "relevance":
        return rows
    keys = _key(sort, rows, columns, popularity)
    return rows[np.lexsort((rows, keys, ~columns.in_stock[rows]))]  # the last key is the first; NaN sorts last


def _key(
    sort: str, rows: Rows, columns: CatalogueSnapshot, popularity: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(n,) float64, lower is better."""
    match sort:
        case "price":
            return columns.price[rows]
        case "-price":
            return -columns.price[rows]
        case "newest":
            return -columns.created[rows]
        case "popular":
            return -popularity[rows]
    raise ValueError(f"sort: {sort!r} is none of {', '.join(SORTS)}")
