"""What is derived from an item when it is written: index terms beside its text, and a row for each attribute value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from shelfwise.text.normalize import casefold_nfkc, index_terms
from shelfwise.text.variants import variant_key

__all__ = ["attribute_text", "derive", "extra_text", "replace_values", "variant_number"]

_TEXT_COLUMNS = ("title", "brand", "category", "description", "tags", "attribute_text")
_MAX_VALUE_CHARS = 200  # a longer value is a text to search, not a value to filter by


def attribute_text(attributes: Mapping[str, Any]) -> str | None:
    """Return the values within attributes as one text; names are left out: `colour` is the same for all items."""
    return " ".join(value for _, value in _values(attributes, flags=False)) or None


def extra_text(row: Mapping[str, Any]) -> str | None:
    """Return the terms that are indexed beside the texts of an item; None where there are none."""
    return index_terms(row[name] for name in _TEXT_COLUMNS if row[name]) or None


def variant_number(title: str) -> int:
    """Return a number (int64) that is the same for the variants of one product."""
    digest = hashlib.blake2b(variant_key(title).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def derive(connection: Any, row: Mapping[str, Any]) -> None:
    """Write all that is derived from one item; the caller holds the transaction."""
    connection.execute(
        "UPDATE items SET extra_text = ?, family = ? WHERE pk = ?",
        (extra_text(row), variant_number(row["title"]), row["pk"]),
    )
    replace_values(connection, row)


def replace_values(connection: Any, row: Mapping[str, Any]) -> None:
    """Replace the item's rows of `item_values`: tags, and attributes by name (`screen.size` if nested), folded.

    The caller holds the transaction.
    """
    connection.execute("DELETE FROM item_values WHERE pk = ?", (row["pk"],))
    tags, attributes = json.loads(row["tags"] or "[]"), json.loads(row["attributes"] or "{}")
    connection.executemany(
        "INSERT INTO item_values (pk, name, value) VALUES (?, ?, ?)",
        [
            (row["pk"], casefold_nfkc(name), casefold_nfkc(value))
            for name, value in (*(("tags", tag) for tag in tags), *_values(attributes))
            if len(value) <= _MAX_VALUE_CHARS
        ],
    )


def _values(value: object, name: str = "", *, flags: bool = True) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of every leaf; true and false only with `flags`."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _values(part, f"{name}.{key}" if name else str(key), flags=flags)
    elif isinstance(value, list):
        for element in value:
            yield from _values(element, name, flags=flags)
    elif value is not None and (flags or not isinstance(value, bool)):
        yield name, str(value)
