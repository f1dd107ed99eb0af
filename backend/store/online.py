"""What became of the answers shown: how many a day led to a click, from the log of answers and the events citing it."""

from __future__ import annotations

from dataclasses import dataclass

from shelfwise.store.connection import Connections
from shelfwise.times import DAY

__all__ = ["Online", "ShownDay"]

_DAYS = 29  # yesterday, and the four weeks before


@dataclass(frozen=True, slots=True)
class ShownDay:
    """A UTC day: how many answers were shown, and how many of them were followed by a click, cart or purchase."""

    day: float  # epoch seconds of its midnight
    shown: int
    clicked: int


class Online:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def days(self, kind: str, until: float) -> list[ShownDay]:
        """The whole UTC days before `until`, oldest first, 29 of them; `kind` is "searches" or "recommendations".

        A day's answer counts as clicked when an event before `until` cites it.
        """
        end = until // DAY * DAY
        start = end - _DAYS * DAY
        rows = self._db.rows(_COUNT[kind], {"start": start, "end": end, "until": until})
        found = {row[0] * DAY: ShownDay(row[0] * DAY, row[1], row[2]) for row in rows}
        return [found.get(day, ShownDay(day, 0, 0)) for day in (start + number * DAY for number in range(_DAYS))]


# The events are read once, by their index on ts, rather than once an answer.
_COUNT = {
    kind: f"""SELECT CAST(ts / {DAY:.0f} AS INTEGER) AS day, count(*), sum({cited} IN (
            SELECT {cited} FROM events WHERE ts >= :start AND ts < :until AND {cited} IS NOT NULL
            AND type IN ('click', 'cart', 'purchase')))
        FROM {kind} WHERE ts >= :start AND ts < :end GROUP BY day"""
    for kind, cited in (("searches", "search_id"), ("recommendations", "recommendation_id"))
}
