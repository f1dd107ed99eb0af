"""The storefront without a browser: what it shows, what it escapes, and which events it records."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from shelfwise import Shop
from shelfwise.api.storefront.rendering import price, web_url

BREAKOUT = '"><img src=x onerror=alert(1)>'
HOSTILE = f"/item/{quote(BREAKOUT, safe='')}"
SPELT = '"\\"><img src=x onerror=alert(1)>"'  # as a filter writes it
SCRIPTS = ["/shelfwise-static/shelfwise.js", "/shelfwise-static/suggest.js"]


class Tags(HTMLParser):
    """The tags that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def clicks(shop: Shop) -> list[dict[str, Any]]:
    rows = shop.store.events._db.rows("SELECT * FROM events WHERE event_id IS NOT NULL AND user IS NOT '17850'")
    return [dict(row) for row in rows]


def first_card(page: str) -> str:
    return unescape(re.findall(r'class="card" href="([^"]+)"', page)[0])


@pytest.mark.parametrize(
    "path",
    ["/", "/?q=hostile", f"/?q={quote(BREAKOUT)}", f"/?q={quote('<script>')}&fragment=1", HOSTILE, "/item/quote",
     "/item/none-such", "/?q=%ff", "/?q=hostile&filter=%ff", "/?q=hostile&sort=%ff%3Cscript%3E",
     f"/?q=hostile&filter={quote(f'brand:{SPELT}')}", f"/?q=hostile&filter={quote(f'tags:{SPELT}')}&explain=1",
     f"/?q=hostile&filter={quote(SPELT)}"],
)  # fmt: skip
def test_nothing_hostile_reaches_the_page(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    tags = Tags(response.text).tags
    assert [attrs["src"] for tag, attrs in tags if tag == "script"] in (SCRIPTS, [])
    for tag, attrs in tags:
        assert not any(name.startswith("on") or name == "style" for name in attrs), (tag, attrs)
        assert tag not in ("style", "iframe", "object", "svg")
        for name in ("href", "src", "action"):
            assert re.match(r"https?://|/|#(main|products)$", attrs.get(name) or "/"), (tag, attrs)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self';" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//evil.example", "/x", "ftp://x", 5]
)
def test_only_addresses_of_the_web_are_rendered(value: object) -> None:
    assert web_url(value) == ""


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(2.55, "GBP", "£2.55"), (1234.5, "eur", "€1,234.50"), (4950, "JPY", "¥4,950"), (3, "CHF", "3.00 CHF"),
     (0, "USD", "$0.00"), (2, None, "2.00"), (9.9, "PLN", "9.90 zł"), (None, "GBP", ""), (1e300, "GBP", "£1e+300")],
)  # fmt: skip
def test_price(amount: float | None, currency: str | None, shown: str) -> None:
    assert price({"price": amount, "currency": currency}) == shown


def test_home_shows_what_is_popular_and_for_a_customer_theirs(client: FlaskClient) -> None:
    assert "Popular right now" in client.get("/").text and "For you" not in client.get("/").text
    chosen = client.post("/shopper", data={"user": " 17850 ", "q": "star"})
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/?q=star")
    page = client.get("/").text
    assert "For you, customer 17850" in page and '<option value="17850">' in page
    client.post("/shopper", data={"user": "17850", "nobody": "1"})
    assert "For you" not in client.get("/").text


@pytest.mark.parametrize("user", ["\x00", "x" * 513])
def test_a_customer_that_cannot_be_is_refused(client: FlaskClient, user: str) -> None:
    assert client.post("/shopper", data={"user": user}).status_code == 400
    client.set_cookie("shelfwise_user", "x" * 600)
    assert client.get("/").status_code == 200


def test_results_are_rendered_and_paged(client: FlaskClient, shop: Shop) -> None:
    shop.upsert({"id": f"k{n}", "title": f"Kite {n}"} for n in range(30))
    page = client.get("/?q=kite").text
    assert "Results for" in page and len(re.findall('class="card"', page)) == 24
    second = client.get(unescape(re.findall(r'href="([^"]+)" rel="nofollow">Next', page)[0])).text
    assert len(re.findall('class="card"', second)) == 6
    assert "position=25" in first_card(second) and "Previous" in second


def test_nothing_found_is_said(client: FlaskClient) -> None:
    page = client.get("/?q=zzzz").text
    assert "Nothing found for" in page and "Popular right now" in page
    assert "Found by words alone" in page


def test_an_item_shows_all_of_itself(client: FlaskClient) -> None:
    page = client.get("/item/22465").text
    for part in ("Hanging Metal Star Lantern", "£1.65", "by Northlight", "Lamps &amp; Lanterns", "Hangs.", "zinc"):
        assert part in page
    for part in ('src="https://images.example/22465.jpg"', 'href="https://shop.example/22465"', ">Buy<"):
        assert part in page
    gone = client.get("/item/gone").text
    assert "Out of stock" in gone and ">Buy<" not in gone


def test_opening_a_hit_is_a_click_once(client: FlaskClient, shop: Shop) -> None:
    client.post("/shopper", data={"user": "ann"})
    link = first_card(client.get("/?q=star+lantern").text)
    for _ in range(2):
        assert client.get(link).status_code == 200
    (event,) = clicks(shop)
    assert (event["type"], event["position"], event["user"]) == ("click", 1, "ann")
    assert event["session"] and event["search_id"] in link and event["query"] is None
    shop.store.answer_log.close()
    assert shop.store.events._db.value("SELECT query FROM searches WHERE search_id = ?", (event["search_id"],))


