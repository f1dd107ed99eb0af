"""A page of results: its address, the search that answers it, and the links to other addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from shelfwise import Hit, SearchResult, Shop
from shelfwise.api.http.query_params import QueryParams
from shelfwise.api.storefront.facet_links import FACETS, UNFILTERED_FACETS, FacetPage, facet_links, make_chips
from shelfwise.api.storefront.filter_choices import FacetChoices
from shelfwise.api.storefront.rendering import link
from shelfwise.api.storefront.visitor import Visitor

__all__ = ["PARTS", "ResultsQuery", "page_context", "run_search"]

_PAGE_HITS = 24
_SORTS = {
    "relevance": "Best match",
    "popular": "Most popular",
    "price": "Lowest price",
    "-price": "Highest price",
    "newest": "Newest",
}


@dataclass(frozen=True, slots=True)
class ResultsQuery:
    """The parameters of the page's address; one at its default is not in the address."""

    q: str = ""
    filter: str = ""
    sort: str = "relevance"
    offset: int = 0
    exact: bool = False
    explain: bool = False

    @classmethod
    def read(cls) -> ResultsQuery:
        """Return the parameters of this request. Raises InvalidInput for an offset or a switch that can't be read."""
        params = QueryParams()
        return cls(
            q=" ".join((params.text("q") or "").split()),
            filter=(params.text("filter") or "").strip(),
            sort=params.text("sort") or "relevance",
            offset=params.integer("offset", 0),
            exact=params.flag("exact"),
            explain=params.flag("explain"),
        )

    def query_args(self) -> dict[str, str]:
        """Return the parameters that are not at their default, as texts."""
        values = [(part.name, getattr(self, part.name), part.default) for part in fields(self)]
        return {name: "1" if value is True else str(value) for name, value, default in values if value != default}

    def url_with(self, **changes: Any) -> str:
        """Return the address with changes, of the first page unless they name an offset."""
        return link("pages.home", **replace(self, **({"offset": 0} | changes)).query_args())


PARTS = frozenset(part.name for part in fields(ResultsQuery))


def run_search(shop: Shop, query: ResultsQuery, visitor: Visitor, log: bool) -> SearchResult:
    """Search for one page of hits, with its facets. Raises InvalidInput.

    `log` False leaves the search out of the log of answers.
    """
    return shop.search(
        query.q,
        user=visitor.user,
        session=visitor.session,
        limit=_PAGE_HITS,
        offset=query.offset,
        log=log,
        filter=query.filter,
        facets=FACETS,
        sort=query.sort,
        exact=query.exact,
        explain=query.explain,
    )


def page_context(shop: Shop, query: ResultsQuery, answer: SearchResult) -> dict[str, Any]:
    """Return what the page shows beside the answer's hits, by the template's names. Raises InvalidInput."""
    choices = FacetChoices.read(query.filter)
    counted = dict(answer.facets)
    for name in choices.chosen.keys() & set(UNFILTERED_FACETS):
        counted |= _counted(shop, query, choices.only(name), [name]).facets
    unfiltered = 0 if answer.total or not query.filter else _counted(shop, query, FacetChoices(), []).total

    page = FacetPage(choices, lambda other: query.url_with(filter=other.text()), _currency(answer.hits))
    return {
        "results_query": query,
        "facets": facet_links(counted, answer.total, page),
        "chips": make_chips(page),
        "unfiltered": unfiltered,
        "sorts": _sorts(query.sort, answer),
        "pages": _pages(query, answer),
        "last": query.offset + len(answer.hits),
    }


def _counted(shop: Shop, query: ResultsQuery, choices: FacetChoices, names: Sequence[str]) -> SearchResult:
    """Search for the same query with other choices, for the counts alone."""
    return shop.search(query.q, limit=1, log=False, filter=choices.text(), facets=names, exact=query.exact)


def _currency(hits: Sequence[Hit]) -> str | None:
    """Return the currency of all the prices, None where they have several."""
    currencies = {hit.item.get("currency") for hit in hits if hit.item.get("price") is not None}
    return currencies.pop() if len(currencies) == 1 else None


def _sorts(chosen: str, answer: SearchResult) -> Mapping[str, str]:
    """Return the orders that make a difference to these hits, with their labels."""
    priced = bool(answer.facets["price"])
    dated = any(hit.item.get("created_at") for hit in answer.hits)
    useful = {"relevance", "popular", chosen, *(["price", "-price"] if priced else []), *(["newest"] if dated else [])}
    return {sort: label for sort, label in _SORTS.items() if sort in useful}


def _pages(query: ResultsQuery, answer: SearchResult) -> dict[str, str]:
    """Return links to the previous and the next page, where there is one."""
    links = {}
    if query.offset > 0:
        last = (answer.total - 1) // _PAGE_HITS * _PAGE_HITS  # for an address beyond the end
        links["previous"] = query.url_with(offset=max(0, min(query.offset - _PAGE_HITS, last)))
    if query.offset + len(answer.hits) < answer.total and answer.hits:
        links["next"] = query.url_with(offset=query.offset + _PAGE_HITS)
    return links
