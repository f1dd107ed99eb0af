"""One shelf for a shopper, step by step: who asks, what is eligible, candidates, order, a full shelf, rules, variants.

Here the parts of a recommendation meet; none of them knows the others. A kind that finds too little is followed by the
next in `shelves.FALLBACKS`, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import Filter, evaluate
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.curation import merchandising
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.ranking.arrays import top_k
from shelfwise.ranking.diversity import diversify
from shelfwise.ranking.exploration import NO_EXPLORATION, ExplorationPolicy, apply_exploration
from shelfwise.recommend.context import RecommendContext, Scored
from shelfwise.recommend.for_you import ScoredCandidates, for_you
from shelfwise.recommend.generation_view import RecommendGeneration
from shelfwise.recommend.impression_discount import impression_discount
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.strategies import STRATEGIES, kind_with_fallbacks, one_time_purchases
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event, Rule, ShownRecommendation
from shelfwise.types import Row

__all__ = ["DIVERSITY", "RecommendOutcome", "RecommendPipeline", "RecommendRequest"]

DIVERSITY = 0.3
_BLEND = ForYouRanker()
_MOST = 300  # of a kind's rows are put in order; a shelf has at most a hundred
_FIRST, _BEHIND = 10, 40  # places of which one may be given to the unknown; of those the first
# What else than variants makes way on a shelf, and how much more. On Online Retail, of the five that stand with the 200
# most bought items, 58 % are of their category instead of 70 %, and as many are bought with them as before.
_SPREAD_BY = {"similar": ("brand", 1.0), "together": ("category", 4 / 3)}
_ORDERED = ("hide", "boost", "bury")  # a pin belongs to a query; no shelf has one


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """What is asked for, every field checked; `events` and `shelves` are the shopper's, newest first."""

    kind: str
    items: Sequence[str] = ()
    events: Sequence[Event] = ()
    impressions: Sequence[ShownRecommendation] = ()  # that were shown lately
    limit: int = 10
    filter: Filter | None = None
    exclude: Sequence[str] = ()
    repeats: bool = True
    fill: bool = True
    diversity: float = DIVERSITY
    exploration: ExplorationPolicy = NO_EXPLORATION


@dataclass(frozen=True, slots=True)
class RecommendOutcome:
    """The items, best first; `kind` is the first that found any, `filled` those that filled the shelf up after it.

    `kinds` says of each item which kind found it; `touched` (id → rules) what the shop's rules moved.
    """

    kind: str
    ids: list[str]
    scores: np.ndarray  # (n,) float64
    filled: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    applied_rules: dict[str, list[Row]] = field(default_factory=dict)
    context: RecommendContext | None = None
    scored: ScoredCandidates | None = None  # what a shelf `for-you` was ranked by


class RecommendPipeline:
    """Fills the shelves of one process. Safe for several threads; `now` gives epoch seconds."""

    def __init__(self, catalogue: CatalogueCache, said: CurationCache, now: Callable[[], float]) -> None:
        self._catalogue, self._said, self._now = catalogue, said, now

    def run(
        self,
        request: RecommendRequest,
        generation: RecommendGeneration | None,
        counted: Callable[[CatalogueSnapshot], ItemCounts],
    ) -> RecommendOutcome:
        """`counted` gives the counts to go by, the generation's or those before the first night."""
        now, columns = self._now(), self._catalogue.current()
        rules = [rule for rule in self._said.current().rules.applying([], now) if rule.action in _ORDERED]
        context = _context(request, columns, generation, counted(columns), rules, now)
        wishes: ScoredCandidates | None = None
        blocks: list[tuple[str, np.ndarray, np.ndarray]] = []
        left = context.eligible.copy()
        missing = request.limit
        for kind in kind_with_fallbacks(request.kind, fill=request.fill):
            if kind == "for-you":
                wishes = for_you(context, generation.for_you_ranker if generation is not None else _BLEND)
                scored: Scored = wishes.rows, wishes.scores
            else:
                scored = STRATEGIES[kind](context)
            rows, scores = _best(scored, left)
            if len(rows):
                rows, scores = _diversified(kind, rows, scores, context, request.diversity)
                blocks.append((kind, rows, scores))
                left[rows] = False
                missing -= int((~context.just_taken[rows]).sum())
            if missing <= 0:
                break
        return self._outcome(request, blocks, rules, context, wishes)

    def _outcome(
        self,
        request: RecommendRequest,
        blocks: list[tuple[str, np.ndarray, np.ndarray]],
        rules: list[Rule],
        context: RecommendContext,
        scored: ScoredCandidates | None,
    ) -> RecommendOutcome:
        columns = context.columns
        rows, scores = _stacked([(rows, scores) for _, rows, scores in blocks])
        last = np.argsort(context.just_taken[rows], kind="stable")
        rows, scores = rows[last], np.minimum.accumulate(scores[last])
        kind_of = {int(row): kind for kind, found, _ in blocks for row in found}
        moved = merchandising.apply(
            rules, rows, scores, eligible=context.eligible, catalogue=columns, passes=_passing(columns)
        )
        rows = moved.rows
        if request.exploration.share > 0:
            rows = _with_exploration(rows, context, request.exploration)
        rows = rows[: min(request.limit, len(moved.scores))]
        kinds = [kind_of.get(row, "new") for row in rows.tolist()]  # what nobody found is there to be explored
        return RecommendOutcome(
            blocks[0][0] if blocks else request.kind,
            [columns.ids[row] or "" for row in rows.tolist()],
            moved.scores[: len(rows)],
            [kind for kind, _, _ in blocks[1:] if kind in kinds],
            kinds,
            {columns.ids[row] or "": done for row, done in moved.applied.items()},
            context,
            scored,
        )


