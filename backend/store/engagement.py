"""What became of the answers shown, from the log of answers and the events citing it: by day, and by kind of shelf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shelfwise.events import CHOICE_TYPES
from shelfwise.store.connection import Connections
from shelfwise.timestamps import DAY
from shelfwise.types import Row

__all__ = ["DailyEngagement", "Engagement", "KindEngagement"]

_DAYS = 29  # yesterday, and the four weeks before
_SLOW_CLOCK = 60.0  # seconds by which an event may seem to come before its answer: browsers' clocks differ


@dataclass(frozen=True, slots=True)
class DailyEngagement:
    """A UTC day: how many answers were shown, and how many of them were followed by a click, cart or purchase."""

    day: float  # epoch seconds of its midnight
    shown: int
    clicked: int


@dataclass(frozen=True, slots=True)
class KindEngagement:
    """What became of one kind of shelf, or of the searches.

    `shown`, `clicked` and `purchases` count items, each once an answer; a cart or a purchase is a click, too. `auc` is
    the mean, over the answers of which a part was clicked, of the share of (clicked, unclicked) pairs of items in which
    the clicked one stood above (0.5 is chance); None without such an answer. What stands above is looked at first, so
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
    items: int  # different ones
    popular: int  # of `shown`, how many are of the tenth of the catalogue that was chosen most in that time
    catalogue: int

    def to_dict(self) -> Row:
        """With `ctr` (clicked of the items shown), and of the answers `answer_ctr` and `conversion` (bought from).

        `coverage` is the share of the catalogue that was shown, `popularity` the share of `popular` in what was shown:
        how narrow, and how much of the best sold, the shop shows.
        """
        rates = {
            "ctr": _share(self.clicked, self.shown),
            "answer_ctr": _share(self.answers_clicked, self.answers),
            "conversion": _share(self.answers_bought, self.answers),
            "coverage": min(1.0, _share(self.items, self.catalogue)),  # what is deleted was shown, too
            "popularity": _share(self.popular, self.shown),
            "auc": None if self.auc is None else round(self.auc, 4),
        }
        return asdict(self) | rates


class Engagement:
    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def days(self, kind: str, until: float) -> list[DailyEngagement]:
        """The whole UTC days before `until`, oldest first, 29 of them; `kind` is "searches" or "recommendations".

        A day's answer counts as clicked when an event before `until` cites it.
        """
        end = until // DAY * DAY
        start = end - _DAYS * DAY
        rows = self._db.rows(_COUNT[kind], {"start": start, "end": end, "until": until})
        found = {row[0] * DAY: DailyEngagement(row[0] * DAY, row[1], row[2]) for row in rows}
        return [found.get(day, DailyEngagement(day, 0, 0)) for day in (start + number * DAY for number in range(_DAYS))]

    def shelves(self, since: float, until: float) -> list[KindEngagement]:
        """Every kind of shelf shown with since ≤ ts < until, and the searches as the kind "search"; most shown first.

        Only what an event says itself counts: one before `until` that cites the answer and an item shown in it. What
        was bought later without citing, on an unknown id or before the answer was shown, doesn't.
        """
        given: dict[str, object] = {"since": since, "until": until}
        followed: dict[str, list[Any]] = {}
        for answer in self._db.rows(_FOLLOWED, given):
            followed.setdefault(answer["kind"], []).append(answer)
        spread = {row["kind"]: row for row in self._db.rows(_SPREAD, given)}
        kinds = [
            _outcome(total, followed.get(total["kind"], []), spread.get(total["kind"]))
            for total in self._db.rows(_TOTALS, given)
        ]
        return sorted(kinds, key=lambda kind: (-kind.answers, kind.kind))


