"""What filters, facets and sorting read of the items: a few fields of each, and the values of one attribute at a time.
`shelfwise.catalogue.snapshot` keeps them in memory; deleted items are read too, so that their going is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shelfwise.store.connection import Connections
from shelfwise.text.normalize import casefold_nfkc

__all__ = ["ChangedColumns", "ItemColumns"]


class ChangedColumns(NamedTuple):
    """Fields of some items, each as one sequence, all in the same order; `created_at` in epoch seconds."""

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


class ItemColumns:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def changed(self, after_seq: int) -> ChangedColumns:
        """The items whose `seq` is above `after_seq`, deleted ones too, in no particular order."""
        rows = self._db.rows(f"SELECT {', '.join(ChangedColumns._fields)} FROM items WHERE seq > ?", (after_seq,))
        return ChangedColumns(*zip(*rows, strict=True)) if rows else ChangedColumns(*[()] * len(ChangedColumns._fields))

    def values(self, name: str) -> list[tuple[int, str]]:
        """(pk, folded value) of everything said about an attribute, by its folded name; `tags` is one of them."""
        rows = self._db.rows("SELECT pk, value FROM item_values WHERE name = ?", (name,))
        return [(row[0], row[1]) for row in rows]

    def changed_values(self, name: str, after_seq: int) -> list[tuple[int, int, str | None]]:
        """(pk, seq, folded value) for the items above `after_seq`; one row with None for an item without a value."""
        rows = self._db.rows(
            """SELECT items.pk, items.seq, found.value FROM items
            LEFT JOIN item_values AS found ON found.pk = items.pk AND found.name = ? WHERE items.seq > ?""",
            (name, after_seq),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def spellings(self, name: str, pks: Sequence[int]) -> dict[int, list[str]]:
        """By pk the texts of an attribute as they were given, capitals and all; `name` is folded."""
        rows = self._db.rows(
            "SELECT pk, tags, attributes FROM items WHERE pk IN (SELECT value FROM json_each(?))",
            (json.dumps(list(pks)),),
        )
        return {row["pk"]: list(_texts(_given(row), name)) for row in rows}


def _given(row: Mapping[str, Any]) -> list[Any]:
    tags = {"tags": json.loads(row["tags"])} if row["tags"] else {}
    return [tags, json.loads(row["attributes"]) if row["attributes"] else {}]


def _texts(value: object, name: str) -> Iterator[str]:
    """The texts below a name, `screen.size` being `size` within `screen`; all of them where no name is left."""
    if isinstance(value, list):
        for within in value:
            yield from _texts(within, name)
    elif isinstance(value, Mapping):
        for part, within in value.items():
            part = casefold_nfkc(str(part))
            if name == part:
                yield from _texts(within, "")
            elif name.startswith(f"{part}."):
                yield from _texts(within, name[len(part) + 1 :])
    elif isinstance(value, str) and not name:
        yield value
