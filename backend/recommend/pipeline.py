"""Recommend: eligible rows, the kind's candidates, their order, fallbacks to fill up, rules, exploration.

A kind that finds too little is followed by the next of `strategies.FALLBACKS`, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.curation import merchandising
from shelfwise.curation.rule_index import PreparedRule
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.ranking.arrays import top_k
from shelfwise.ranking.diversity import diversify
from shelfwise.ranking.exploration import ExplorationPolicy, apply_exploration
from shelfwise.recommend.context import RecommendContext, Scored
from shelfwise.recommend.for_you import ScoredCandidates, for_you
from shelfwise.recommend.generation_view import RecommendGeneration
from shelfwise.recommend.impression_discount import impression_discount
from shelfwise.recommend.request import RecommendRequest
from shelfwise.recommend.strategies import STRATEGIES, kind_with_fallbacks, one_time_purchases
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.types import Row

__all__ = ["RecommendOutcome", "RecommendPipeline"]

_MAX_RANKED = 300  # rows of a kind; an answer has at most a hundred
_PAGE_SIZE, _MAX_BEHIND = 10, 40  # positions of which one may be given to exploration; candidates for it
# What else than variants makes way, by kind, and how much more. On Online Retail, of the five that are shown with the
# 200 most bought items, 58 % are of their category instead of 70 %, and as many are bought with them as before.
_DIVERSE_BY = {"similar": ("brand", 1.0), "together": ("category", 4 / 3)}
_RULE_ACTIONS = ("hide", "boost", "bury")  # a pin belongs to a query


@dataclass(frozen=True, slots=True)
class RecommendOutcome:
    """The recommended items, best first, and what explains them."""

    kind: str  # the first that found any
    ids: list[str]
    scores: np.ndarray  # (n,) float64
    filled: list[str] = field(default_factory=list)  # the kinds that filled up after it
    kinds: list[str] = field(default_factory=list)  # which kind found each item
    applied_rules: dict[str, list[Row]] = field(default_factory=dict)  # id → the shop's rules that moved it
    context: RecommendContext | None = None
    scored: ScoredCandidates | None = None  # the candidates of `for-you`


class _Block(NamedTuple):
    """The rows that one kind found, best first, and their scores."""

    kind: str
    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64


class RecommendPipeline:
    """Runs the recommendations of one process. Safe for several threads; `now` returns epoch seconds."""

    def __init__(
        self, catalogue: CatalogueCache, curation: CurationCache, counts: CurrentCounts, now: Callable[[], float]
    ) -> None:
        self._catalogue, self._curation, self._counts, self._now = catalogue, curation, counts, now

    def run(self, request: RecommendRequest, generation: RecommendGeneration) -> RecommendOutcome:
        """Return the items for the request, from what the generation knows."""
        now = self._now()
        rules = [rule for rule in self._curation.current().rules.applying([], now) if rule.action in _RULE_ACTIONS]
        context = self._context(request, generation, rules, now)
        personal: ScoredCandidates | None = None
        blocks: list[_Block] = []
        left = context.eligible.copy()
        missing = request.limit
        for kind in kind_with_fallbacks(request.kind, fill=request.fill):
            if kind == "for-you":
                personal = for_you(context, generation.for_you_ranker)
                scored: Scored = personal.rows, personal.scores
            else:
                scored = STRATEGIES[kind](context)
            block = _diversified(_Block(kind, *_best(scored, left)), context, request.diversity)
            if len(block.rows):
                blocks.append(block)
                left[block.rows] = False
                missing -= int((~context.just_taken[block.rows]).sum())
            if missing <= 0:
                break
        return replace(_assemble(request, blocks, rules, context), scored=personal)

    def _context(
        self, request: RecommendRequest, generation: RecommendGeneration, rules: Sequence[PreparedRule], now: float
    ) -> RecommendContext:
        columns = self._catalogue.current()
        profile = UserProfile.from_events(request.events, columns, now)
        seeds = columns.rows(request.items)
        eligible = evaluate(request.filter, columns) & columns.in_stock
        eligible[merchandising.hidden(rules, columns) > 0] = False
        eligible[seeds] = eligible[profile.dismissed] = eligible[columns.rows(request.exclude)] = False
        if not request.repeats:
            eligible[profile.rows[profile.bought]] = False
        context = RecommendContext(
            seeds=seeds[seeds > 0],
            profile=profile,
            columns=columns,
            counts=self._counts.by_row(generation, columns, now),
            signals=generation.signals(columns),
            eligible=eligible,
            index=generation.index,
            passed_over=impression_discount(request.impressions, request.events, columns, now),
        )
        eligible[one_time_purchases(context)] = False
        return context


def _assemble(
    request: RecommendRequest, blocks: list[_Block], rules: list[PreparedRule], context: RecommendContext
) -> RecommendOutcome:
    """Put the blocks one after the other, just taken items last; then apply the rules and explore."""
    columns = context.columns
    rows, scores = _stacked(blocks)
    order = np.argsort(context.just_taken[rows], kind="stable")
    rows, scores = rows[order], np.minimum.accumulate(scores[order])
    kind_of = {int(row): block.kind for block in blocks for row in block.rows}
    moved = merchandising.apply(rules, rows, scores, eligible=context.eligible, columns=columns)
    rows = moved.rows
    if request.exploration.share > 0:
        rows = _with_exploration(rows, context, request.exploration)
    rows = rows[: min(request.limit, len(moved.scores))]
    kinds = [kind_of.get(row, "new") for row in rows.tolist()]  # an explored row may be of no block
    return RecommendOutcome(
        kind=blocks[0].kind if blocks else request.kind,
        ids=[columns.ids[row] or "" for row in rows.tolist()],
        scores=moved.scores[: len(rows)],
        filled=[block.kind for block in blocks[1:] if block.kind in kinds],
        kinds=kinds,
        applied_rules={columns.ids[row] or "": applied for row, applied in moved.applied.items()},
        context=context,
    )


def _with_exploration(rows: np.ndarray, context: RecommendContext, policy: ExplorationPolicy) -> np.ndarray:
    """Return the rows, best first; in the policy's share of cases one of the first ten is one that was never chosen.

    It stood further down; where the request names no item, it may be one of the newest instead.
    """
    unchosen = context.eligible & (context.counts.popularity <= 0)
    unchosen[rows[:_PAGE_SIZE]] = False
    behind = rows[_PAGE_SIZE:][unchosen[rows[_PAGE_SIZE:]]]
    if not len(behind) and not len(context.seeds):
        behind = _best(STRATEGIES["new"](context), unchosen)[0]
    with_behind = np.concatenate([rows[:_PAGE_SIZE], behind[:_MAX_BEHIND]])
    page = apply_exploration(with_behind, len(with_behind), context.counts.popularity, policy)[:_PAGE_SIZE]
    return np.concatenate([page, rows[~np.isin(rows, page)]])


def _best(scored: Scored, eligible: np.ndarray) -> Scored:
    """Return the best 300 eligible rows, best first; equal scores by row."""
    rows, scores = scored
    kept = eligible[rows]
    rows, scores = rows[kept], scores[kept]
    top = top_k(scores, _MAX_RANKED)
    rows, scores = rows[top], scores[top]
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]


def _diversified(block: _Block, context: RecommendContext, diversity: float) -> _Block:
    """Return the block in the order in which variants make way, those of the request's items too.

    For `similar` others of one brand make way too, for `together` others of one category.
    """
    kind, rows, scores = block
    columns = context.columns
    groups = [(columns.family, diversity)]
    if kind in _DIVERSE_BY:
        name, factor = _DIVERSE_BY[kind]
        codes = getattr(columns, name)
        codes = np.where(codes > 0, codes, -np.arange(columns.size))  # a row without one is a family of its own
        groups.append((codes, min(1.0, factor * diversity)))
    for families, strength in groups:
        order, scores = diversify(scores, families[rows], strength, placed=families[context.seeds])
        rows = rows[order]
    return _Block(kind, rows, scores)


def _stacked(blocks: Iterable[_Block]) -> Scored:
    """Return the blocks' rows one after the other, each block's scores moved below those of the one before."""
    rows, scores = np.zeros(0, np.int64), np.zeros(0)
    for block in blocks:
        lowered = block.scores
        if len(scores):
            lowered = np.minimum(lowered + min(0.0, float(scores[-1] - lowered[0])), scores[-1])  # may be rounded up
        rows, scores = np.concatenate([rows, block.rows]), np.concatenate([scores, lowered])
    return rows, scores
