"""The texts of all live items, streamed: for the vocabulary, and names for suggestions."""

from __future__ import annotations

from collections.abc import Iterator

from shelfwise.store.connection import Repository

__all__ = ["ItemTexts"]


class ItemTexts(Repository):
    """Streams of the `items` table that read no other column."""

    def stream(self) -> Iterator[tuple[str, str]]:
        """Yield (names, descriptions) of every live item, two strings of one line a field.

        Names are its title, brand, category and tags; descriptions are its description and its attributes' values.
        """
        return self._db.tuples(
            "SELECT concat_ws(char(10), title, brand, category, tags),"
            " concat_ws(char(10), description, attribute_text) FROM items WHERE deleted = 0"
        )

    def names(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        """Yield (id, title, brand, category) of every live item, those in stock first."""
        return self._db.tuples(
            "SELECT id, title, brand, category FROM items WHERE deleted = 0 ORDER BY in_stock DESC, pk"
        )
