"""The blueprint: every path of the door with its methods, in one table. The views live in the files it names.

A path is one rule for all methods, because a method that a host app's router refuses would get the host's error page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from shelfwise import Shop
from shelfwise.api.endpoints import events, items, merge, rules, status, synonyms
from shelfwise.api.endpoints import search as answers
from shelfwise.api.http.json_errors import answer_in_json
from shelfwise.api.storefront.html_errors import answer_in_html
from shelfwise.api.storefront.views import Storefront
from shelfwise.settings import exploration

__all__ = ["blueprint"]

View = Callable[..., Response]  # called with the variable parts of the path
Route = tuple[str, str, Mapping[str, View]]  # endpoint, path, view of each method

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def blueprint(shop: Shop) -> Blueprint:
    """Everything under one roof: `app.register_blueprint(blueprint(shop), url_prefix="/shop")`."""
    door = Blueprint("shelfwise", __name__, static_folder="storefront/static", static_url_path="/shelfwise-static")
    storefront = Blueprint("pages", __name__)
    answer_in_json(door)
    answer_in_html(storefront)
    _add_routes(door, _answers(shop))
    _add_routes(storefront, _pages(shop))
    door.after_request(_set_nosniff)
    door.register_blueprint(storefront)
    return door


def _answers(shop: Shop) -> list[Route]:
    return [
        ("search", "/search", {"GET": partial(answers.search, shop, exploration())}),
        ("suggest", "/suggest", {"GET": partial(answers.suggest, shop)}),
        ("recommend", "/recommend", {"GET": partial(answers.recommend, shop, exploration())}),
        ("events", "/events", {"POST": partial(events.record, shop)}),
        ("merge", "/merge", {"POST": partial(merge.merge, shop)}),
        ("items", "/items", {"PUT": partial(items.upsert, shop)}),
        ("item", "/items/<shelfwise_id:id>", {"GET": partial(items.show, shop), "DELETE": partial(items.delete, shop)}),
        ("synonyms", "/synonyms", {"GET": partial(synonyms.show, shop), "POST": partial(synonyms.add, shop)}),
        ("synonym", "/synonyms/<shelfwise_id:id>", {"DELETE": partial(synonyms.delete, shop)}),
        ("rules", "/rules", {"GET": partial(rules.show, shop), "POST": partial(rules.add, shop)}),
        ("rule", "/rules/<shelfwise_id:id>", {"DELETE": partial(rules.delete, shop)}),
        ("status", "/status", {"GET": partial(status.status, shop)}),
        ("healthz", "/healthz", {"GET": partial(status.healthz, shop)}),
    ]


def _pages(shop: Shop) -> list[Route]:
    storefront = Storefront(shop)
    return [
        ("home", "/", {"GET": storefront.home}),
        ("item", "/item/<shelfwise_id:id>", {"GET": storefront.item, "POST": storefront.record_action}),
        ("shopper", "/shopper", {"POST": storefront.choose_shopper}),
    ]


def _add_routes(roof: Blueprint, routes: list[Route]) -> None:
    roof.record(_add_converter)
    for endpoint, path, views in routes:
        roof.add_url_rule(path, endpoint, _dispatch(views), methods=_METHODS, merge_slashes=False)


def _dispatch(views: Mapping[str, View]) -> View:
    allowed = sorted({"OPTIONS", *views, *(["HEAD"] if "GET" in views else [])})

    def view(**parts: str) -> Response:
        if request.method == "OPTIONS":
            return Response(status=204, headers={"Allow": ", ".join(allowed)})
        chosen = views.get("GET" if request.method == "HEAD" else request.method)
        if chosen is None:
            raise MethodNotAllowed(allowed)
        return chosen(**parts)

    return view


class ItemId(BaseConverter):
    """An id in a path: anything, slashes and line ends too (Flask's `path` takes no slash at the start)."""

    regex = "(?s:.+)"
    weight = 200
    part_isolating = False


def _add_converter(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]  # a BlueprintSetupState, which Flask doesn't export
    app.url_map.converters["shelfwise_id"] = ItemId


def _set_nosniff(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
