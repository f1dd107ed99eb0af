"""What the tables derive from an item: the words beside its text, and one row for each value of its attributes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from shelfwise.text.normalize import casefold_nfkc, index_terms
from shelfwise.text.variants import variant_key

__all__ = ["attribute_text", "derive", "extra_text", "replace_values", "variant_number"]

_TEXTS = ("title", "brand", "category", "description", "tags", "attribute_text")
_MAX_VALUE = 200  # characters; what is longer is a text to search, not a value to filter by


def attribute_text(attributes: Mapping[str, Any]) -> str | None:
    """The texts within attributes, values only: a name such as `colour` tells nothing about one item."""
    return " ".join(value for _, value in _values(attributes, flags=False)) or None


def extra_text(row: Mapping[str, Any]) -> str | None:
    """What is indexed beside the texts of an item; None where they stand for themselves."""
    return index_terms(row[name] for name in _TEXTS if row[name]) or None


def variant_number(title: str) -> int:
    """A number that is the same for the variants of one product."""
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
    """The same for the values alone: tags, and attributes by their name (`screen.size` within another), folded."""
    connection.execute("DELETE FROM item_values WHERE pk = ?", (row["pk"],))
    given = json.loads(row["attributes"]) if row["attributes"] else {}
    tags = json.loads(row["tags"]) if row["tags"] else []
    connection.executemany(
        "INSERT INTO item_values (pk, name, value) VALUES (?, ?, ?)",
        [
            (row["pk"], casefold_nfkc(name), casefold_nfkc(value))
            for name, value in (*(("tags", tag) for tag in tags), *_values(given))
            if len(value) <= _MAX_VALUE
        ],
    )


def _values(value: object, name: str = "", *, flags: bool = True) -> Iterator[tuple[str, str]]:
    """(name, text) of every leaf; `flags`: true and false too."""
    if isinstance(value, Mapping):
        for part, within in value.items():
            yield from _values(within, f"{name}.{part}" if name else str(part), flags=flags)
    elif isinstance(value, list):
        for within in value:
            yield from _values(within, name, flags=flags)
    elif isinstance(value, bool):
        if flags:
            yield name, str(value)
    elif value is not None:
        yield name, str(value)
