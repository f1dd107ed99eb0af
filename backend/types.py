"""The fields of an item and an event, a hit, and the answers of `Shop`. `validation` turns raw rows into valid ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["EVENT_FIELDS", "ITEM_FIELDS", "Answer", "Hit", "Recommendations", "Row", "SearchResult"]

Row = dict[str, Any]

ITEM_FIELDS = (
    "id", "title", "description", "brand", "category", "price", "currency",
    "in_stock", "url", "image", "tags", "created_at", "attributes",
)  # fmt: skip
EVENT_FIELDS = (
    "event_id", "ts", "type", "item", "user", "session", "search_id",
    "recommendation_id", "position", "query", "value", "quantity",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """One item of an answer: all its fields, and its score (higher is better, comparable within an answer).

    `reasons` explains its position, with `explain`.
    """

    id: str
    score: float
    item: Mapping[str, Any]
    reasons: Mapping[str, Any] | None = None

    def to_dict(self) -> Row:
        """Return the hit as JSON holds it: the fields of the item, the score in 6 digits, the reasons."""
        reasons = {} if self.reasons is None else {"reasons": dict(self.reasons)}
        return {**self.item, "score": round(self.score, 6), **reasons}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to a search. `total` counts the whole result, `took_ms` is wall time in milliseconds.

    `corrected` is the query that was searched for in place of `query`, else None. `relaxed` is "any word" where no item
    has all words, else None.
    """

    search_id: str
    query: str
    generation: int | None
    total: int
    took_ms: float
    hits: list[Hit]
    degraded: list[str] = field(default_factory=list)
    corrected: str | None = None
    relaxed: str | None = None
    facets: Mapping[str, list[Row]] = field(default_factory=dict)

    def to_dict(self) -> Row:
        """Return the HTTP body of the answer."""
        body = _body(self, {"search_id": self.search_id, "query": self.query}, {"total": self.total})
        optional = {"corrected": self.corrected, "relaxed": self.relaxed, "facets": dict(self.facets)}
        return body | {name: value for name, value in optional.items() if value}


Answer = SearchResult  # its name in 0.1; scripts outside rely on it


@dataclass(frozen=True, slots=True)
class Recommendations:
    """The answer to a recommendation. `kind` is the kind of shelf that the first hits are of.

    `filled` are the kinds that filled the shelf up where that one had fewer than `limit` items.
    """

    recommendation_id: str
    generation: int | None
    kind: str
    took_ms: float
    hits: list[Hit]
    degraded: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)

    def to_dict(self) -> Row:
        """Return the HTTP body of the answer."""
        filled = {"filled": self.filled} if self.filled else {}
        return _body(self, {"recommendation_id": self.recommendation_id}, {"kind": self.kind} | filled)


def _body(answer: SearchResult | Recommendations, first: Row, second: Row) -> Row:
    """Return the body of either answer: `first`, the generation, `second`, the time taken and the hits."""
    body = first | {"generation": answer.generation} | second | {"took_ms": round(answer.took_ms, 3)}
    body["hits"] = [hit.to_dict() for hit in answer.hits]
    return body | {"degraded": answer.degraded} if answer.degraded else body
