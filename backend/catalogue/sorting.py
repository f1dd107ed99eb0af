"""The sort orders that a shopper can choose, over rows of the catalogue. Relevance is the ranking's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot

__all__ = ["SORTS", "sort_rows"]

SORTS = ("relevance", "price", "-price", "newest", "popular")

Rows = npt.NDArray[np.int64]


def sort_rows(rows: Rows, sort: str, columns: CatalogueSnapshot, popularity: npt.NDArray[np.float64]) -> Rows:
    """Return the rows in the order of `sort`, one of SORTS; `relevance` keeps their order. Raises ValueError.

    Items out of stock come last, within that those without a price or date; equal ones by row, so that pages are
    stable. `popularity` is by row of the catalogue, (columns.size,), higher is better.
    """
    if sort == "relevance":
        return rows
    keys = _key(sort, rows, columns, popularity)
    return rows[np.lexsort((rows, keys, ~columns.in_stock[rows]))]  # the last key is the first; NaN sorts last


def _key(
    sort: str, rows: Rows, columns: CatalogueSnapshot, popularity: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the sort key of each row, (n,) float64, lower is better."""
    match sort:
        case "price":
            return columns.price[rows]
        case "-price":
            return -columns.price[rows]
        case "newest":
            return -columns.created[rows]
        case "popular":
            return -popularity[rows]
    raise ValueError(f"sort: expected one of {', '.join(SORTS)}, got {sort!r}")
