"""Which ids a search may find, said as a mask over the caller's own numbers, so that a filter costs no look-up an id.
The numbers of the names held here are looked up once and kept for as long as the caller passes the same mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.index.validation import Mask, Rows

NOBODY = 0  # the number of an id that has none


@dataclass(frozen=True, slots=True)
class IdFilter:
    """The ids whose number is True in `mask`, (n,) bool. `numbers` may grow, but no id may ever change its number.

    Number 0 is nobody's. An id without a number, or with one beyond the mask, is not among them."""

    numbers: Mapping[str, int]
    mask: Mask

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.ndim != 1:
            raise ValueError(f"among: expected a mask of shape (n,) bool, got {self.mask.shape} {self.mask.dtype}")
        if len(self.mask) and self.mask[NOBODY]:
            raise ValueError("among: number 0 stands for ids without a number; its place in the mask must be False")


class RowLookup:
    """A fixed list of names, and their numbers in the mapping they were last looked up in. Safe for threads."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        # in one tuple, replaced and never changed: a mapping, the numbers, and the places that have none yet
        self._known: tuple[Mapping[str, int], Rows, Rows] | None = None

    def passing(self, among: IdFilter) -> Mask:
        """Which of the names are among them, (len(names),) bool."""
        numbers = self.numbers(among.numbers)
        if not len(among.mask):
            return np.zeros(len(numbers), dtype=np.bool_)
        if len(numbers) and numbers.max() >= len(among.mask):
            numbers = np.where(numbers < len(among.mask), numbers, NOBODY)
        return among.mask[numbers]

    def numbers(self, mapping: Mapping[str, int]) -> Rows:
        """The number of each name, 0 where it has none, (len(names),) int64."""
        known = self._known
        if known is None or known[0] is not mapping:
            numbers, places = np.zeros(len(self._names), dtype=np.int64), np.arange(len(self._names))
        elif len(known[2]):
            numbers, places = known[1].copy(), known[2]
        else:
            return known[1]
        numbers[places] = [mapping.get(self._names[position], NOBODY) for position in places.tolist()]
        self._known = (mapping, numbers, places[numbers[places] == NOBODY])
        return numbers
