"""Merchandising rules as the shop says them, whether they hold now or not. What they do is not known here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shelfwise.store.connection import Connections
from shelfwise.timestamps import to_iso
from shelfwise.types import Row

__all__ = ["Rule", "Rules"]

_COLUMNS = ("action", "query", "match", "filter", "items", "strength", "starts", "ends", "note")


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens (`action`: pin, boost, bury or hide) to which items, for which queries, and when."""

    id: int
    action: str
    match: str  # exact, contains or any
    query: str | None  # None for any
    items: tuple[str, ...]
    filter: str | None  # beside `items`: what passes it is meant too
    strength: float  # the share of the score range that boost and bury are worth; 0 for pin and hide
    starts: float | None  # epoch seconds, inclusive
    ends: float | None  # epoch seconds, exclusive
    note: str | None

    def to_dict(self) -> Row:
        return {
            "id": self.id, "action": self.action, "match": self.match, "query": self.query,
            "items": list(self.items), "filter": self.filter, "strength": self.strength or None,
            "starts": None if self.starts is None else to_iso(self.starts),
            "ends": None if self.ends is None else to_iso(self.ends),
            "note": self.note,
        }  # fmt: skip


class Rules:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def add(self, rows: Iterable[Row]) -> tuple[list[Rule], int]:
        """Add clean rows, all or none; the rules and how many of them are new: what is said already is said once."""
        with self._db.write() as connection:
            last = int(connection.execute("SELECT coalesce(max(id), 0) FROM rules").fetchone()[0])
            ids = dict.fromkeys(_add(connection, row) for row in rows)
            found = [_rule(connection.execute("SELECT * FROM rules WHERE id = ?", (id,)).fetchone()) for id in ids]
        return found, sum(rule.id > last for rule in found)

    def all(self) -> list[Rule]:
        """All rules in the order in which they were added."""
        return [_rule(row) for row in self._db.rows("SELECT * FROM rules ORDER BY id")]

    def remove(self, id: int) -> bool:
        """Whether there was such a rule."""
        with self._db.write() as connection:
            return bool(connection.execute("DELETE FROM rules WHERE id = ?", (id,)).rowcount)


def _add(connection: Any, row: Row) -> int:
    values = row | {"items": json.dumps(row["items"], ensure_ascii=False)}
    said = connection.execute(_SAME, values).fetchone()
    return int(said[0] if said else connection.execute(_INSERT, values).lastrowid)


def _rule(row: Any) -> Rule:
    return Rule(
        row["id"], row["action"], row["match"], row["query"], tuple(json.loads(row["items"])), row["filter"],
        row["strength"], row["starts"], row["ends"], row["note"],
    )  # fmt: skip


_SAME = f"SELECT id FROM rules WHERE {' AND '.join(f'{name} IS :{name}' for name in _COLUMNS)} LIMIT 1"
_INSERT = f"INSERT INTO rules ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"
