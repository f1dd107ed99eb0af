"""What is asked of a recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shelfwise.arguments import (
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

    kind: str = "popular"
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

    def validated(self, kind: str | None = None, filter: str | None = None, explore: float = 0.0) -> RecommendRequest:
        """Return the request of these fields as `Shop.recommend` explains them, each checked.

        Raises InvalidInput, or NotFound for an item.
        """
        validate_page(self.limit, 0)
        user, session = parse_shopper(self.user, self.session)
        items = [parse_path_id(id, "item") for id in self.items]
        return replace(
            self,
            kind=default_kind(items, user, session) if kind is None else validate_choice(kind, KINDS, "kind"),
            items=items,
            filter=parse(filter) if filter else None,
            exclude=[parse_id(id, "exclude") for id in self.exclude],
            diversity=validate_share(self.diversity, "diversity"),
            exploration=ExplorationPolicy(explore, f"{session or user or ''} {kind or ''} {' '.join(items)}"),
            user=user,
            session=session,
        )

    @property
    def reads_impressions(self) -> bool:
        """Return whether the answer may depend on what the shopper was shown: `for-you` does."""
        return "for-you" in kind_with_fallbacks(self.kind, fill=self.fill)
