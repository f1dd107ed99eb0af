"""What a shopper asks of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shelfwise.arguments import parse_shopper, validate_choice, validate_page, validate_query, validate_share
from shelfwise.catalogue.facets import validate_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import Filter
from shelfwise.catalogue.sorting import SORTS
from shelfwise.ranking.exploration import NO_EXPLORATION, ExplorationPolicy
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.store import Event

__all__ = ["DIVERSITY", "SearchRequest"]

DIVERSITY = 0.3  # docs/measurements.md: variants make way without costing relevance


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search; `events` are the shopper's, newest first, and `sources` what the answer may be made of."""

    query: str
    limit: int = 10
    offset: int = 0
    filter: Filter | None = None
    facets: Sequence[str] = ()
    sort: str = "relevance"
    diversity: float = DIVERSITY
    exact: bool = False
    events: Sequence[Event] = ()
    sources: SourceSwitches = ALL
    exploration: ExplorationPolicy = NO_EXPLORATION
    user: str | None = None
    session: str | None = None

    def validated(self, filter: str | None = None, explore: float = 0.0) -> SearchRequest:
        """Return the request of these fields as `Shop.search` explains them, each checked. Raises InvalidInput."""
        validate_page(self.limit, self.offset)
        user, session = parse_shopper(self.user, self.session)
        return replace(
            self,
            query=validate_query(self.query),
            filter=parse(filter) if filter else None,
            facets=validate_facets(self.facets),
            sort=validate_choice(self.sort, SORTS, "sort"),
            diversity=validate_share(self.diversity, "diversity"),
            exploration=ExplorationPolicy(explore, f"{session or user or ''} {self.query}"),
            user=user,
            session=session,
        )