def _outcome(total: Any, clicked: Sequence[Any], spread: Any) -> KindEngagement:
    """From the totals of a kind, its clicked answers, (shown, clicked, places, bought) of each, and what it showed."""
    areas = [_above(*answer[1:4]) for answer in clicked if answer["clicked"] < answer["shown"]]
    return KindEngagement(
        kind=total["kind"],
        answers=total["answers"],
        shown=total["shown"],
        answers_clicked=len(clicked),
        clicked=sum(answer["clicked"] for answer in clicked),
        answers_bought=sum(answer["bought"] > 0 for answer in clicked),
        purchases=sum(answer["bought"] for answer in clicked),
        auc=sum(areas) / len(areas) if areas else None,
        items=spread["items"] if spread else 0,
        popular=spread["popular"] if spread else 0,
        catalogue=total["catalogue"],
    )


def _above(shown: int, clicked: int, places: int) -> float:
    """The share of (clicked, unclicked) pairs with the clicked item above; `places` is the sum of the clicked ones.

    The k-th clicked item at place p, both from 0, has p − k unclicked ones above it, as in the Mann-Whitney U.
    """
    inverted = places - clicked * (clicked - 1) / 2
    return 1 - inverted / (clicked * (shown - clicked))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


_CLICKED = repr(CHOICE_TYPES)  # as SQL writes a list of texts

# The events are read once, by their index on ts, rather than once an answer.
_COUNT = {
    kind: f"""SELECT CAST(ts / {DAY:.0f} AS INTEGER) AS day, count(*), sum({cited} IN (
            SELECT {cited} FROM events WHERE ts >= :start AND ts < :until AND {cited} IS NOT NULL
            AND type IN {_CLICKED}))
        FROM {kind} WHERE ts >= :start AND ts < :end GROUP BY day"""
    for kind, cited in (("searches", "search_id"), ("recommendations", "recommendation_id"))
}
_SHELVES = (
    ("recommendations", "recommendation_id", "recommendations.kind"),
    ("searches", "search_id", "'search'"),
)
_TOTALS = " UNION ALL ".join(
    f"""SELECT {kind} AS kind, count(*) AS answers, sum(json_array_length(shown)) AS shown,
            (SELECT count(*) FROM items WHERE deleted = 0) AS catalogue
        FROM {table} WHERE ts >= :since AND ts < :until GROUP BY 1"""
    for table, _, kind in _SHELVES
)
_SPREAD = f"""WITH best AS MATERIALIZED (
        SELECT item FROM events WHERE ts >= :since AND ts < :until AND type IN {_CLICKED}
        GROUP BY item ORDER BY count(*) DESC, item
        LIMIT (SELECT (count(*) + 9) / 10 FROM items WHERE deleted = 0))
    """ + " UNION ALL ".join(
    f"""SELECT {kind} AS kind, count(DISTINCT value) AS items, sum(value IN best) AS popular
        FROM {table}, json_each(shown) WHERE ts >= :since AND ts < :until GROUP BY 1"""
    for table, _, kind in _SHELVES
)
# CROSS JOIN keeps the order: from an event to the answer that it cites, by its key.
_FOLLOWED = f"""WITH citing AS MATERIALIZED (
        SELECT ts, item, type = 'purchase' AS bought, recommendation_id, search_id FROM events
        WHERE ts >= :since AND ts < :until AND type IN {_CLICKED}
        AND (recommendation_id IS NOT NULL OR search_id IS NOT NULL))
    """ + " UNION ALL ".join(
    f"""SELECT kind, shown, count(*) AS clicked, sum(place) AS places, sum(bought) AS bought FROM (
            SELECT {cited} AS answer, {kind} AS kind, json_array_length(shown) AS shown, max(bought) AS bought,
                (SELECT key FROM json_each(shown) WHERE value = citing.item) AS place
            FROM citing CROSS JOIN {table} USING ({cited})
            WHERE {table}.ts >= :since AND {table}.ts < :until AND citing.ts >= {table}.ts - {_SLOW_CLOCK}
            GROUP BY answer, place HAVING place IS NOT NULL)
        GROUP BY answer"""
    for table, cited, kind in _SHELVES
)
