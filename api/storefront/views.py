"""The storefront: the home page with its search, an item's page, and the forms on them. Everything works without JS.

A card's link cites the search or the shelf that it is in and its rank; opening it records the click, once a session.
Searches typed letter by letter are not logged: their cards cite the query's text until the query has settled.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest

from shelfwise import InvalidInput, Recommendations, Shop
from shelfwise.api.http.guards import require_same_origin
from shelfwise.api.http.query_params import QueryParams
from shelfwise.api.storefront.cards import Card, make_cards, make_tile
from shelfwise.api.storefront.rendering import link, to_page
from shelfwise.api.storefront.results_page import PARTS, ResultsQuery, page_context, run_search
from shelfwise.api.storefront.visitor import TopCustomers, Visitor, current_visitor, set_cookies
from shelfwise.validation import is_encodable

__all__ = ["Storefront"]

_POPULAR_CARDS, _SHELF_CARDS = 24, 12
_EXPLAINED = ("together", "again")  # the kinds of shelf that say under each card why it is there
_SOURCE_FIELDS = ("search_id", "recommendation_id", "query", "position")
_MAX_SOURCE = 1_000  # characters; it goes into addresses
_CONFIRMATIONS = {"cart": "Added to your cart.", "purchase": "Bought. Thank you!"}


class Storefront:
    """The views of the pages, over one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._top_customers = TopCustomers(shop)

    def home(self) -> Response:
        """Show `/?q=&filter=&sort=&offset=`; with `fragment` the answer alone, unlogged unless it is also `settled`."""
        params, visitor, results_query = QueryParams(), current_visitor(), ResultsQuery.read()
        is_fragment = params.text("fragment") is not None
        is_typing = bool(results_query.q) and is_fragment and params.text("settled") is None
        log, status = not is_typing and not visitor.silent, 200
        try:
            context = self._results(results_query, visitor, log) if results_query.q else self._shelves(visitor, log)
        except InvalidInput as problem:
            if problem.field not in ("filter", "sort"):
                raise
            context, status, results_query = {"problem": str(problem)}, 400, ResultsQuery(results_query.q)
        context |= {"query": results_query.q, "results_query": results_query, "back": results_query.query_args()}
        return self._page("_answer.html" if is_fragment else "home.html", context, visitor, status)

    def item(self, id: str) -> Response:
        """Show an item's page. Opened by a link that cites its source, it records a click. Raises NotFound."""
        item, params, visitor = self._shop.item(id), QueryParams(), current_visitor()
        source = _source(params.text)
        if source and not visitor.silent and request.method == "GET":
            self._record_click(id, visitor, source)
        log = not visitor.silent
        together = self._shelf(visitor, log, "together", limit=_SHELF_CARDS, item=id, fill=False)
        together_ids = [hit.id for hit in together.hits]
        similar = self._shelf(visitor, log, "similar", limit=_SHELF_CARDS, item=id, exclude=together_ids)
        shelves = [together, similar] if together_ids and similar.kind != "together" else [similar]
        context = {
            "item": item,
            "tile": make_tile(item),
            "shelves": [(shelf.kind, _shelf_cards(shelf, log)) for shelf in shelves],
            "answer": similar,
            "source": source,
            "once": uuid.uuid4().hex,  # a form sent twice is one purchase
            "done": _CONFIRMATIONS.get(params.text("done") or "", ""),
            "query": "",
            "back": {"item": id},
        }
        return self._page("item.html", context, visitor)

    def record_action(self, id: str) -> Response:
        """Record what the item page's form says: put into the cart, or bought. Raises NotFound."""
        require_same_origin()
        item, visitor, action = self._shop.item(id), current_visitor(), request.form.get("type")
        if action not in _CONFIRMATIONS:
            raise BadRequest(f"type: expected {' or '.join(_CONFIRMATIONS)}, got {action!r:.60}")
        source = _source(request.form.get)
        event = {"type": action, "item": id, "quantity": 1, "value": item.get("price")}
        event |= {"event_id": request.form.get("once"), "user": visitor.user, "session": visitor.session}
        result = self._shop.record([event | source])
        if result["rejected"]:
            raise BadRequest(result["rejected"][0]["reason"])
        return _redirect(link("pages.item", id=id, done=action, **source), visitor)

    def choose_shopper(self) -> Response:
        """Go on as another customer or as an anonymous one, in a new session."""
        require_same_origin()
        user = "" if "nobody" in request.form else request.form.get("user")
        visitor = Visitor(None, uuid.uuid4().hex, silent=False).known_as(user)
        item = request.form.get("item")
        query_args = {name: value for name, value in request.form.items() if value and name in PARTS}
        return _redirect(link("pages.item", id=item) if item else link("pages.home", **query_args), visitor)

    def _results(self, query: ResultsQuery, visitor: Visitor, log: bool) -> dict[str, Any]:
        answer = run_search(self._shop, query, visitor, log)
        source = {"search_id": answer.search_id} if log else {"query": answer.query}
        context = page_context(self._shop, query, answer)
        is_empty = not answer.total and not context["unfiltered"]
        return context | {
            "answer": answer,
            "results": make_cards(answer.hits, {} if visitor.silent else source, query.offset + 1),
            "shelves": self._shelves(visitor, log)["shelves"] if is_empty and log else [],
        }

    def _shelves(self, visitor: Visitor, log: bool) -> dict[str, Any]:
        """Return the home page's shelves: for this visitor, bought again, rising, popular; each item once."""
        answer = self._shelf(visitor, log, "for-you", limit=_POPULAR_CARDS)
        shelves = {answer.kind: answer}
        for kind, limit in (("again", _SHELF_CARDS), ("trending", _SHELF_CARDS), ("popular", _POPULAR_CARDS)):
            shown_ids = [hit.id for shelf in shelves.values() for hit in shelf.hits]
            if kind not in shelves:
                shelf = self._shelf(visitor, log, kind, limit=limit, fill=False, exclude=shown_ids)
                shelves |= {kind: shelf} if shelf.hits else {}
        kinds_and_cards = [(kind, _shelf_cards(shelf, log)) for kind, shelf in shelves.items()]
        return {"answer": answer, "results": [], "shelves": kinds_and_cards}

    def _shelf(self, visitor: Visitor, log: bool, kind: str, **options: Any) -> Recommendations:
        """Recommend a kind of shelf; `options` are those of `Shop.recommend`."""
        return self._shop.recommend(
            user=visitor.user, session=visitor.session, log=log, kind=kind, explain=kind in _EXPLAINED, **options
        )

    def _record_click(self, id: str, visitor: Visitor, source: dict[str, str]) -> None:
        """Record a click; the shop refuses what was forged in the link, and the page is shown all the same."""
        cited = [source.get(name, "") for name in ("search_id", "recommendation_id", "query")]
        once = hashlib.sha256("\n".join([visitor.session, id, *cited]).encode("utf-8", "replace")).hexdigest()[:32]
        event = {"type": "click", "item": id, "user": visitor.user, "session": visitor.session, "event_id": once}
        self._shop.record([event | source])

    def _page(self, template: str, context: dict[str, Any], visitor: Visitor, status: int = 200) -> Response:
        context |= {"visitor": visitor, "top_customers": self._top_customers.users()}
        return set_cookies(to_page(template, context, status), visitor, link("pages.home"))


def _shelf_cards(shelf: Recommendations, log: bool) -> list[Card]:
    return make_cards(shelf.hits, {"recommendation_id": shelf.recommendation_id} if log else {})


def _source(read: Callable[[str], str | None]) -> dict[str, str]:
    """Return where a click comes from, by the fields of an event; empty where the link doesn't say."""
    fields = {name: read(name) or "" for name in _SOURCE_FIELDS}
    return {name: value for name, value in fields.items() if 0 < len(value) <= _MAX_SOURCE and is_encodable(value)}


def _redirect(address: str, visitor: Visitor) -> Response:
    return set_cookies(Response(status=303, headers={"Location": address}), visitor, link("pages.home"))
