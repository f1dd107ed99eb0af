"""Explain recommendations: what each source adds to a hit's score, and the strongest in a sentence.

What a source adds is measured against other candidates of the same request. A sentence that names another item cites
it as `because`; where trees rank, the score was found to be lower without what the shopper did with that item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from shelfwise.ranking.attribution import FeatureSources, source_rows, strongest_sources
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import SOURCES
from shelfwise.recommend.for_you import ScoredCandidates, for_you
from shelfwise.recommend.pipeline import RecommendOutcome
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.reasons import Reason, habit_reason, is_new, kind_reason, leading_items, nearest_items
from shelfwise.types import Row

__all__ = ["explain_recommendations", "source_contributions"]

Titles = Callable[[Sequence[str]], Mapping[str, str]]
_SOURCES = FeatureSources(SOURCES)
_LINKS = ("following", "linked", "together", "viewed")
_MAX_TRIED, _COMPARED = 3, 12  # items that may be cited for a hit; candidates that it is compared with
_NEWEST = 100  # items of the shopper that a hit may be like


def explain_recommendations(outcome: RecommendOutcome, ranker: ForYouRanker, titles: Titles) -> dict[str, Row]:
    """Return id → {"kind", "sources"?, "text", "because"?, "rules"?} for each hit.

    `titles` returns the titles of those of some ids that exist.
    """
    context = outcome.context
    if context is None:
        return {}
    rows = [context.columns.row_of[id] for id in outcome.ids]
    personal = _ForYouReasons(context, outcome.scored, ranker)
    sources = personal.sources([row for row, kind in zip(rows, outcome.kinds, strict=True) if kind == "for-you"])
    reasons = [
        personal.reason(row, sources[row]) if row in sources else kind_reason(context, row, kind)
        for row, kind in zip(rows, outcome.kinds, strict=True)
    ]
    title_of = titles([context.columns.ids[reason.row] or "" for reason in reasons if reason.row])
    explained: dict[str, Row] = {}
    for id, row, kind, reason in zip(outcome.ids, rows, outcome.kinds, reasons, strict=True):
        cited = context.columns.ids[reason.row] if reason.row else None
        explained[id] = {"kind": kind}
        if row in sources:
            explained[id]["sources"] = source_rows(sources[row])
        explained[id]["text"] = reason.text.format(f"“{title_of.get(cited, cited)}”") if cited else reason.text
        if cited:
            explained[id]["because"] = cited
        if id in outcome.applied_rules:
            explained[id]["rules"] = outcome.applied_rules[id]
    return explained


def source_contributions(
    scored: ScoredCandidates, ranker: ForYouRanker, positions: Sequence[int]
) -> dict[str, np.ndarray]:
    """Return what each source adds to the scores of the candidates at `positions` (n,) beyond that of others, (n,).

    The others are a dozen of all candidates: SHAP values take long.
    """
    if not len(positions):
        return {}
    others = np.unique(np.linspace(0, len(scored.rows) - 1, _COMPARED).astype(np.int64))
    sums = _SOURCES.sums(ranker.contributions(scored.features[[*positions, *others]]))
    return {source: values[: len(positions)] - values[len(positions) :].mean() for source, values in sums.items()}


class _ForYouReasons:
    """The reasons of the hits of `for-you`; `scored` are its candidates, None where another kind filled all."""

    def __init__(self, context: RecommendContext, scored: ScoredCandidates | None, ranker: ForYouRanker) -> None:
        self._context, self._scored, self._ranker = context, scored, ranker
        self._position = {} if scored is None else {row: number for number, row in enumerate(scored.rows.tolist())}
        self._ablation = ReasonAblation(context, scored, ranker)

    def sources(self, rows: Sequence[int]) -> dict[int, dict[str, float]]:
        """Return the strongest sources of those of `rows` that are candidates, with what they add, by row."""
        if self._scored is None:
            return {}
        rows = [row for row in rows if row in self._position]
        added = source_contributions(self._scored, self._ranker, [self._position[row] for row in rows])
        return {row: strongest_sources(added, number) for number, row in enumerate(rows)}

    def reason(self, row: int, sources: Iterable[str]) -> Reason:
        """Return the first of the sources that a sentence can tell of, else what the shopper did with the item."""
        told = (self._of_source(row, source) for source in sources)
        return next(filter(None, told), None) or habit_reason(self._context, row) or Reason("for you")

    def _of_source(self, row: int, source: str) -> Reason | None:
        context, own_rows = self._context, self._context.profile.rows
        match source:
            case "own":
                return habit_reason(context, row)
            case "links":
                cited = self._ablation.most_needed(row, leading_items(context, row, _LINKS, own_rows))
                return Reason("goes with {}", cited) if cited else None
            case "taste":
                cited = self._ablation.most_needed(row, nearest_items(context, row, own_rows[:_NEWEST]))
                return Reason("like {}", cited) if cited else None
            case "popularity":
                return Reason("popular lately")
            case "trend" if self._feature(row, "trend") > 0:
                return Reason("more and more chosen")
            case "age" if is_new(context, row):
                return Reason("new here")
            case "repeat" if self._feature(row, "own_times"):
                return Reason("often bought again")
        return None

    def _feature(self, row: int, name: str) -> float:
        assert self._scored is not None  # a row with sources is one of the candidates
        return float(self._scored.features[self._position[row], _SOURCES.column[name]])


class ReasonAblation:
    """Leave-one-out: how much lower a hit of `for-you` would score without one of the shopper's items."""

    def __init__(self, context: RecommendContext, scored: ScoredCandidates | None, ranker: ForYouRanker) -> None:
        self._context, self._ranker = context, ranker
        self._scores = {} if scored is None else self._by_row(scored)
        self._scores_without: dict[int, dict[int, float]] = {}

    def most_needed(self, row: int, own_rows: Sequence[int]) -> int:
        """Return the one of the shopper's items without which `row` would lose most; 0 where it would lose nothing.

        `own_rows` are the likely ones, the likeliest first, which is taken as it is for the blend: that goes by shares
        of the best candidate, whatever leads to it.
        """
        if self._ranker.kind != "trees":
            return next(iter(own_rows), 0)
        losses = {own_row: self._loss(row, own_row) for own_row in own_rows[:_MAX_TRIED]}
        needed = max(losses, key=lambda own_row: losses[own_row], default=0)
        return needed if needed and losses[needed] > 0 else 0

    def _loss(self, row: int, own_row: int) -> float:
        """Return how much the score of `row` falls; infinity where it is no candidate any more."""
        if own_row not in self._scores_without:
            context = replace(self._context, profile=self._context.profile.without(own_row))
            self._scores_without[own_row] = self._by_row(for_you(context, self._ranker))
        return self._scores[row] - self._scores_without[own_row].get(row, float("-inf"))

    def _by_row(self, scored: ScoredCandidates) -> dict[int, float]:
        return dict(zip(scored.rows.tolist(), self._ranker.scores(scored.features).tolist(), strict=True))
