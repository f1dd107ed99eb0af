"""Items in shop.db: merged upserts, tombstones, and what the encoder reads of an item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shelfwise.errors import InvalidInput
from shelfwise.store.connection import Connections
from shelfwise.store.derived_columns import attribute_text, extra_text, replace_values, variant_number
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["ItemText", "Items", "Upserted"]

_PLAIN = ("title", "description", "brand", "category", "price", "currency", "url", "image", "created_at")
_COLUMNS = (*_PLAIN, "in_stock", "tags", "attributes", "attribute_text", "extra_text", "family", "text_hash", "deleted")
_TEXT_CHARS = 400  # beyond what the encoder's tokens can hold


@dataclass(frozen=True, slots=True)
class ItemText:
    """What the encoder needs of an item; `text` is empty for a tombstone."""

    id: str
    seq: int
    text: str
    text_hash: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Upserted:
    """How a batch of upserts ended; `rejected` holds (index in the batch, reason)."""

    upserted: int
    unchanged: int
    rejected: list[tuple[int, str]]


class Items:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

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
        """Turn items into tombstones; returns how many were there."""
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
        """The live items among `ids`, with all their fields as an answer shows them."""
        rows = self._db.rows(
            "SELECT * FROM items WHERE deleted = 0 AND id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
        )
        return {row["id"]: _shown(row) for row in rows}

    def stock(self, ids: Sequence[str]) -> dict[str, bool]:
        """Whether each live item among `ids` is in stock; ids of deleted or unknown items are absent."""
        rows = self._db.rows(
            "SELECT id, in_stock FROM items WHERE deleted = 0 AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {row[0]: bool(row[1]) for row in rows}

    def count(self) -> int:
        return int(self._db.value("SELECT count(*) FROM items WHERE deleted = 0"))

    def last_seq(self) -> int:
        return _last_seq(self._db.connection())

    def texts(self, after_seq: int = 0, up_to: int | None = None) -> Iterator[ItemText]:
        """Item texts with `seq` in (after_seq, up_to], tombstones too, in the order of `seq`, streamed."""
        cursor = self._db.connection().execute(
            "SELECT * FROM items WHERE seq > ? AND seq <= ? ORDER BY seq",
            (after_seq, up_to if up_to is not None else 2**62),
        )
        for row in cursor:
            text = "" if row["deleted"] else item_text(row)
            yield ItemText(row["id"], row["seq"], text, row["text_hash"], bool(row["deleted"]))

    def titles(self) -> list[tuple[str, str]]:
        """(id, title) of every live item, in the order of first arrival."""
        return [tuple(row) for row in self._db.rows("SELECT id, title FROM items WHERE deleted = 0 ORDER BY pk")]


def item_text(row: Mapping[str, Any]) -> str:
    """The text that stands for an item in the encoder: title, brand, category, description."""
    title, brand = row["title"] or "", row["brand"] or ""
    parts = [title]
    if brand and brand.lower() not in title.lower():
        parts.append(brand)
    parts += [part for part in (row["category"], row["description"]) if part]
    return ". ".join(parts)[:_TEXT_CHARS]


def _merge(before: Mapping[str, Any] | None, row: Row) -> Row:
    if (before is None or before["deleted"]) and "title" not in row:
        raise InvalidInput("title: missing; a new item needs one", "title")
    # A deleted item that comes back starts afresh: nothing of its former fields returns with it.
    base = before if before and not before["deleted"] else None
    after: Row = {name: row[name] if name in row else (base[name] if base else None) for name in _PLAIN}
    after["in_stock"] = int(row["in_stock"]) if "in_stock" in row else (base["in_stock"] if base else 1)
    after["tags"] = json.dumps(row["tags"], ensure_ascii=False) if "tags" in row else (base["tags"] if base else None)
    attributes = json.loads(base["attributes"]) if base and base["attributes"] else {}
    attributes |= row.get("attributes", {})
    after["attributes"] = json.dumps(attributes, ensure_ascii=False) if attributes else None
    after["attribute_text"] = attribute_text(attributes)
    after["extra_text"] = extra_text(after)
    after["family"] = variant_number(after["title"])
    after["text_hash"] = hashlib.sha256(item_text(after).encode()).hexdigest()[:16]
    after["deleted"] = 0
    return after


def _shown(row: Mapping[str, Any]) -> Row:
    item: Row = {"id": row["id"]} | {name: row[name] for name in _PLAIN if row[name] is not None}
    if row["created_at"] is not None:
        item["created_at"] = to_iso(row["created_at"])
    item["in_stock"] = bool(row["in_stock"])
    item["tags"] = json.loads(row["tags"]) if row["tags"] else []
    item["attributes"] = json.loads(row["attributes"]) if row["attributes"] else {}
    return item


def _last_seq(connection: Any) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM items").fetchone()[0])


_UPSERT = (
    f"INSERT INTO items (id, seq, {', '.join(_COLUMNS)})"
    f" VALUES (:id, :seq, {', '.join(':' + column for column in _COLUMNS)}) ON CONFLICT (id) DO UPDATE SET seq = :seq, "
    + ", ".join(f"{column} = :{column}" for column in _COLUMNS)
    + " RETURNING pk"
)
