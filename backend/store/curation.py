"""The tables that the shop owner edits: synonyms and merchandising rules. Their effect is `shelfwise.curation`'s."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, TypeVar

from shelfwise.store.connection import Repository
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["Rule", "Rules", "Synonym", "Synonyms"]

_Entry = TypeVar("_Entry")
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Synonym:
    """A query with `word` also finds what `means` finds, and the other way round where it is two-way."""

    id: int
    word: str
    means: str
    two_way: bool

    def to_dict(self) -> Row:
        """Return the pair as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """An action (pin, boost, bury or hide) on items, for some queries and a span of time."""

    id: int
    action: str
    match: str  # exact, contains or any
    query: str | None  # None for any
    items: tuple[str, ...]
    filter: str | None  # beside `items`: the items that pass it are meant too
    strength: float  # share of the score range that boost and bury move an item by; 0 for pin and hide
    starts: float | None  # epoch seconds, inclusive
    ends: float | None  # epoch seconds, exclusive
    note: str | None

    def to_dict(self) -> Row:
        """Return the rule as JSON holds it, times in ISO 8601."""
        times = {
            name: None if ts is None else to_iso(ts) for name, ts in (("starts", self.starts), ("ends", self.ends))
        }
        return asdict(self) | {"items": list(self.items), "strength": self.strength or None} | times


class _OwnerTable(Repository, Generic[_Entry, _Record]):
    """A table of rows with an id that are added once, listed and removed, never edited otherwise."""

    _table: ClassVar[str]

    def add(self, entries: Iterable[_Entry]) -> tuple[list[_Record], int]:
        """Add clean entries, all or none; return their rows as they are now, and how many of them are new.

        An entry that is there already is not added again.
        """
        with self._db.write() as connection:
            last_id = int(connection.execute(f"SELECT coalesce(max(id), 0) FROM {self._table}").fetchone()[0])
            ids = dict.fromkeys(self._add(connection, entry) for entry in entries)
            rows = [connection.execute(f"SELECT * FROM {self._table} WHERE id = ?", (id,)).fetchone() for id in ids]
        # A pair that a later one of the same call made needless is gone.
        return [self._record(row) for row in rows if row], sum(row["id"] > last_id for row in rows if row)

    def all(self) -> list[_Record]:
        """Return all rows in the order in which they were added."""
        return [self._record(row) for row in self._db.rows(f"SELECT * FROM {self._table} ORDER BY id")]

    def remove(self, id: int) -> bool:
        """Remove the row of this id; return whether there was one."""
        return self._remove("id = ?", (id,))

    def _remove(self, condition: str, values: Sequence[object]) -> bool:
        with self._db.write() as connection:
            return bool(connection.execute(f"DELETE FROM {self._table} WHERE {condition}", values).rowcount)

    def _add(self, connection: Any, entry: _Entry) -> int:
        """Add an entry unless it is there; return the id of the row that holds it now."""
        raise NotImplementedError

    def _record(self, row: Any) -> _Record:
        raise NotImplementedError


class Synonyms(_OwnerTable[tuple[str, str, bool], Synonym]):
    """The pairs, added as (word, means, two_way).

    Adding only widens: a two-way pair holds both directions and stays two-way, and a one-way pair that is added as
    two-way, in either order, becomes that.
    """

    _table = "synonyms"

    def remove_pair(self, word: str, means: str) -> bool:
        """Remove the pair of these clean words, a two-way one in either order; return whether there was one."""
        return self._remove("(word = ?1 AND means = ?2) OR (two_way AND word = ?2 AND means = ?1)", (word, means))

    def _add(self, connection: Any, entry: tuple[str, str, bool]) -> int:
        existing = connection.execute(
            "SELECT * FROM synonyms WHERE (word = ?1 AND means = ?2)"
            " OR (word = ?2 AND means = ?1 AND (two_way OR ?3)) ORDER BY two_way DESC, id LIMIT 1",
            entry,
        ).fetchone()
        if existing is None:
            cursor = connection.execute("INSERT INTO synonyms (word, means, two_way) VALUES (?, ?, ?)", entry)
            return int(cursor.lastrowid)
        if entry[2] and not existing["two_way"]:
            connection.execute("UPDATE synonyms SET two_way = 1 WHERE id = ?", (existing["id"],))
            connection.execute(
                "DELETE FROM synonyms WHERE word = ? AND means = ?", (existing["means"], existing["word"])
            )
        return int(existing["id"])

    def _record(self, row: Any) -> Synonym:
        return Synonym(row["id"], row["word"], row["means"], bool(row["two_way"]))


class Rules(_OwnerTable[Row, Rule]):
    """All rules, whether they hold now or not, added as rows of the fields of Rule but `id`."""

    _table = "rules"

    def _add(self, connection: Any, entry: Row) -> int:
        values = entry | {"items": json.dumps(entry["items"], ensure_ascii=False)}
        existing = connection.execute(_SELECT_RULE, values).fetchone()
        return int(existing[0] if existing else connection.execute(_INSERT_RULE, values).lastrowid)

    def _record(self, row: Any) -> Rule:
        return Rule(**{**dict(row), "items": tuple(json.loads(row["items"]))})


_RULE_COLUMNS = ("action", "query", "match", "filter", "items", "strength", "starts", "ends", "note")
_SELECT_RULE = f"SELECT id FROM rules WHERE {' AND '.join(f'{name} IS :{name}' for name in _RULE_COLUMNS)} LIMIT 1"
_INSERT_RULE = (
    f"INSERT INTO rules ({', '.join(_RULE_COLUMNS)}) VALUES ({', '.join(':' + name for name in _RULE_COLUMNS)})"
)
