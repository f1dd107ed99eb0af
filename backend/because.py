"""Why an item stands on a shelf: what each source adds to its score, and the most telling one in a sentence.

What a source adds is measured against the shelf's other candidates. A sentence that names another item cites it as
`because`: without what the shopper did with that one, the score would be lower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from shelfwise.recommending import Shelf
from shelfwise.records import Row
from shelfwise.shelves import Setting
from shelfwise.wishes import NAMES, SOURCES, Wishes, WishRanker

__all__ = ["Because", "by_source", "explain_shelf"]

Titles = Callable[[Sequence[str]], Mapping[str, str]]
_PLACES = {source: [n for n, name in enumerate(NAMES) if SOURCES[name] == source] for source in set(SOURCES.values())}
_COLUMN = {name: number for number, name in enumerate(NAMES)}
_TOLD = ("own", "links", "taste", "popularity", "trend", "age", "repeat")  # the others say nothing of the item alone
_LEAST = 5e-5  # rounded, what adds less adds nothing
_NEW_DAYS = 30
_GENERAL = {"popular": "popular lately", "new": "from the whole range", "trending": "more and more chosen"}


class Because(NamedTuple):
    """A sentence, in which {} stands for the title of the item that it cites by its row; 0: it cites none."""

    text: str
    row: int = 0


def explain_shelf(shelf: Shelf, ranker: WishRanker, titles: Titles) -> dict[str, Row]:
    """id → {"kind", "text", "because"?, "sources"?, "rules"?} for the hits of the shelf."""
    if shelf.setting is None:
        return {}
    columns = shelf.setting.columns
    added = {} if shelf.wishes is None else by_source(shelf.wishes, ranker)
    place = {} if shelf.wishes is None else {row: number for number, row in enumerate(shelf.wishes.rows.tolist())}
    found: dict[str, tuple[Because, Row]] = {}
    for id, kind in zip(shelf.ids, shelf.kinds, strict=True):
        row = columns.row_of[id]
        one = _Hit(shelf.setting, row, shelf.wishes, place.get(row))
        if kind == "for-you" and one.place is not None:
            own = {source: float(values[one.place]) for source, values in added.items()}
            best = [source for source in sorted(own, key=lambda source: -own[source]) if own[source] > _LEAST]
            sources = [{"source": source, "adds": round(own[source], 4)} for source in best]
            found[id] = one.told([source for source in best if source in _TOLD]), {"kind": kind, "sources": sources}
        else:
            found[id] = one.of_kind(kind), {"kind": kind}
    named = titles([columns.ids[because.row] or "" for because, _ in found.values() if because.row])
    return {
        id: _written(because, reasons, columns.ids[because.row], named) | _rules(shelf, id)
        for id, (because, reasons) in found.items()
    }


def by_source(wishes: Wishes, ranker: WishRanker) -> dict[str, np.ndarray]:
    """Source → what it adds to each candidate's score beyond the mean of all, (n_candidates,)."""
    if not len(wishes.rows):
        return {}
    contributions = ranker.contributions(wishes.features)
    whole = {source: contributions[:, columns].sum(axis=1) for source, columns in _PLACES.items()}
    return {source: values - values.mean() for source, values in whole.items()}


def _written(because: Because, reasons: Row, cited: str | None, named: Mapping[str, str]) -> Row:
    if not because.row or cited is None:
        return reasons | {"text": because.text}
    return reasons | {"text": because.text.format(f"“{named.get(cited, cited)}”"), "because": cited}


def _rules(shelf: Shelf, id: str) -> Row:
    return {"rules": shelf.touched[id]} if id in shelf.touched else {}


