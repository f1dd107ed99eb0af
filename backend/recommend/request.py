"""What is asked of a recommendation, every field validated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfwise.arguments import (
    as_list,
    parse_path_id,
    parse_shopper,
    validate_choice,
    validate_page,
    validate_share,
)
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import Filter
from shelfwise.ranking.exploration import NO_EXPLORATION, ExplorationPolicy
from shelfwise.recommend.strategies import KINDS, default_kind, kind_with_fallbacks
from shelfwise.store import Event, ShownRecommendation
from shelfwise.validation import parse_id

__all__ = ["DIVERSITY", "RecommendRequest"]

DIVERSITY = 0.3


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """One recommendation; `events` and `impressions` are the shopper's, newest first."""

    kind: str
    items: Sequence[str] = ()
    events: Sequence[Event] = ()
    impressions: Sequence[ShownRecommendation] = ()  # what the shopper was shown lately
    limit: int = 10
    filter: Filter | None = None
    exclude: Sequence[str] = ()
    repeats: bool = True
    fill: bool = True
    diversity: float = DIVERSITY
    exploration: ExplorationPolicy = NO_EXPLORATION
    user: str | None = None
    session: str | None = None

    @classmethod
    def from_args(
        cls,
        user: str | None = None,
        session: str | None = None,
        item: str | Sequence[str] | None = None,
        limit: int = 10,
        *,
        kind: str | None = None,
        filter: str | None = None,
        exclude: str | Sequence[str] = (),
        repeats: bool = True,
        fill: bool = True,
        diversity: float = DIVERSITY,
        explore: float = 0.0,
    ) -> RecommendRequest:
        """Validate the arguments of `Shop.recommend`, explained there. Raises InvalidInput or NotFound."""
        validate_page(limit, 0)
        user, session = parse_shopper(user, session)
        items = [parse_path_id(id, "item") for id in as_list(item)]
        return cls(
            kind=default_kind(items, user, session) if kind is None else validate_choice(kind, KINDS, "kind"),
            items=items,
            limit=limit,
            filter=parse(filter) if filter else None,
            exclude=[parse_id(id, "exclude") for id in as_list(exclude)],
            repeats=repeats,
            fill=fill,
            diversity=validate_share(diversity, "diversity"),
            exploration=ExplorationPolicy(explore, f"{session or user or ''} {kind or ''} {' '.join(items)}"),
            user=user,
            session=session,
        )

    @property
    def reads_impressions(self) -> bool:
        """Return whether the answer may depend on what the shopper was shown: `for-you` does."""
        return "for-you" in kind_with_fallbacks(self.kind, fill=self.fill)
