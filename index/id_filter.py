"""A filter by id: a mask over the caller's own numbers, so that a search looks no id up.

The numbers of an index's ids are looked up once and kept for as long as the caller passes the same mapping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.index.validation import Mask, Rows

__all__ = ["NO_NUMBER", "IdFilter", "RowLookup"]

NO_NUMBER = 0  # stands for the number of an id that has none


@dataclass(frozen=True, slots=True)
class IdFilter:
    """The ids whose number is True in `mask`, (n,) bool. `numbers` may grow, but no id may ever change its number.

    No id has number 0. An id without a number, or with one beyond the mask, does not pass.
    """

    numbers: Mapping[str, int]
    mask: Mask

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.ndim != 1:
            raise ValueError(f"mask: expected shape (n,) of bool, got {self.mask.shape} of {self.mask.dtype}")
        if len(self.mask) and self.mask[NO_NUMBER]:
            raise ValueError("mask: expected False for number 0, which stands for ids without a number, got True")


class RowLookup:
    """A fixed list of ids, and their numbers in the mapping they were last looked up in. Safe for threads."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        # in one tuple, replaced and never changed: a mapping, the numbers, and the rows that have none yet
        self._known: tuple[Mapping[str, int], Rows, Rows] | None = None

    def passing(self, id_filter: IdFilter) -> Mask:
        """Return which ids pass the filter, (n_ids,) bool."""
        numbers = self.numbers(id_filter.numbers)
        if not len(id_filter.mask):
            return np.zeros(len(numbers), dtype=np.bool_)
        if len(numbers) and numbers.max() >= len(id_filter.mask):
            numbers = np.where(numbers < len(id_filter.mask), numbers, NO_NUMBER)
        return id_filter.mask[numbers]

    def numbers(self, mapping: Mapping[str, int]) -> Rows:
        """Return the number of each id in `mapping`, 0 where it has none, (n_ids,) int64."""
        known = self._known
        if known is None or known[0] is not mapping:
            numbers, unknown = np.zeros(len(self._ids), dtype=np.int64), np.arange(len(self._ids))
        elif len(known[2]):
            numbers, unknown = known[1].copy(), known[2]
        else:
            return known[1]
        numbers[unknown] = [mapping.get(self._ids[row], NO_NUMBER) for row in unknown.tolist()]
        self._known = (mapping, numbers, unknown[numbers[unknown] == NO_NUMBER])
        return numbers
