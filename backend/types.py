"""The nouns: an item, an event, a hit and the answers of `Shop`. Turning raw rows into valid ones is `cleaning`'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["EVENT_FIELDS", "EVENT_TYPES", "ITEM_FIELDS", "Answer", "Hit", "Recommendations", "Row", "SearchResult"]

Row = dict[str, Any]

ITEM_FIELDS = (
    "id", "title", "description", "brand", "category", "price", "currency",
    "in_stock", "url", "image", "tags", "created_at", "attributes",
)  # fmt: skip
EVENT_FIELDS = (
    "event_id", "ts", "type", "item", "user", "session", "search_id",
    "recommendation_id", "position", "query", "value", "quantity",
)  # fmt: skip
EVENT_TYPES = ("view", "click", "cart", "purchase", "dismiss")


@dataclass(frozen=True, slots=True)
class Hit:
    """One item of an answer: all its fields, and its score (higher is better, comparable within an answer).

    `reasons` says why it stands there, where that was asked for.
    """

    id: str
    score: float
    item: Mapping[str, Any]
    reasons: Mapping[str, Any] | None = None

    def to_dict(self) -> Row:
        reasons = {} if self.reasons is None else {"reasons": dict(self.reasons)}
        return {**self.item, "score": round(self.score, 6), **reasons}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search gave. `total` counts the whole result, `took_ms` is wall time in milliseconds.

    `corrected` is the query as it was read, `relaxed` what had to give way for anything to be found, else None.
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
        body = _body(self, {"search_id": self.search_id, "query": self.query}, {"total": self.total})
        done = {"corrected": self.corrected, "relaxed": self.relaxed, "facets": dict(self.facets)}
        return body | {name: value for name, value in done.items() if value}


Answer = SearchResult  # its name in 0.1; scripts outside rely on it


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What a recommendation gave. `kind` is the kind of shelf that the first hits are of: one of shelves.KINDS.

    `filled` are the kinds that filled the shelf up where that one found too little.
    """

    recommendation_id: str
    generation: int | None
    kind: str
    took_ms: float
    hits: list[Hit]
    degraded: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)

    def to_dict(self) -> Row:
        filled = {"filled": self.filled} if self.filled else {}
        return _body(self, {"recommendation_id": self.recommendation_id}, {"kind": self.kind} | filled)


def _body(answer: SearchResult | Recommendations, first: Row, second: Row) -> Row:
    body = first | {"generation": answer.generation} | second | {"took_ms": round(answer.took_ms, 3)}
    body["hits"] = [hit.to_dict() for hit in answer.hits]
    return body | {"degraded": answer.degraded} if answer.degraded else body
