"""`GET /search`, `GET /suggest` and `GET /recommend`: parameters in, an answer of the shop out."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.query_params import QueryParams
from shelfwise.api.http.request_body import to_json
from shelfwise.recommend.request import DIVERSITY as RECOMMEND_DIVERSITY
from shelfwise.search.request import DIVERSITY as SEARCH_DIVERSITY

__all__ = ["recommend", "search", "suggest"]


def search(shop: Shop, explore: float, /) -> Response:
    """Search the shop; `explore` is the share of answers that explore, 0 to 1. Raises InvalidInput."""
    params = QueryParams()
    answer = shop.search(
        params.required("q"),
        user=params.id("user"),
        session=params.id("session"),
        limit=params.integer("limit", 10),
        offset=params.integer("offset", 0),
        filter=params.text("filter"),
        facets=params.names("facets"),
        sort=params.text("sort") or "relevance",
        diversity=params.number("diversity", SEARCH_DIVERSITY),
        exact=params.flag("exact"),
        explain=params.flag("explain"),
        explore=explore,
    )
    return to_json(answer.to_dict())


def suggest(shop: Shop, /) -> Response:
    """Complete what is typed. Raises InvalidInput."""
    params = QueryParams()
    suggestions = shop.suggest(params.required("q"), limit=params.integer("limit", 8))
    return to_json({"suggestions": [{"text": row.text, "kind": row.kind} for row in suggestions]})


def recommend(shop: Shop, explore: float, /) -> Response:
    """Recommend items; `explore` is the share of answers that explore, 0 to 1. Raises InvalidInput or NotFound."""
    params = QueryParams()
    answer = shop.recommend(
        user=params.id("user"),
        session=params.id("session"),
        item=params.items(),
        limit=params.integer("limit", 10),
        kind=params.text("kind") or None,
        filter=params.text("filter"),
        exclude=params.items("exclude"),
        repeats=params.flag("repeats", default=True),
        diversity=params.number("diversity", RECOMMEND_DIVERSITY),
        explain=params.flag("explain"),
        explore=explore,
    )
    return to_json(answer.to_dict())
