"""The blueprint: every path with its methods, in one table. The views live in the files that it names.

A path is one rule for all methods, because a method that a host app's router refuses would get the host's error page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from shelfwise import Shop
from shelfwise.api.endpoints import events, items, merge, rules, search, status, synonyms
from shelfwise.api.http.json_errors import answer_in_json
from shelfwise.api.storefront.html_errors import answer_in_html
from shelfwise.api.storefront.views import Storefront
from shelfwise.settings import exploration

__all__ = ["blueprint"]

View = Callable[..., Response]  # called with the variable parts of the path
Route = tuple[str, str, Mapping[str, View]]  # endpoint, path, view of each method

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def blueprint(shop: Shop, explore: float | None = None) -> Blueprint:
    """Return the API and the storefront of a shop, for `app.register_blueprint(blueprint(shop), url_prefix="/shop")`.

    `explore` is the share of answers that explore, 0 to 1; None: the environment's SHELFWISE_EXPLORE, then 0.05.
    Raises InvalidInput for any other number.
    """
    api = Blueprint("shelfwise", __name__, static_folder="storefront/static", static_url_path="/shelfwise-static")
    pages = Blueprint("pages", __name__)
    answer_in_json(api)
    answer_in_html(pages)
    _add_routes(api, _endpoints(shop, exploration(explore)))
    _add_routes(pages, _pages(Storefront(shop)))
    api.after_request(_set_nosniff)
    api.register_blueprint(pages)
    return api


def _endpoints(shop: Shop, explore: float) -> list[Route]:
    return [
        ("search", "/search", {"GET": partial(search.search, shop, explore)}),
        ("suggest", "/suggest", {"GET": partial(search.suggest, shop)}),
        ("recommend", "/recommend", {"GET": partial(search.recommend, shop, explore)}),
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


def _pages(storefront: Storefront) -> list[Route]:
    return [
        ("home", "/", {"GET": storefront.home}),
        ("item", "/item/<shelfwise_id:id>", {"GET": storefront.item, "POST": storefront.record_action}),
        ("shopper", "/shopper", {"POST": storefront.choose_shopper}),
    ]


def _add_routes(target: Blueprint, routes: list[Route]) -> None:
    target.record(_add_converter)
    for endpoint, path, views in routes:
        target.add_url_rule(path, endpoint, _dispatch(views), methods=_METHODS, merge_slashes=False)


def _dispatch(views: Mapping[str, View]) -> View:
    allowed = sorted({"OPTIONS", *views, *(["HEAD"] if "GET" in views else [])})

    def dispatch(**parts: str) -> Response:
        if request.method == "OPTIONS":
            return Response(status=204, headers={"Allow": ", ".join(allowed)})
        view = views.get("GET" if request.method == "HEAD" else request.method)
        if view is None:
            raise MethodNotAllowed(allowed)
        return view(**parts)

    return dispatch


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
