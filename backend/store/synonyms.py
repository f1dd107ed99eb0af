"""Synonyms as the shop says them: pairs of words or phrases, one-way or two-way. What they do is not known here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from shelfwise.store.connection import Connections
from shelfwise.types import Row

__all__ = ["Synonym", "Synonyms"]


@dataclass(frozen=True, slots=True)
class Synonym:
    """A query with `word` also finds what `means` finds, and the other way round where it is two-way."""

    id: int
    word: str
    means: str
    two_way: bool

    def to_dict(self) -> Row:
        return asdict(self)


class Synonyms:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def add(self, pairs: Iterable[tuple[str, str, bool]]) -> tuple[list[Synonym], int]:
        """Add clean (word, means, two_way), all or none; the pairs as they are now, and how many of them are new.

        Adding only widens: a two-way pair says both directions and stays two-way, and a one-way pair that is added as
        two-way, in either order, becomes that.
        """
        with self._db.write() as connection:
            last = _last_id(connection)
            ids = dict.fromkeys(_add(connection, *pair) for pair in pairs)
            rows = [connection.execute("SELECT * FROM synonyms WHERE id = ?", (id,)).fetchone() for id in ids]
        # A pair that a later one of the same call made needless is gone.
        return [_synonym(row) for row in rows if row], sum(row["id"] > last for row in rows if row)

    def all(self) -> list[Synonym]:
        """All pairs in the order in which they were added."""
        return [_synonym(row) for row in self._db.rows("SELECT * FROM synonyms ORDER BY id")]

    def remove(self, id: int) -> bool:
        """Whether there was such a pair."""
        return self._delete("id = ?", (id,))

    def remove_pair(self, word: str, means: str) -> bool:
        """The same by the clean words; those of a two-way pair in either order."""
        return self._delete("(word = ?1 AND means = ?2) OR (two_way AND word = ?2 AND means = ?1)", (word, means))

    def _delete(self, condition: str, values: tuple[object, ...]) -> bool:
        with self._db.write() as connection:
            return bool(connection.execute(f"DELETE FROM synonyms WHERE {condition}", values).rowcount)


def _add(connection: Any, word: str, means: str, two_way: bool) -> int:
    """The id of the pair that says it now."""
    said = connection.execute(
        "SELECT * FROM synonyms WHERE (word = ?1 AND means = ?2)"
        " OR (word = ?2 AND means = ?1 AND (two_way OR ?3)) ORDER BY two_way DESC, id LIMIT 1",
        (word, means, two_way),
    ).fetchone()
    if said is None:
        row = (word, means, two_way)
        return int(connection.execute("INSERT INTO synonyms (word, means, two_way) VALUES (?, ?, ?)", row).lastrowid)
    if two_way and not said["two_way"]:
        connection.execute("UPDATE synonyms SET two_way = 1 WHERE id = ?", (said["id"],))
        connection.execute("DELETE FROM synonyms WHERE word = ? AND means = ?", (said["means"], said["word"]))
    return int(said["id"])


def _last_id(connection: Any) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM synonyms").fetchone()[0])


def _synonym(row: Any) -> Synonym:
    return Synonym(row["id"], row["word"], row["means"], bool(row["two_way"]))
