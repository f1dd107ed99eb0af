"""The catalogue in memory, a column a field, so that a filter, a facet or a sort costs no SQL.

A snapshot never changes; `CatalogueCache` makes the next one when items changed, by copying the arrays (a byte or
eight an item) and sharing the lists that only grow. An item's row is its `pk`, for good; no item has row 0.
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

_MAX_ATTRIBUTES = 64  # kept in memory, those used last
_MAX_CHANGES = 5_000  # after more an attribute is read anew rather than brought up to date

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CatalogueSnapshot:
    """All items as of `seq`, by row. `ids` and `row_of` may hold later items too: `rows` leaves them out."""

    seq: int
    live: Mask  # (size,) bool: not deleted; False for a row without an item
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
        """Return the highest row plus one."""
        return len(self.live)

    def rows(self, ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the row of each id, 0 for one that is not in this snapshot."""
        rows = np.array([self.row_of.get(id, 0) for id in ids], dtype=np.int64)
        rows[rows >= self.size] = 0
        return rows

    def attribute(self, name: str) -> AttributeColumn:
        """Return the values of an attribute, or of `tags`: the same ones for as long as this snapshot lives."""
        name = casefold_nfkc(name)
        column = self._attributes.get(name)
        if column is None:
            column = self._attributes.setdefault(name, self._source.attribute(name, self.seq).before_row(self.size))
        return column

    def spellings(self, name: str, codes: Sequence[int]) -> list[str]:
        """Return an attribute's values as they are shown: in the spelling of the first item that has one."""
        attribute = self.attribute(name)
        missing = [code for code in codes if code not in attribute.spellings]
        if missing:
            rows = attribute.first_rows[missing].tolist()
            texts = self._source.spellings(casefold_nfkc(name), rows)
            for code, row in zip(missing, rows, strict=True):
                key = attribute.values.keys[code]
                attribute.spellings[code] = next(
                    (text for text in texts.get(row, ()) if comparison_key(text) == key), key
                )
        return [attribute.spellings[code] for code in codes]


class CatalogueCache:
    """The newest snapshot of a shop's items, and its attributes used last. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshot_lock, self._attributes_lock = threading.Lock(), threading.Lock()
        self._ids: list[str | None] = [None]
        self._row_of: dict[str, int] = {}
        self._attributes: OrderedDict[str, AttributeColumn] = OrderedDict()
        self._snapshot = CatalogueSnapshot(
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
        """Return the catalogue as it is now: one look-up when nothing changed."""
        if self._store.items.last_seq() != self._snapshot.seq:
            with self._snapshot_lock:
                self._load()
        return self._snapshot

    def attribute(self, name: str, seq: int) -> AttributeColumn:
        """Return the values of an attribute by its folded name, as of `seq` or later."""
        with self._attributes_lock:
            column = self._attributes.pop(name, None)
            if column is None or column.seq < seq:
                column = self._read(name) if column is None or self._is_far(column) else self._update(name, column)
            self._attributes[name] = column
            if len(self._attributes) > _MAX_ATTRIBUTES:
                self._attributes.popitem(last=False)
            return column

    def spellings(self, name: str, rows: Sequence[int]) -> dict[int, list[str]]:
        """Return by row the texts of an attribute as the items spell them; `name` is folded."""
        return self._store.item_columns.spellings(name, rows)

    def _load(self) -> None:
        """Make the next snapshot of what changed. The caller holds the snapshot's lock."""
        before, new = self._snapshot, self._store.item_columns.changed(self._snapshot.seq)
        if not new.pk:
            return
        size, rows = max(before.size, max(new.pk) + 1), np.array(new.pk)
        self._ids += [None] * (size - len(self._ids))
        for row, id in zip(new.pk, new.id, strict=True):
            self._ids[row] = id
        self._row_of.update(zip(new.id, new.pk, strict=True))
        self._snapshot = replace(
            before,
            seq=max(new.seq),
            live=_with_rows(before.live, size, rows, [not gone for gone in new.deleted]),
            in_stock=_with_rows(before.in_stock, size, rows, new.in_stock),
            price=_with_rows(before.price, size, rows, new.price),
            created=_with_rows(before.created, size, rows, new.created_at),
            brand=_with_rows(before.brand, size, rows, [before.brands.code(text) for text in new.brand]),
            category=_with_rows(before.category, size, rows, [before.categories.code(text) for text in new.category]),
            family=_with_rows(before.family, size, rows, new.family),
            _attributes={},
        )

    def _is_far(self, column: AttributeColumn) -> bool:
        """Return whether reading the attribute anew costs less than an update, or drops most of its values."""
        changes = self._store.items.last_seq() - column.seq
        return changes > _MAX_CHANGES or len(column.values.keys) > 2 * len(column.rows) + _MAX_CHANGES

    def _read(self, name: str) -> AttributeColumn:
        seq = self._store.items.last_seq()  # first: what changes meanwhile is read again
        return AttributeColumn.from_values(seq, self._store.item_columns.values(name))

    def _update(self, name: str, column: AttributeColumn) -> AttributeColumn:
        changes = self._store.item_columns.changed_values(name, column.seq)
        values = [(row, value) for row, _, value in changes if value is not None]
        return column.with_changes(max(seq for _, seq, _ in changes), {row for row, _, _ in changes}, values)


def _with_rows(before: npt.NDArray[Any], size: int, rows: npt.NDArray[Any], new: Sequence[Any]) -> npt.NDArray[Any]:
    """Return a copy of `before` with `size` rows and the `new` values in these; None becomes NaN."""
    after = np.full(size, before[0], dtype=before.dtype)  # row 0 holds the default
    after[: len(before)] = before
    after[rows] = np.array(new, dtype=before.dtype)
    return after