@dataclass(frozen=True, slots=True)
class _Hit:
    setting: Setting
    row: int
    wishes: Wishes | None
    place: int | None  # among the wishes

    def told(self, sources: Sequence[str]) -> Because:
        """The best source that can be told."""
        return next((because for source in sources if (because := self._of_source(source))), Because("for you"))

    def of_kind(self, kind: str) -> Because:
        """The reason of a hit on a shelf that has one source."""
        given = self.setting.given if len(self.setting.given) else self.setting.profile.rows[:5]
        match kind:
            case "similar":
                return self._alike(given) or self._linked(("viewed",), given) or Because("alike")
            case "together":
                return self._in_baskets(given) or Because("bought together")
            case "next":
                return self._linked(("together", "viewed", "linked"), given) or self._alike(given) or Because("next")
            case "again":
                return self._habit() or Because("you chose it before")
            case "new" if self._is_new():
                return Because("new here")
        return Because(_GENERAL.get(kind, kind))

    def _of_source(self, source: str) -> Because | None:
        profile = self.setting.profile
        match source:
            case "own":
                return self._habit()
            case "links":
                return self._linked(("following", "linked", "together", "viewed"), profile.rows)
            case "taste":
                return self._alike(profile.rows[:100])
            case "popularity":
                return Because("popular lately")
            case "trend":
                return Because("more and more chosen") if self._said("trend") > 0 else None
            case "age":
                return Because("new here") if self._is_new() else None
            case "repeat":
                return Because("often bought again") if self._said("own_times") else None
        return None

    def _habit(self) -> Because | None:
        profile = self.setting.profile
        mine = np.flatnonzero(profile.rows == self.row)
        if not len(mine):
            return None
        did, visits = ("bought", profile.purchases) if profile.bought[mine[0]] else ("looked at", profile)
        times, since = int(visits.times[mine[0]]), round(float(visits.since[mine[0]]))
        return Because(f"you {did} it {'once' if times == 1 else f'{times} times'}, {_ago(since)}")

    def _linked(self, matrices: Sequence[str], own: np.ndarray) -> Because | None:
        """The item of theirs that leads here most, by whichever of the matrices makes most of it."""
        others = own[own != self.row]
        weights = self._weights(others)
        shares: dict[int, float] = {}
        for name in matrices:
            led = self.setting.signals.between(name, self.row, others) * weights
            top = float(np.abs(led).max(initial=0.0))
            if top > 0:
                for row, value in zip(others.tolist(), (led / top).tolist(), strict=True):
                    shares[row] = shares.get(row, 0.0) + value
        best = max(shares, key=lambda row: shares[row], default=0)
        return Because("goes with {}", best) if best and shares[best] > 0 else None

    def _in_baskets(self, given: np.ndarray) -> Because | None:
        led = self.setting.signals.between("together", self.row, given)
        if not len(led) or led.max() <= 0:
            return None
        row = int(given[int(np.argmax(led))])
        times = self.setting.signals.supported("together", row, self.row)
        return Because(f"bought with {{}} {times} times" if times else "bought with {}", row)

    def _alike(self, own: np.ndarray) -> Because | None:
        known, vectors = self.setting.vectors(own[own != self.row])
        _, mine = self.setting.vectors(np.array([self.row]))
        if not len(known) or not len(mine):
            return None
        alike = vectors @ mine[0]
        return Because("like {}", int(known[int(np.argmax(alike))])) if alike.max() > 0 else None

    def _weights(self, rows: np.ndarray) -> np.ndarray:
        """What the shopper's own items count; 1 for others, as those of a cart."""
        profile = self.setting.profile
        weight_of = dict(zip(profile.rows.tolist(), profile.decayed(60).tolist(), strict=True))
        return np.array([weight_of.get(row, 1.0) for row in rows.tolist()])

    def _is_new(self) -> bool:
        return bool(self.setting.counts.age[self.row] < _NEW_DAYS)  # of unknown age it can't be said

    def _said(self, name: str) -> float:
        if self.wishes is None or self.place is None:
            return 0.0
        value: Any = self.wishes.features[self.place, _COLUMN[name]]
        return float(value)


def _ago(days: int) -> str:
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
