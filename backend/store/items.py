"""Items: merged upserts, tombstones, and the text that the encoder reads of an item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shelfwise.errors import InvalidInput
from shelfwise.store.connection import Repository
from shelfwise.store.derived_columns import attribute_text, extra_text, replace_values, variant_number
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["ItemText", "Items", "Upserted"]

_PLAIN_COLUMNS = ("title", "description", "brand", "category", "price", "currency", "url", "image", "created_at")
_COLUMNS = (
    *_PLAIN_COLUMNS, "in_stock", "tags", "attributes", "attribute_text", "extra_text", "family", "text_hash", "deleted",
)  # fmt: skip
_MAX_TEXT_CHARS = 400  # more than the encoder's tokens can hold


@dataclass(frozen=True, slots=True)
class ItemText:
    """The part of an item that is encoded; `text` is empty for a tombstone."""

    id: str
    seq: int
    text: str
    text_hash: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Upserted:
    """The outcome of a batch of upserts; `rejected` holds (index in the batch, reason)."""

    upserted: int
    unchanged: int
    rejected: list[tuple[int, str]]


class Items(Repository):
    """The `items` table. Each change gives an item the next `seq`; a deleted item stays as a tombstone."""

    def upsert(self, batch: Sequence[tuple[int, Row]]) -> Upserted:
        """Merge clean rows, each with its index in the caller's batch, in one transaction.

        Fields that a row doesn't name keep their value; a row that changes nothing takes no `seq`.
        """
        changed = unchanged = 0
        rejected: list[tuple[int, str]] = []
        with self._db.write() as connection:
            seq = _last_seq(connection)
            for index, row in batch:
                before = connection.execute("SELECT * FROM items WHERE id = ?", (row["id"],)).fetchone()
                try:
                    after = _merge(before, row)
                except InvalidInput as problem:
                    rejected.append((index, str(problem)))
                    continue
                if before and all(before[column] == after[column] for column in _COLUMNS):
                    unchanged += 1
                    continue
                seq += 1
                changed += 1
                pk = connection.execute(_UPSERT, {**after, "id": row["id"], "seq": seq}).fetchone()[0]
                if before is None or any(before[column] != after[column] for column in ("attributes", "tags")):
                    replace_values(connection, {**after, "pk": pk})  # not with each price
        return Upserted(changed, unchanged, rejected)

    def delete(self, ids: Sequence[str]) -> int:
        """Turn items into tombstones; return how many were live."""
        deleted = 0
        with self._db.write() as connection:
            for id in ids:
                cursor = connection.execute(
                    "UPDATE items SET deleted = 1, seq = ? WHERE id = ? AND deleted = 0",
                    (_last_seq(connection) + 1, id),
                )
                deleted += cursor.rowcount
        return deleted

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the live items among `ids`, with all fields that an answer shows."""
        return {row["id"]: _shown(row) for row in self._live("*", ids)}

    def stock(self, ids: Sequence[str]) -> dict[str, bool]:
        """Return whether each live item among `ids` is in stock; ids of deleted or unknown items are absent."""
        return {row["id"]: bool(row["in_stock"]) for row in self._live("id, in_stock", ids)}

    def count(self) -> int:
        """Return how many live items there are."""
        return int(self._db.value("SELECT count(*) FROM items WHERE deleted = 0"))

    def last_seq(self) -> int:
        """Return the highest `seq`, 0 without items."""
        return _last_seq(self._db.connection())

    def texts(self, after_seq: int = 0, up_to: int | None = None) -> Iterator[ItemText]:
        """Yield the texts of items with `seq` in (after_seq, up_to], tombstones too, in the order of `seq`."""
        cursor = self._db.connection().execute(
            "SELECT * FROM items WHERE seq > ? AND seq <= ? ORDER BY seq",
            (after_seq, up_to if up_to is not None else 2**62),
        )
        for row in cursor:
            text = "" if row["deleted"] else item_text(row)
            yield ItemText(row["id"], row["seq"], text, row["text_hash"], bool(row["deleted"]))

    def titles(self) -> list[tuple[str, str]]:
        """Return (id, title) of every live item, in the order of first arrival."""
        return [tuple(row) for row in self._db.rows("SELECT id, title FROM items WHERE deleted = 0 ORDER BY pk")]

    def _live(self, columns: str, ids: Sequence[str]) -> list[Any]:
        return self._db.rows(
            f"SELECT {columns} FROM items WHERE deleted = 0 AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )


def item_text(row: Mapping[str, Any]) -> str:
    """Return the text that the encoder reads of an item: title, brand, category, description."""
    title, brand = row["title"] or "", row["brand"] or ""
    parts = [title]
    if brand and brand.lower() not in title.lower():
        parts.append(brand)
    parts += [part for part in (row["category"], row["description"]) if part]
    return ". ".join(parts)[:_MAX_TEXT_CHARS]


def _merge(before: Mapping[str, Any] | None, row: Row) -> Row:
    """Return the columns of an item once `row` is merged into its columns `before`."""
    base = before
    if base is None or base["deleted"]:  # a deleted item that comes back starts afresh
        if "title" not in row:
            raise InvalidInput.expected("title", "a title, since the item is new", None)
        base = _NEW_ITEM
    after: Row = {name: to_column(row[name]) if name in row else base[name] for name, to_column in _TO_COLUMN.items()}
    attributes = json.loads(base["attributes"] or "{}") | row.get("attributes", {})
    after["attributes"] = _to_json(attributes) if attributes else None
    after["attribute_text"] = attribute_text(attributes)
    after["extra_text"] = extra_text(after)
    after["family"] = variant_number(after["title"])
    after["text_hash"] = hashlib.sha256(item_text(after).encode()).hexdigest()[:16]
    return after | {"deleted": 0}


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# From the clean value of a field to its column; `attributes` are merged one by one.
_TO_COLUMN: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_PLAIN_COLUMNS, lambda value: value),
    "in_stock": int,
    "tags": _to_json,
}
_NEW_ITEM: Row = {**dict.fromkeys(_TO_COLUMN), "in_stock": 1, "attributes": None}


def _shown(row: Mapping[str, Any]) -> Row:
    item: Row = {"id": row["id"]} | {name: row[name] for name in _PLAIN_COLUMNS if row[name] is not None}
    if row["created_at"] is not None:
        item["created_at"] = to_iso(row["created_at"])
    return item | {
        "in_stock": bool(row["in_stock"]),
        "tags": json.loads(row["tags"] or "[]"),
        "attributes": json.loads(row["attributes"] or "{}"),
    }


def _last_seq(connection: Any) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM items").fetchone()[0])


_UPSERT = (
    f"INSERT INTO items (id, seq, {', '.join(_COLUMNS)})"
    f" VALUES (:id, :seq, {', '.join(':' + column for column in _COLUMNS)}) ON CONFLICT (id) DO UPDATE SET seq = :seq, "
    + ", ".join(f"{column} = :{column}" for column in _COLUMNS)
    + " RETURNING pk"
)
