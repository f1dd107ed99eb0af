"""The columns of items that filters, facets and sorting read, and the values of one attribute at a time.

`shelfwise.catalogue.snapshot` keeps them in memory; deleted items are read too, so that it notices deletions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shelfwise.store.connection import Repository
from shelfwise.text.normalize import casefold_nfkc

__all__ = ["ChangedColumns", "ItemColumns"]


class ChangedColumns(NamedTuple):
    """Columns of some items, each as one sequence, all in the same order; `created_at` in epoch seconds."""

    pk: Sequence[int]
    seq: Sequence[int]
    id: Sequence[str]
    deleted: Sequence[int]
    in_stock: Sequence[int]
    price: Sequence[float | None]
    created_at: Sequence[float | None]
    brand: Sequence[str | None]
    category: Sequence[str | None]
    family: Sequence[int]


class ItemColumns(Repository):
    """Reads of single columns and attribute values, by the `seq` from which on they are new."""

    def changed(self, after_seq: int) -> ChangedColumns:
        """Return the items with a `seq` above `after_seq`, deleted ones too, in no particular order."""
        rows = self._db.rows(f"SELECT {', '.join(ChangedColumns._fields)} FROM items WHERE seq > ?", (after_seq,))
        return ChangedColumns(*zip(*rows, strict=True)) if rows else ChangedColumns(*[()] * len(ChangedColumns._fields))

    def values(self, name: str) -> list[tuple[int, str]]:
        """Return (pk, folded value) of every value of an attribute, by its folded name; `tags` is one of them."""
        rows = self._db.rows("SELECT pk, value FROM item_values WHERE name = ?", (name,))
        return [(row[0], row[1]) for row in rows]

    def changed_values(self, name: str, after_seq: int) -> list[tuple[int, int, str | None]]:
        """Return (pk, seq, folded value) of the items above `after_seq`; one row with None for an item without any."""
        rows = self._db.rows(
            """SELECT items.pk, items.seq, named.value FROM items
            LEFT JOIN item_values AS named ON named.pk = items.pk AND named.name = ? WHERE items.seq > ?""",
            (name, after_seq),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def spellings(self, name: str, pks: Sequence[int]) -> dict[int, list[str]]:
        """Return, by pk, the texts of an attribute as the shop wrote them, capitals and all; `name` is folded."""
        rows = self._db.rows(
            "SELECT pk, tags, attributes FROM items WHERE pk IN (SELECT value FROM json_each(?))",
            (json.dumps(list(pks)),),
        )
        return {
            row["pk"]: [
                *_texts({"tags": json.loads(row["tags"] or "[]")}, name),
                *_texts(json.loads(row["attributes"] or "{}"), name),
            ]
            for row in rows
        }


def _texts(value: object, name: str) -> Iterator[str]:
    """Yield the texts below a name, `screen.size` being `size` within `screen`; all of them where `name` is empty."""
    if isinstance(value, list):
        for element in value:
            yield from _texts(element, name)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            folded = casefold_nfkc(str(key))
            if name == folded:
                yield from _texts(part, "")
            elif name.startswith(f"{folded}."):
                yield from _texts(part, name[len(folded) + 1 :])
    elif isinstance(value, str) and not name:
        yield value
