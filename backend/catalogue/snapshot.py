"""The catalogue in memory, a column a field, so that a filter, a facet or a sort costs no SQL.

A snapshot never changes; the `Catalogue` makes the next one when items changed, by copying the arrays (a byte or eight
an item) and sharing the lists that only grow. An item's row is its `pk`, for good; row 0 is nobody's.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.dictionary import (
    AttributeColumn,
    Codes,
    LabelDictionary,
    Mask,
    brand_levels,
    category_levels,
    comparison_key,
)
from shelfwise.store import Store
from shelfwise.text.normalize import casefold_nfkc

__all__ = ["CatalogueCache", "CatalogueSnapshot"]

_ATTRIBUTES = 64  # so many are kept in memory, those asked for last
_RELOAD = 5_000  # after as many changes an attribute is read anew rather than brought up to date

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CatalogueSnapshot:
    """All items as of `seq`, by row. `ids` and `row_of` may know later items too: `rows` leaves them out."""

    seq: int
    live: Mask  # (size,) bool: not deleted; False for a row that is nobody's
    in_stock: Mask  # (size,) bool
    price: Numbers  # (size,) float64 in major units, NaN where there is none
    created: Numbers  # (size,) float64 in epoch seconds, NaN where unknown
    brand: Codes  # (size,) int32, codes of `brands`
    category: Codes  # (size,) int32, codes of `categories`
    family: npt.NDArray[np.int64]  # (size,) int64, equal for the variants of one product
    brands: LabelDictionary
    categories: LabelDictionary
    ids: Sequence[str | None]
    row_of: Mapping[str, int]
    _source: CatalogueCache = field(repr=False)
    _attributes: dict[str, AttributeColumn] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """One more than the highest row."""
        return len(self.live)

    def rows(self, ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """The row of each id, 0 for one that is unknown here."""
        rows = np.array([self.row_of.get(id, 0) for id in ids], dtype=np.int64)
        rows[rows >= self.size] = 0
        return rows

    def attribute(self, name: str) -> AttributeColumn:
        """The values of an attribute, or of `tags`; the same ones for as long as this snapshot lives."""
        name = casefold_nfkc(name)
        known = self._attributes.get(name)
        if known is None:
            known = self._attributes.setdefault(name, self._source.attribute(name, self.seq).before_row(self.size))
        return known

    def spellings(self, name: str, codes: Sequence[int]) -> list[str]:
        """The values of an attribute as they are shown: as the first item that has one writes it."""
        attribute = self.attribute(name)
        missing = [code for code in codes if code not in attribute.spellings]
        if missing:
            rows = attribute.first_rows[missing].tolist()
            given = self._source.spellings(casefold_nfkc(name), rows)
            for code, row in zip(missing, rows, strict=True):
                text = attribute.values.keys[code]
                attribute.spellings[code] = next(
                    (one for one in given.get(row, ()) if comparison_key(one) == text), text
                )
        return [attribute.spellings[code] for code in codes]


class CatalogueCache:
    """The snapshots of one shop's items. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loading, self._reading = threading.Lock(), threading.Lock()  # the columns; the attributes
        self._ids: list[str | None] = [None]
        self._row_of: dict[str, int] = {}
        self._attributes: OrderedDict[str, AttributeColumn] = OrderedDict()
        self._columns = CatalogueSnapshot(
            seq=0,
            live=np.zeros(1, dtype=np.bool_),
            in_stock=np.zeros(1, dtype=np.bool_),
            price=np.full(1, np.nan),
            created=np.full(1, np.nan),
            brand=np.zeros(1, dtype=np.int32),
            category=np.zeros(1, dtype=np.int32),
            family=np.zeros(1, dtype=np.int64),
            brands=LabelDictionary(brand_levels),
            categories=LabelDictionary(category_levels),
            ids=self._ids,
            row_of=self._row_of,
            _source=self,
        )

    def current(self) -> CatalogueSnapshot:
        """The catalogue as it is now: one look-up when nothing changed."""
        if self._store.items.last_seq() != self._columns.seq:
            with self._loading:
                self._load()
        return self._columns

    def attribute(self, name: str, seq: int) -> AttributeColumn:
        """The values of an attribute by its folded name, as of `seq` or later."""
        with self._reading:
            known = self._attributes.pop(name, None)
            if known is None or known.seq < seq:
                known = self._read(name) if known is None or self._is_far(known) else self._follow(name, known)
            self._attributes[name] = known
            if len(self._attributes) > _ATTRIBUTES:
                self._attributes.popitem(last=False)
            return known

    def spellings(self, name: str, rows: Sequence[int]) -> dict[int, list[str]]:
        """By row the texts of an attribute as the items give them; `name` is folded."""
        return self._store.item_columns.spellings(name, rows)

    def _load(self) -> None:
        """The caller holds the lock of the columns."""
        before, new = self._columns, self._store.item_columns.changed(self._columns.seq)
        if not new.pk:
            return
        size, rows = max(before.size, max(new.pk) + 1), np.array(new.pk)
        self._ids += [None] * (size - len(self._ids))
        for row, id in zip(new.pk, new.id, strict=True):
            self._ids[row] = id
        self._row_of.update(zip(new.id, new.pk, strict=True))
        self._columns = replace(
            before,
            seq=max(new.seq),
            live=_written(before.live, size, rows, [not gone for gone in new.deleted]),
            in_stock=_written(before.in_stock, size, rows, new.in_stock),
            price=_written(before.price, size, rows, new.price),
            created=_written(before.created, size, rows, new.created_at),
            brand=_written(before.brand, size, rows, [before.brands.code(text) for text in new.brand]),
            category=_written(before.category, size, rows, [before.categories.code(text) for text in new.category]),
            family=_written(before.family, size, rows, new.family),
            _attributes={},
        )

    def _is_far(self, known: AttributeColumn) -> bool:
        """Whether reading all of an attribute costs less than what changed since, or forgets most of its values."""
        passed = self._store.items.last_seq() - known.seq
        return passed > _RELOAD or len(known.values.keys) > 2 * len(known.rows) + _RELOAD

    def _read(self, name: str) -> AttributeColumn:
        seq = self._store.items.last_seq()  # first: what changes meanwhile is read again
        return AttributeColumn.from_values(seq, self._store.item_columns.values(name))

    def _follow(self, name: str, known: AttributeColumn) -> AttributeColumn:
        changes = self._store.item_columns.changed_values(name, known.seq)
        found = [(row, value) for row, _, value in changes if value is not None]
        return known.with_changes(max(seq for _, seq, _ in changes), {row for row, _, _ in changes}, found)


def _written(before: npt.NDArray[Any], size: int, rows: npt.NDArray[Any], new: Sequence[Any]) -> npt.NDArray[Any]:
    """A copy of `before` with `size` places and what is new in these rows; None becomes NaN."""
    after = np.full(size, before[0], dtype=before.dtype)  # row 0 holds what stands for nothing
    after[: len(before)] = before
    after[rows] = np.array(new, dtype=before.dtype)
    return after
