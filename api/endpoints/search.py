"""`GET /search`, `GET /suggest` and `GET /recommend`: parameters in, an answer of the shop out."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.http.query_params import QueryParams
from shelfwise.api.http.request_body import to_json
from shelfwise.recommend.pipeline import DIVERSITY as SHELF_DIVERSITY
from shelfwise.search.pipeline import DIVERSITY

__all__ = ["recommend", "search", "suggest"]


def search(shop: Shop, explore: float, /) -> Response:
    given = QueryParams()
    answer = shop.search(
        given.required("q"),
        user=given.id("user"),
        session=given.id("session"),
        limit=given.whole("limit", 10),
        offset=given.whole("offset", 0),
        filter=given.text("filter"),
        facets=given.listed("facets"),
        sort=given.text("sort") or "relevance",
        diversity=given.number("diversity", DIVERSITY),
        exact=given.flag("exact"),
        explain=given.flag("explain"),
        explore=explore,
    )
    return to_json(answer.to_dict())


def suggest(shop: Shop, /) -> Response:
    given = QueryParams()
    found = shop.suggest(given.required("q"), limit=given.whole("limit", 8))
    return to_json({"suggestions": [{"text": one.text, "kind": one.kind} for one in found]})


def recommend(shop: Shop, explore: float, /) -> Response:
    given = QueryParams()
    answer = shop.recommend(
        user=given.id("user"),
        session=given.id("session"),
        item=given.items(),
        limit=given.whole("limit", 10),
        kind=given.text("kind") or None,
        filter=given.text("filter"),
        exclude=given.items("exclude"),
        repeats=given.flag("repeats", default=True),
        diversity=given.number("diversity", SHELF_DIVERSITY),
        explain=given.flag("explain"),
        explore=explore,
    )
    return to_json(answer.to_dict())
