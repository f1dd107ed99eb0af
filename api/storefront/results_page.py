"""A page of results: what its address asks for, the search that answers it, and the links to ask for something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from shelfwise import Hit, SearchResult, Shop
from shelfwise.api.http.query_params import QueryParams
from shelfwise.api.storefront.facet_links import FACETS, LIFTED, FacetPage, chips, facet_links
from shelfwise.api.storefront.filter_choices import FacetChoices
from shelfwise.api.storefront.rendering import link
from shelfwise.api.storefront.visitor import Visitor

__all__ = ["PARTS", "ResultsQuery", "page_context", "run_search"]

_PAGE = 24
_SORTS = {
    "relevance": "Best match",
    "popular": "Most popular",
    "price": "Lowest price",
    "-price": "Highest price",
    "newest": "Newest",
}


@dataclass(frozen=True, slots=True)
class ResultsQuery:
    """What the page's address asks for; what is at its default is not in the address."""

    q: str = ""
    filter: str = ""
    sort: str = "relevance"
    offset: int = 0
    exact: bool = False
    explain: bool = False

    @classmethod
    def read(cls) -> ResultsQuery:
        """That of this request. Raises InvalidInput for an offset or a switch that is none."""
        given = QueryParams()
        return cls(
            q=" ".join((given.text("q") or "").split()),
            filter=(given.text("filter") or "").strip(),
            sort=given.text("sort") or "relevance",
            offset=given.whole("offset", 0),
            exact=given.flag("exact"),
            explain=given.flag("explain"),
        )

    def query_args(self) -> dict[str, str]:
        """The parameters of the address."""
        values = asdict(self)
        said = [(each.name, values[each.name]) for each in fields(self) if values[each.name] != each.default]
        return {name: "1" if value is True else str(value) for name, value in said}

    def url_with(self, **changes: Any) -> str:
        """The address of the same with changes, from its first page unless they name another."""
        return link("pages.home", **replace(self, **({"offset": 0} | changes)).query_args())


PARTS = frozenset(each.name for each in fields(ResultsQuery))


def run_search(shop: Shop, query: ResultsQuery, visitor: Visitor, log: bool) -> SearchResult:
    """One page of the answer, with its facets. Raises InvalidInput."""
    return shop.search(
        query.q,
        user=visitor.user,
        session=visitor.session,
        limit=_PAGE,
        offset=query.offset,
        log=log,
        filter=query.filter,
        facets=FACETS,
        sort=query.sort,
        exact=query.exact,
        explain=query.explain,
    )


def page_context(shop: Shop, query: ResultsQuery, answer: SearchResult) -> dict[str, Any]:
    """What the page offers beside the hits of the answer, by the names that the template has for it."""
    choices = FacetChoices.read(query.filter)
    counted = dict(answer.facets)
    for name in choices.chosen.keys() & set(LIFTED):
        counted |= _counted(shop, query, choices.only(name), [name]).facets
    unfiltered = 0 if answer.total or not query.filter else _counted(shop, query, FacetChoices(), []).total

    page = FacetPage(choices, lambda other: query.url_with(filter=other.text()), _currency(answer.hits))
    return {
        "results_query": query,
        "facets": facet_links(counted, answer.total, page),
        "chips": chips(page),
        "unfiltered": unfiltered,
        "sorts": _sorts(query.sort, answer),
        "pages": _pages(query, answer),
        "last": query.offset + len(answer.hits),
    }


def _counted(shop: Shop, query: ResultsQuery, choices: FacetChoices, names: Sequence[str]) -> SearchResult:
    """The same query with other choices, for its counts only."""
    return shop.search(query.q, limit=1, log=False, filter=choices.text(), facets=names, exact=query.exact)


def _currency(hits: Sequence[Hit]) -> str | None:
    """The one that all the prices are in."""
    found = {hit.item.get("currency") for hit in hits if hit.item.get("price") is not None}
    return found.pop() if len(found) == 1 else None


def _sorts(chosen: str, answer: SearchResult) -> Mapping[str, str]:
    """The orders that make a difference to these hits."""
    priced = bool(answer.facets["price"])
    dated = any(hit.item.get("created_at") for hit in answer.hits)
    useful = {"relevance", "popular", chosen, *(["price", "-price"] if priced else []), *(["newest"] if dated else [])}
    return {sort: label for sort, label in _SORTS.items() if sort in useful}


def _pages(query: ResultsQuery, answer: SearchResult) -> dict[str, str]:
    """Links to the pages before and after this one."""
    links = {}
    if query.offset > 0:
        last = (answer.total - 1) // _PAGE * _PAGE  # of an address beyond the end
        links["previous"] = query.url_with(offset=max(0, min(query.offset - _PAGE, last)))
    if query.offset + len(answer.hits) < answer.total and answer.hits:
        links["next"] = query.url_with(offset=query.offset + _PAGE)
    return links
