"""The storefront: the home page with its search, an item's page, and the forms on them. Everything works without JS.

A card's link cites the search or the shelf it stands in and its rank; opening it records the click, once a session.
Searches typed letter by letter are not logged: their cards cite the query's text until the query has settled.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest

from shelfwise import InvalidInput, Recommendations, Shop
from shelfwise.api.http.guards import require_same_origin
from shelfwise.api.http.query_params import QueryParams
from shelfwise.api.storefront import visitor as shoppers
from shelfwise.api.storefront.cards import Card, cards, tile
from shelfwise.api.storefront.rendering import link, to_page
from shelfwise.api.storefront.results_page import PARTS, ResultsQuery, page_context, run_search
from shelfwise.api.storefront.visitor import TopCustomers, Visitor
from shelfwise.validation import is_encodable

__all__ = ["Storefront"]

_POPULAR, _SHELF = 24, 12  # cards on a shelf
_TOLD = ("together", "again")  # kinds that say under each card why it stands there
_SOURCE = ("search_id", "recommendation_id", "query", "position")
_MAX_SOURCE = 1_000  # characters; it goes into addresses
_DONE = {"cart": "Added to your cart.", "purchase": "Bought. Thank you!"}


class Storefront:
    """The views of the pages, over one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._regulars = TopCustomers(shop)

    def home(self) -> Response:
        """`/?q=&filter=&sort=&offset=`; with `fragment` only the answer, unlogged unless it is also `settled`."""
        given, shopper, asked = QueryParams(), shoppers.current_visitor(), ResultsQuery.read()
        fragment = given.text("fragment") is not None
        typing = bool(asked.q) and fragment and given.text("settled") is None
        log, status = not typing and not shopper.silent, 200
        try:
            context = self._results(asked, shopper, log) if asked.q else self._shelves(shopper, log)
        except InvalidInput as problem:
            if problem.field not in ("filter", "sort"):
                raise
            context, status, asked = {"problem": str(problem)}, 400, ResultsQuery(asked.q)
        context |= {"query": asked.q, "results_query": asked, "back": asked.query_args()}
        return self._page("_answer.html" if fragment else "home.html", context, shopper, status)

    def item(self, id: str) -> Response:
        """An item's page. A link that cites where it stood makes this a click."""
        found, given, shopper = self._shop.item(id), QueryParams(), shoppers.current_visitor()
        source = _source(given.text)
        if source and not shopper.silent and request.method == "GET":
            self._click(id, shopper, source)
        log = not shopper.silent
        together = self._shelf(shopper, log, "together", _SHELF, item=id, fill=False)
        beside = [hit.id for hit in together.hits]
        similar = self._shelf(shopper, log, "similar", _SHELF, item=id, exclude=beside)
        shelves = [together, similar] if beside and similar.kind != "together" else [similar]
        context = {
            "item": found,
            "tile": tile(found),
            "shelves": [(shelf.kind, _on_shelf(shelf, log)) for shelf in shelves],
            "answer": similar,
            "source": source,
            "once": uuid.uuid4().hex,  # a form sent twice is one purchase
            "done": _DONE.get(given.text("done") or "", ""),
            "query": "",
            "back": {"item": id},
        }
        return self._page("item.html", context, shopper)

    def record_action(self, id: str) -> Response:
        """The item page's form: into the cart, or bought."""
        require_same_origin()
        found, shopper, kind = self._shop.item(id), shoppers.current_visitor(), request.form.get("type")
        if kind not in _DONE:
            raise BadRequest("type: is neither cart nor purchase")
        source = _source(request.form.get)
        event = {"type": kind, "item": id, "quantity": 1, "value": found.get("price")}
        event |= {"event_id": request.form.get("once"), "user": shopper.user, "session": shopper.session}
        done = self._shop.record([event | source])
        if done["rejected"]:
            raise BadRequest(done["rejected"][0]["reason"])
        return _back(link("pages.item", id=id, done=kind, **source), shopper)

    def choose_shopper(self) -> Response:
        """Shop as another customer, or as nobody; a new person is a new session."""
        require_same_origin()
        user = "" if "nobody" in request.form else request.form.get("user")
        shopper = Visitor(None, uuid.uuid4().hex, silent=False).known_as(user)
        item = request.form.get("item")
        asked = {name: value for name, value in request.form.items() if value and name in PARTS}
        return _back(link("pages.item", id=item) if item else link("pages.home", **asked), shopper)

    def _results(self, query: ResultsQuery, visitor: Visitor, log: bool) -> dict[str, Any]:
        answer = run_search(self._shop, query, visitor, log)
        cited = {"search_id": answer.search_id} if log else {"query": answer.query}
        offered = page_context(self._shop, query, answer)
        nothing = not answer.total and not offered["unfiltered"]
        return offered | {
            "answer": answer,
            "results": cards(answer.hits, {} if visitor.silent else cited, query.offset + 1),
            "shelves": self._shelves(visitor, log)["shelves"] if nothing and log else [],
        }

    def _shelves(self, visitor: Visitor, log: bool) -> dict[str, Any]:
        """What is for this shopper, what they buy again, what rises, what is popular: each kind and each item once."""
        answer = self._shelf(visitor, log, "for-you", _POPULAR)
        shelves = {answer.kind: answer}
        for kind, limit in (("again", _SHELF), ("trending", _SHELF), ("popular", _POPULAR)):
            above = [hit.id for shelf in shelves.values() for hit in shelf.hits]
            if kind not in shelves:
                shelf = self._shelf(visitor, log, kind, limit, fill=False, exclude=above)
                shelves |= {kind: shelf} if shelf.hits else {}
        shown = [(kind, _on_shelf(shelf, log)) for kind, shelf in shelves.items()]
        return {"answer": answer, "results": [], "shelves": shown}

    def _shelf(
        self,
        visitor: Visitor,
        log: bool,
        kind: str,
        limit: int,
        item: str | None = None,
        *,
        fill: bool = True,
        exclude: Sequence[str] = (),
    ) -> Recommendations:
        return self._shop.recommend(
            user=visitor.user, session=visitor.session, item=item, kind=kind, limit=limit, log=log,
            fill=fill, exclude=exclude, explain=kind in _TOLD,
        )  # fmt: skip

    def _click(self, id: str, visitor: Visitor, source: dict[str, str]) -> None:
        """Record it; what was forged in the link is refused by the shop and does no harm."""
        cited = [source.get(name, "") for name in _SOURCE[:3]]
        once = hashlib.sha256("\n".join([visitor.session, id, *cited]).encode("utf-8", "replace")).hexdigest()[:32]
        event = {"type": "click", "item": id, "user": visitor.user, "session": visitor.session, "event_id": once}
        self._shop.record([event | source])

    def _page(self, template: str, context: dict[str, Any], visitor: Visitor, status: int = 200) -> Response:
        context |= {"visitor": visitor, "regulars": self._regulars.users()}
        return shoppers.set_cookies(to_page(template, context, status), visitor, link("pages.home"))


def _on_shelf(shelf: Recommendations, log: bool) -> list[Card]:
    return cards(shelf.hits, {"recommendation_id": shelf.recommendation_id} if log else {})


def _source(given: Callable[[str], str | None]) -> dict[str, str]:
    """Where a click says it comes from; empty when it doesn't."""
    said = {name: given(name) or "" for name in _SOURCE}
    return {name: value for name, value in said.items() if 0 < len(value) <= _MAX_SOURCE and is_encodable(value)}


def _back(address: str, visitor: Visitor) -> Response:
    response = Response(status=303, headers={"Location": address})
    return shoppers.set_cookies(response, visitor, link("pages.home"))