def _with_exploration(rows: np.ndarray, context: RecommendContext, policy: ExplorationPolicy) -> np.ndarray:
    """The rows, best first; where chance has it so one of the first ten places goes to what nobody knows yet.

    Chosen among the unknown that are on the shelf further down; on one that is about no item also among the newest.
    """
    nobody = context.eligible & (context.counts.popularity <= 0)
    nobody[rows[:_FIRST]] = False
    behind = rows[_FIRST:][nobody[rows[_FIRST:]]]
    if not len(behind) and not len(context.seeds):
        behind = _best(STRATEGIES["new"](context), nobody)[0]
    with_behind = np.concatenate([rows[:_FIRST], behind[:_BEHIND]])
    first = apply_exploration(with_behind, len(with_behind), context.counts.popularity, policy)[:_FIRST]
    return np.concatenate([first, rows[~np.isin(rows, first)]])


def _context(
    request: RecommendRequest,
    columns: CatalogueSnapshot,
    generation: RecommendGeneration | None,
    counts: ItemCounts,
    rules: Sequence[Rule],
    now: float,
) -> RecommendContext:
    profile = UserProfile.from_events(request.events, columns, now)
    given = columns.rows(request.items)
    eligible = evaluate(request.filter, columns) & columns.in_stock
    eligible[merchandising.hidden(rules, columns, _passing(columns)) > 0] = False
    eligible[given] = eligible[profile.dismissed] = eligible[columns.rows(request.exclude)] = False
    if not request.repeats:
        eligible[profile.rows[profile.bought]] = False
    signals = generation.signals(columns) if generation is not None else SignalsByRow(ItemSignals(), columns)
    index = generation.index if generation is not None else None
    passed = impression_discount(request.impressions, request.events, columns, now)
    context = RecommendContext(given[given > 0], profile, columns, counts, signals, eligible, index, passed)
    eligible[one_time_purchases(context)] = False
    return context


def _passing(columns: CatalogueSnapshot) -> merchandising.Passes:
    return lambda text: evaluate(parse(text), columns)


def _best(scored: Scored, eligible: np.ndarray) -> Scored:
    """The best eligible rows, best first; equal scores by row."""
    rows, scores = scored
    kept = eligible[rows]
    rows, scores = rows[kept], scores[kept]
    top = top_k(scores, _MOST)
    rows, scores = rows[top], scores[top]
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]


def _diversified(
    kind: str, rows: np.ndarray, scores: np.ndarray, context: RecommendContext, diversity: float
) -> Scored:
    """Variants make way, those of what is looked at too.

    So do others of one brand where the same thing is sought, and of one category where what goes with it is.
    """
    columns = context.columns
    groups = [(columns.family, diversity)]
    if kind in _SPREAD_BY:
        name, more = _SPREAD_BY[kind]
        codes = getattr(columns, name)
        own = np.where(codes > 0, codes, -np.arange(columns.size))  # what has none stands for itself
        groups.append((own, min(1.0, more * diversity)))
    for families, strength in groups:
        places, scores = diversify(scores, families[rows], strength, placed=families[context.seeds])
        rows = rows[places]
    return rows, scores


def _stacked(blocks: Iterable[Scored]) -> Scored:
    """The blocks one after the other, each one's scores moved below those of the one before."""
    rows, scores = np.zeros(0, np.int64), np.zeros(0)
    for found, own in blocks:
        if len(scores):
            own = np.minimum(own + min(0.0, float(scores[-1] - own[0])), scores[-1])  # the sum may be rounded up
        rows, scores = np.concatenate([rows, found]), np.concatenate([scores, own])
    return rows, scores
