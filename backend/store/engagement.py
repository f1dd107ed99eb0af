"""Clicks and purchases of the answers shown, from the log of answers and the events citing it: by day, and by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shelfwise.events import CHOICE_TYPES
from shelfwise.store.connection import Repository
from shelfwise.timestamps import DAY
from shelfwise.types import Row

__all__ = ["DailyEngagement", "Engagement", "KindEngagement"]

_WINDOW_DAYS = 29  # yesterday, and the four weeks before
_MAX_CLOCK_SKEW_SECONDS = 60.0  # by which an event may seem to come before its answer: browsers' clocks differ


@dataclass(frozen=True, slots=True)
class DailyEngagement:
    """A UTC day: how many answers were shown, and how many of them were followed by a click, cart or purchase."""

    day: float  # epoch seconds of its midnight
    shown: int
    clicked: int


@dataclass(frozen=True, slots=True)
class KindEngagement:
    """Counts over the answers of one kind of shelf, or of the searches.

    `shown`, `clicked` and `purchases` count items, each once an answer; a cart or a purchase is a click, too. `auc` is
    the mean, over the answers with clicked and unclicked items, of the share of (clicked, unclicked) pairs of items in
    which the clicked one stood above (0.5 is chance); None without such an answer. Shoppers look at the top first, so
    it flatters any order: compare kinds and weeks, not with an offline figure.
    """

    kind: str
    answers: int
    shown: int
    answers_clicked: int
    clicked: int
    answers_bought: int
    purchases: int
    auc: float | None
    items: int  # distinct items shown
    popular: int  # of `shown`, how many are of the tenth of the catalogue that was chosen most in that time
    catalogue: int  # live items

    def to_dict(self) -> Row:
        """Return the counts with the rates made of them.

        `ctr` is the share of the shown items that were clicked, `answer_ctr` and `conversion` are the shares of the
        answers that were clicked and bought from, `coverage` is the share of the catalogue that was shown, `popularity`
        the share of `popular` in `shown`.
        """
        rates = {
            "ctr": _share(self.clicked, self.shown),
            "answer_ctr": _share(self.answers_clicked, self.answers),
            "conversion": _share(self.answers_bought, self.answers),
            "coverage": min(1.0, _share(self.items, self.catalogue)),  # deleted items were shown, too
            "popularity": _share(self.popular, self.shown),
            "auc": None if self.auc is None else round(self.auc, 4),
        }
        return asdict(self) | rates


class Engagement(Repository):
    """Reads of the answers together with the events that cite them."""

    def days(self, kind: str, until: float) -> list[DailyEngagement]:
        """Return the 29 whole UTC days before `until`, oldest first; `kind` is "searches" or "recommendations".

        A day's answer counts as clicked when an event before `until` cites it.
        """
        end = until // DAY * DAY
        start = end - _WINDOW_DAYS * DAY
        rows = self._db.rows(_DAILY_COUNTS[kind], {"start": start, "end": end, "until": until})
        counts = {row[0] * DAY: (row[1], row[2]) for row in rows}
        days = [start + number * DAY for number in range(_WINDOW_DAYS)]
        return [DailyEngagement(day, *counts.get(day, (0, 0))) for day in days]

    def shelves(self, since: float, until: float) -> list[KindEngagement]:
        """Return every kind of shelf shown with since ≤ ts < until, and the searches as "search"; most shown first.

        Only an event before `until` that cites the answer and an item shown in it counts; a purchase later without
        citing, on an unknown id or before the answer was shown, doesn't.
        """
        window: dict[str, object] = {"since": since, "until": until}
        clicked_answers: dict[str, list[Any]] = {}
        for answer in self._db.rows(_CLICKED_ANSWERS, window):
            clicked_answers.setdefault(answer["kind"], []).append(answer)
        coverage = {row["kind"]: row for row in self._db.rows(_COVERAGE, window)}
        kinds = [
            _kind_engagement(totals, clicked_answers.get(totals["kind"], []), coverage.get(totals["kind"]))
            for totals in self._db.rows(_TOTALS, window)
        ]
        return sorted(kinds, key=lambda kind: (-kind.answers, kind.kind))


def _kind_engagement(totals: Any, clicked_answers: Sequence[Any], coverage: Any) -> KindEngagement:
    """Return the figures of a kind from its rows of _TOTALS, _CLICKED_ANSWERS and _COVERAGE (None: nothing shown)."""
    aucs = [
        _auc(answer["shown"], answer["clicked"], answer["positions"])
        for answer in clicked_answers
        if answer["clicked"] < answer["shown"]
    ]
    return KindEngagement(
        **dict(totals),
        answers_clicked=len(clicked_answers),
        clicked=sum(answer["clicked"] for answer in clicked_answers),
        answers_bought=sum(answer["bought"] > 0 for answer in clicked_answers),
        purchases=sum(answer["bought"] for answer in clicked_answers),
        auc=sum(aucs) / len(aucs) if aucs else None,
        items=coverage["items"] if coverage else 0,
        popular=coverage["popular"] if coverage else 0,
    )


def _auc(shown: int, clicked: int, positions: int) -> float:
    """Return the share of (clicked, unclicked) pairs with the clicked item above (Mann-Whitney U).

    `positions` is the sum over the clicked items: the k-th of them at position p, both from 0, has p − k unclicked
    items above it.
    """
    inverted = positions - clicked * (clicked - 1) / 2
    return 1 - inverted / (clicked * (shown - clicked))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


_SQL_CHOICE_TYPES = repr(CHOICE_TYPES)  # as SQL writes a list of strings

# The events are read once, by their index on ts, rather than once an answer.
_DAILY_COUNTS = {
    kind: f"""SELECT CAST(ts / {DAY:.0f} AS INTEGER) AS day, count(*), sum({cited} IN (
            SELECT {cited} FROM events WHERE ts >= :start AND ts < :until AND {cited} IS NOT NULL
            AND type IN {_SQL_CHOICE_TYPES}))
        FROM {kind} WHERE ts >= :start AND ts < :end GROUP BY day"""
    for kind, cited in (("searches", "search_id"), ("recommendations", "recommendation_id"))
}
_ANSWER_LOGS = (
    ("recommendations", "recommendation_id", "recommendations.kind"),
    ("searches", "search_id", "'search'"),
)
_TOTALS = " UNION ALL ".join(
    f"""SELECT {kind} AS kind, count(*) AS answers, sum(json_array_length(shown)) AS shown,
            (SELECT count(*) FROM items WHERE deleted = 0) AS catalogue
        FROM {table} WHERE ts >= :since AND ts < :until GROUP BY 1"""
    for table, _, kind in _ANSWER_LOGS
)
_COVERAGE = f"""WITH best AS MATERIALIZED (
        SELECT item FROM events WHERE ts >= :since AND ts < :until AND type IN {_SQL_CHOICE_TYPES}
        GROUP BY item ORDER BY count(*) DESC, item
        LIMIT (SELECT (count(*) + 9) / 10 FROM items WHERE deleted = 0))
    """ + " UNION ALL ".join(
    f"""SELECT {kind} AS kind, count(DISTINCT value) AS items, sum(value IN best) AS popular
        FROM {table}, json_each(shown) WHERE ts >= :since AND ts < :until GROUP BY 1"""
    for table, _, kind in _ANSWER_LOGS
)
# CROSS JOIN keeps the order: from an event to the answer that it cites, by its key.
_CLICKED_ANSWERS = f"""WITH citing AS MATERIALIZED (
        SELECT ts, item, type = 'purchase' AS bought, recommendation_id, search_id FROM events
        WHERE ts >= :since AND ts < :until AND type IN {_SQL_CHOICE_TYPES}
        AND (recommendation_id IS NOT NULL OR search_id IS NOT NULL))
    """ + " UNION ALL ".join(
    f"""SELECT kind, shown, count(*) AS clicked, sum(position) AS positions, sum(bought) AS bought FROM (
            SELECT {cited} AS answer, {kind} AS kind, json_array_length(shown) AS shown, max(bought) AS bought,
                (SELECT key FROM json_each(shown) WHERE value = citing.item) AS position
            FROM citing CROSS JOIN {table} USING ({cited})
            WHERE {table}.ts >= :since AND {table}.ts < :until AND citing.ts >= {table}.ts - {_MAX_CLOCK_SKEW_SECONDS}
            GROUP BY answer, position HAVING position IS NOT NULL)
        GROUP BY answer"""
    for table, cited, kind in _ANSWER_LOGS
)
