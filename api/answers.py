"""`GET /search` and `GET /recommend`: parameters in, an answer of the shop out."""

from __future__ import annotations

from flask import Response

from shelfwise import Shop
from shelfwise.api.bodies import to_json
from shelfwise.api.parameters import Parameters

__all__ = ["recommend", "search"]


def search(shop: Shop, /) -> Response:
    given = Parameters()
    answer = shop.search(
        given.required("q"),
        user=given.id("user"),
        session=given.id("session"),
        limit=given.whole("limit", 10),
        offset=given.whole("offset", 0),
    )
    return to_json(answer.to_dict())


def recommend(shop: Shop, /) -> Response:
    given = Parameters()
    answer = shop.recommend(
        user=given.id("user"),
        session=given.id("session"),
        item=given.items(),
        limit=given.whole("limit", 10),
    )
    return to_json(answer.to_dict())
