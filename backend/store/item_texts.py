"""What the shop's texts are made of: streams of them for the vocabulary, and counts of names for suggestions."""

from __future__ import annotations

from collections.abc import Iterator

from shelfwise.store.connection import Connections

__all__ = ["ItemTexts"]


class ItemTexts:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def stream(self) -> Iterator[tuple[str, str]]:
        """(what names it, what describes it) of every live item, a row at a time.

        Names are its title, brand, category and tags; descriptions are its description and its attributes' values.
        """
        cursor = self._db.connection().cursor()
        cursor.row_factory = None
        yield from cursor.execute(
            "SELECT concat_ws(char(10), title, brand, category, tags),"
            " concat_ws(char(10), description, attribute_text) FROM items WHERE deleted = 0"
        )

    def names(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        """(id, title, brand, category) of every live item, those in stock first."""
        cursor = self._db.connection().cursor()
        cursor.row_factory = None
        yield from cursor.execute(
            "SELECT id, title, brand, category FROM items WHERE deleted = 0 ORDER BY in_stock DESC, pk"
        )