def test_a_click_on_a_shelf_cites_the_shelf(client: FlaskClient, shop: Shop) -> None:
    client.get(first_card(client.get("/").text))
    client.get(first_card(client.get("/item/22465").text))
    first, second = clicks(shop)
    assert first["recommendation_id"] and second["recommendation_id"] and first["position"] == 1


def test_query_being_typed_is_not_logged_and_cited_by_text(client: FlaskClient, shop: Shop) -> None:
    typed = client.get("/?q=lanter&fragment=1").text
    assert "<html" not in typed
    client.get(first_card(typed))
    settled = client.get("/?q=lantern&fragment=1&settled=1").text
    assert "search_id=" in first_card(settled) and "query=" not in first_card(settled)
    (event,) = clicks(shop)
    assert (event["query"], event["search_id"], event["position"]) == ("lanter", None, 1)
    shop.store.answer_log.close()
    rows = shop.store.events._db.rows("SELECT query FROM searches")
    assert [row["query"] for row in rows] == ["lantern"]


@pytest.mark.parametrize(
    "headers", [{"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, {"Sec-Purpose": "prefetch;prerender"}]
)
def test_robots_and_fetching_ahead_leave_no_trace(client: FlaskClient, shop: Shop, headers: dict[str, str]) -> None:
    page = client.get("/?q=star", headers=headers).text
    assert "search_id" not in page
    client.get("/item/22465?search_id=abc&position=1", headers=headers)
    client.head("/item/22465?search_id=abc&position=1")
    shop.store.answer_log.close()
    assert clicks(shop) == []
    assert shop.store.events._db.value("SELECT count(*) FROM searches") == 0


@pytest.mark.parametrize("forged", ["search_id=" + "x" * 600, "search_id=a&position=-1", "query=%00", "search_id=%ff"])
def test_a_forged_link_does_no_harm(client: FlaskClient, shop: Shop, forged: str) -> None:
    assert client.get(f"/item/22465?{forged}").status_code == 200
    assert clicks(shop) == []


@pytest.mark.parametrize("kind", ["cart", "purchase"])
def test_cart_and_purchase_are_posted_and_cite_their_source(client: FlaskClient, shop: Shop, kind: str) -> None:
    page = client.get(first_card(client.get("/?q=star").text)).text
    hidden = [attrs for tag, attrs in Tags(page).tags if tag == "input" and attrs.get("type") == "hidden"]
    fields = {attrs["name"]: attrs["value"] for attrs in hidden if attrs["name"] != "item"}
    assert {"search_id", "position", "once"} <= set(fields)
    for _ in range(2):  # a double click
        done = client.post("/item/22465", data={**fields, "type": kind}, headers={"Origin": "http://localhost"})
        assert done.status_code == 303
    assert 'class="done"' in client.get(done.headers["Location"]).text
    (event,) = [event for event in clicks(shop) if event["type"] != "click"]
    assert (event["type"], event["item"], event["quantity"], event["value"]) == (kind, "22465", 1, 1.65)
    assert (event["search_id"], event["position"]) == (fields["search_id"], 1)


@pytest.mark.parametrize(
    ("path", "data", "headers", "status"),
    [
        ("/item/22465", {"type": "dismiss"}, {}, 400),
        ("/item/22465", {}, {}, 400),
        ("/item/22465", {"type": "cart", "position": "x"}, {}, 400),
        ("/item/none-such", {"type": "cart"}, {}, 404),
        ("/item/22465", {"type": "cart"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/item/22465", {"type": "cart"}, {"Origin": "http://evil.example"}, 403),
        ("/shopper", {"user": "x"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/shopper", {"user": "x"}, {"Origin": "null"}, 403),
        ("/", {}, {}, 405),
    ],
)
def test_forms_that_are_refused(
    client: FlaskClient, shop: Shop, path: str, data: dict[str, str], headers: dict[str, str], status: int
) -> None:
    response = client.post(path, data=data, headers=headers)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert clicks(shop) == []


def test_a_get_buys_nothing(client: FlaskClient, shop: Shop) -> None:
    client.get("/item/22465?type=purchase&done=purchase")
    assert clicks(shop) == []


@pytest.mark.parametrize(("id", "query"), [("a/b c//ü?#", "teapot"), (BREAKOUT, "hostile script")])
def test_odd_ids_have_pages(client: FlaskClient, shop: Shop, id: str, query: str) -> None:
    assert client.get(first_card(client.get("/", query_string={"q": query}).text)).status_code == 200
    assert [event["item"] for event in clicks(shop)] == [id]


def test_cookies_are_out_of_reach_of_scripts(client: FlaskClient) -> None:
    client.post("/shopper", data={"user": "ann"})
    for cookie in client.get("/").headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    secure = client.get("/", base_url="https://shop.example/").headers.getlist("Set-Cookie")
    assert all("Secure" in cookie for cookie in secure)


def test_the_pages_load_only_our_own_files(client: FlaskClient) -> None:
    for name in ("shelfwise.css", "shelfwise.js", "suggest.js", "mark.svg"):
        response = client.get(f"/shelfwise-static/{name}")
        assert response.status_code == 200 and response.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(
            r"//\w|@import", re.sub(r"http://www.w3.org/2000/svg|// https://www.w3.org/\S+", "", response.text)
        )
        response.close()


def test_item_page_without_a_generation_shows_one_shelf(client: FlaskClient, shop: Shop) -> None:
    """Without a generation nothing was counted: what is new is all there is, and once."""
    page = client.get("/item/22465").text
    assert "Bought together" not in page
    assert page.count('<section class="shelf">') == 1
