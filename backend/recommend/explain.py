"""Why an item stands on a shelf: what each source adds to its score, and the most telling one in a sentence.

What a source adds is measured against the shelf's other candidates. A sentence that names another item cites it as
`because`; where trees rank, the score was found to be lower without what the shopper did with that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from shelfwise.ranking.attribution import FeatureSources, source_rows, strongest_sources, times_in_words
from shelfwise.recommend.context import IN_CART, RecommendContext
from shelfwise.recommend.features import SOURCES
from shelfwise.recommend.for_you import ScoredCandidates, for_you
from shelfwise.recommend.pipeline import RecommendOutcome
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.types import Row

__all__ = ["Reason", "explain_recommendations", "source_contributions"]

Titles = Callable[[Sequence[str]], Mapping[str, str]]
_SOURCES = FeatureSources(SOURCES)
_TOLD = ("own", "links", "taste", "popularity", "trend", "age", "repeat")  # the others say nothing of the item alone
_NEW_DAYS = 30
_LEADING = ("following", "linked", "together", "viewed")
_TRIED, _COMPARED = 3, 12  # items of theirs that may be cited; candidates that a hit is compared with
_GENERAL = {"popular": "popular lately", "new": "from the whole range", "trending": "more and more chosen"}


class Reason(NamedTuple):
    """A sentence, in which {} stands for the title of the item that it cites by its row; 0: it cites none."""

    text: str
    row: int = 0


def explain_recommendations(shelf: RecommendOutcome, ranker: ForYouRanker, titles: Titles) -> dict[str, Row]:
    """id → {"kind", "text", "because"?, "sources"?, "rules"?} for the hits of the shelf."""
    if shelf.context is None:
        return {}
    columns = shelf.context.columns
    rows = [columns.row_of[id] for id in shelf.ids]
    position = {} if shelf.scored is None else {row: number for number, row in enumerate(shelf.scored.rows.tolist())}
    wished = [row for row, kind in zip(rows, shelf.kinds, strict=True) if kind == "for-you" and row in position]
    added = (
        {} if shelf.scored is None else source_contributions(shelf.scored, ranker, [position[row] for row in wished])
    )
    lost = ReasonAblation(shelf.context, shelf.scored, ranker)
    found: dict[str, tuple[Reason, Row]] = {}
    for id, row, kind in zip(shelf.ids, rows, shelf.kinds, strict=True):
        one = _Hit(shelf.context, row, shelf.scored, position.get(row), lost)
        if row in wished and kind == "for-you":
            sources = strongest_sources(added, wished.index(row))
            told = one.told([source for source in sources if source in _TOLD])
            found[id] = told, {"kind": kind, "sources": source_rows(sources)}
        else:
            found[id] = one.of_kind(kind), {"kind": kind}
    named = titles([columns.ids[because.row] or "" for because, _ in found.values() if because.row])
    return {
        id: _written(because, reasons, columns.ids[because.row], named) | _rules(shelf, id)
        for id, (because, reasons) in found.items()
    }


def source_contributions(
    scored: ScoredCandidates, ranker: ForYouRanker, places: Sequence[int]
) -> dict[str, np.ndarray]:
    """Source → what it adds to the scores of the candidates at `places` (n,) beyond those of others, (n,).

    The others are a dozen of all candidates: what adds to a score is dear to tell.
    """
    if not len(places):
        return {}
    others = np.unique(np.linspace(0, len(scored.rows) - 1, _COMPARED).astype(np.int64))
    sums = _SOURCES.sums(ranker.contributions(scored.features[[*places, *others]]))
    return {source: values[: len(places)] - values[len(places) :].mean() for source, values in sums.items()}


def _written(because: Reason, reasons: Row, cited: str | None, named: Mapping[str, str]) -> Row:
    if not because.row or cited is None:
        return reasons | {"text": because.text}
    return reasons | {"text": because.text.format(f"“{named.get(cited, cited)}”"), "because": cited}


def _rules(shelf: RecommendOutcome, id: str) -> Row:
    return {"rules": shelf.applied_rules[id]} if id in shelf.applied_rules else {}


class ReasonAblation:
    """What the hits of a shelf `for-you` would lose, had the shopper never turned to one of their items."""

    def __init__(self, context: RecommendContext, scored: ScoredCandidates | None, ranker: ForYouRanker) -> None:
        self._context, self._ranker = context, ranker
        self.is_told = ranker.kind == "trees"  # the blend goes by shares of the best, whatever leads to it
        self._scores = {} if scored is None else _scores(scored, ranker)
        self._without: dict[int, dict[int, float]] = {}

    def by(self, own: int, row: int) -> float:
        """How much lower the score of `row` would be without `own`; an item that is no candidate then loses most."""
        if own not in self._without:
            context = replace(self._context, profile=self._context.profile.without(own))
            self._without[own] = _scores(for_you(context, self._ranker), self._ranker)
        left = self._without[own]
        return self._scores[row] - left[row] if row in left else float("inf")


def _scores(scored: ScoredCandidates, ranker: ForYouRanker) -> dict[int, float]:
    """Row → score as the ranker gives it."""
    return dict(zip(scored.rows.tolist(), ranker.scores(scored.features).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class _Hit:
    context: RecommendContext
    row: int
    scored: ScoredCandidates | None
    position: int | None  # among the wishes
    ablation: ReasonAblation

    def told(self, sources: Sequence[str]) -> Reason:
        """The best source that can be told; where none adds more than to the others, what they did with it."""
        plain = self._habit() or Reason("for you")
        return next((because for source in sources if (because := self._of_source(source))), plain)

    def of_kind(self, kind: str) -> Reason:
        """The reason of a hit on a shelf that has one source."""
        given = self.context.steps[0]
        match kind:
            case "similar":
                return self._alike(given) or self._linked(("viewed",), given) or Reason("alike")
            case "together":
                return self._in_baskets(given) or Reason("bought together")
            case "next":
                return self._linked(("together", "viewed", "linked"), given) or self._alike(given) or Reason("next")
            case "again":
                return self._habit() or Reason("you chose it before")
            case "new" if self._is_new():
                return Reason("new here")
        return Reason(_GENERAL.get(kind, kind))

    def _of_source(self, source: str) -> Reason | None:
        profile = self.context.profile
        match source:
            case "own":
                return self._habit()
            case "links":
                return self._costing("goes with {}", self._leading(_LEADING, profile.rows))
            case "taste":
                return self._costing("like {}", self._nearest(profile.rows[:100]))
            case "popularity":
                return Reason("popular lately")
            case "trend":
                return Reason("more and more chosen") if self._said("trend") > 0 else None
            case "age":
                return Reason("new here") if self._is_new() else None
            case "repeat":
                return Reason("often bought again") if self._said("own_times") else None
        return None

    def _habit(self) -> Reason | None:
        profile = self.context.profile
        mine = np.flatnonzero(profile.rows == self.row)
        if not len(mine):
            return None
        did, visits = "looked at", profile
        if profile.bought[mine[0]]:
            did, visits = "bought", profile.purchases
        elif (taken := (profile.item == mine[0]) & (profile.weight >= IN_CART)).any():
            return Reason(f"you put it into the cart {_ago(round(float(profile.best_event_age[taken].min())))}")
        times, since = int(visits.visit_counts[mine[0]]), round(float(visits.days_since[mine[0]]))
        return Reason(f"you {did} it {times_in_words(times)}, {_ago(since)}")

    def _costing(self, text: str, likely: Sequence[int]) -> Reason | None:
        """The one of the likely items without which this hit would lose most; None where it would lose nothing."""
        if not self.ablation.is_told:
            return Reason(text, likely[0]) if likely else None
        costs = {own: self.ablation.by(own, self.row) for own in likely[:_TRIED]}
        best = max(costs, key=lambda own: costs[own], default=0)
        return Reason(text, best) if best and costs[best] > 0 else None

    def _linked(self, matrices: Sequence[str], own_rows: np.ndarray) -> Reason | None:
        likely = self._leading(matrices, own_rows)
        return Reason("goes with {}", likely[0]) if likely else None

    def _leading(self, matrices: Sequence[str], own_rows: np.ndarray) -> list[int]:
        """Those of their items that lead here, the strongest by all of the matrices first."""
        others = own_rows[own_rows != self.row]
        weights = self._weights(others)
        shares: dict[int, float] = {}
        for name in matrices:
            led = self.context.signals.weights_to(name, self.row, others) * weights
            top = float(np.abs(led).max(initial=0.0))
            if top > 0:
                for row, value in zip(others.tolist(), (led / top).tolist(), strict=True):
                    shares[row] = shares.get(row, 0.0) + value
        return [row for row in sorted(shares, key=lambda row: -shares[row]) if shares[row] > 0]

    def _in_baskets(self, given: np.ndarray) -> Reason | None:
        led = self.context.signals.weights_to("together", self.row, given)
        if not len(led) or led.max() <= 0:
            return None
        row = int(given[int(np.argmax(led))])
        shoppers = self.context.signals.support("together", row, self.row)
        return Reason(f"goes with {{}}: {shoppers} shoppers chose both" if shoppers else "goes with {}", row)

    def _alike(self, own_rows: np.ndarray) -> Reason | None:
        likely = self._nearest(own_rows)
        return Reason("like {}", likely[0]) if likely else None

    def _nearest(self, own_rows: np.ndarray) -> list[int]:
        """Those of their items that are like this one, the most alike first."""
        others = own_rows[own_rows != self.row]
        known, vectors = self.context.vectors(others)
        _, mine = self.context.vectors(np.array([self.row]))
        if not len(known) or not len(mine):
            return []
        cosines = vectors @ mine[0]
        order = np.argsort(-cosines, kind="stable")
        return [int(row) for row in others[known[order[cosines[order] > 0]]].tolist()]

    def _weights(self, rows: np.ndarray) -> np.ndarray:
        """What the shopper's own items count; 1 for others, as those of a cart."""
        profile = self.context.profile
        weight_of = dict(zip(profile.rows.tolist(), profile.decayed(60).tolist(), strict=True))
        return np.array([weight_of.get(row, 1.0) for row in rows.tolist()])

    def _is_new(self) -> bool:
        return bool(self.context.counts.age[self.row] < _NEW_DAYS)  # of unknown age it can't be said

    def _said(self, name: str) -> float:
        if self.scored is None or self.position is None:
            return 0.0
        value: Any = self.scored.features[self.position, _SOURCES.column[name]]
        return float(value)


def _ago(days: int) -> str:
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
