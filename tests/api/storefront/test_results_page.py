"""The page of results without a browser: facets, sorting, paging, and what it says about how the query was read."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from shelfwise import Shop

ODD = ['Say "hi"', "Back\\slash", "Ünïcödé & Söhne", "日本", "A > B", "a,b (c):d", "OR", "<b>", "10..50"]
KITES: list[dict[str, Any]] = [
    {"id": "k1", "title": "Red Kite", "brand": "Wind", "category": "Toys > Kites", "price": 5, "currency": "GBP"},
    {"id": "k2", "title": "Blue Kite", "brand": "Wind", "category": "Toys > Kites", "price": 15, "currency": "GBP"},
    {"id": "k3", "title": "Green Kite", "brand": "Gale", "category": "Toys > Kites > Stunt", "price": 25,
     "currency": "GBP", "created_at": "2024-02-01"},
    {"id": "k4", "title": "Kite Book", "brand": "Page", "category": "Books", "price": 9.5, "currency": "GBP"},
    {"id": "k5", "title": "Lost Kite", "brand": "Gale", "category": "Toys", "in_stock": False},
]  # fmt: skip

_OPTION = re.compile(r'<a href="([^"]+)" rel="nofollow" class="option ([^"]+)">(.*?)</a>', re.DOTALL)
_CHIP = re.compile(r'<a class="chip" href="([^"]+)" rel="nofollow">(.*?)</a>', re.DOTALL)


@pytest.fixture
def kites(shop: Shop, client: FlaskClient) -> FlaskClient:
    assert shop.upsert(KITES)["upserted"] == len(KITES)
    return client


def ask(client: FlaskClient, q: str = "kite", **parameters: object) -> str:
    response = client.get("/", query_string={"q": q, **parameters})
    assert response.status_code == 200
    return response.text


def shown(page: str) -> list[str]:
    return re.findall(r'class="card" href="[^"]+" data-item="([^"]+)"', page)


def texts(html: str) -> str:
    seen = re.sub(r'<span class="unseen">.*?</span>', "", html, flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", seen).split()))


def options(page: str) -> dict[str, str]:
    """What each facet's link says → where it leads."""
    return {texts(html): unescape(href) for href, _, html in _OPTION.findall(page)}


def chosen(page: str) -> dict[str, str]:
    return {texts(html): unescape(href) for href, html in _CHIP.findall(page)}


def orders(page: str) -> list[str]:
    return re.findall(r'<option value="(-?[a-z]+)"', page)


def test_facets_are_counted_and_lead_to_what_they_count(kites: FlaskClient) -> None:
    offered = options(ask(kites))
    assert list(offered) == [
        "Toys 4", "Books 1", "Gale 2", "Wind 2", "Page 1", "Under £10 2", "£15 – £25 1", "£25 and more 1",
        "In stock 4", "Out of stock 1",
    ]  # fmt: skip
    for label, href in offered.items():
        assert len(shown(kites.get(href).text)) == int(label.split()[-1]), label


def test_a_category_leads_down_and_back_up(kites: FlaskClient) -> None:
    toys = kites.get(options(ask(kites))["Toys 4"]).text
    assert list(options(toys))[:3] == ["All categories", "Toys", "Kites 3"]
    below = kites.get(options(toys)["Kites 3"]).text
    assert list(options(below))[:4] == ["All categories", "Toys", "Kites", "Stunt 1"]
    assert set(shown(below)) == {"k1", "k2", "k3"}
    assert set(shown(kites.get(options(below)["Toys"]).text)) == {"k1", "k2", "k3", "k5"}
    assert len(shown(kites.get(options(below)["All categories"]).text)) == 5


def test_a_level_that_all_share_is_passed_over(shop: Shop, client: FlaskClient) -> None:
    for n, category in enumerate(["Toys > Kites > Stunt", "Toys > Kites > Box", "Toys > Kites > Box"]):
        shop.upsert([{"id": f"k{n}", "title": "Kite", "category": category}])
    page = ask(client)
    assert list(options(page)) == ["Box 2", "Stunt 1"]
    assert list(options(client.get(options(page)["Box 2"]).text)) == ["All categories", "Toys", "Kites", "Box"]


def test_several_brands_one_price_and_taking_them_back(kites: FlaskClient) -> None:
    wind = kites.get(options(ask(kites))["Wind 2"]).text
    assert (set(shown(wind)), list(chosen(wind))) == ({"k1", "k2"}, ["Wind"])
    both = kites.get(options(wind)["Gale 2"]).text  # still counted, though none of the hits is of it
    assert (set(shown(both)), list(chosen(both))) == ({"k1", "k2", "k3", "k5"}, ["Wind", "Gale"])
    cheap = kites.get(options(both)["Under £15 1"]).text
    assert (shown(cheap), list(chosen(cheap))) == (["k1"], ["Wind", "Gale", "Under £15"])
    dear = kites.get(options(cheap)["£25 and more 1"]).text
    assert (shown(dear), list(chosen(dear))) == (["k3"], ["Wind", "Gale", "£25 and more"])
    assert shown(kites.get(chosen(dear)["Wind"]).text) == ["k3"]
    assert shown(kites.get(chosen(dear)["Gale"]).text) == []
    assert set(shown(kites.get(chosen(dear)["£25 and more"]).text)) == {"k1", "k2", "k3", "k5"}


@pytest.mark.parametrize("brand", ODD)
def test_any_brand_can_be_chosen_and_taken_back(shop: Shop, kites: FlaskClient, brand: str) -> None:
    shop.upsert([{"id": "odd", "title": "Odd Kite", "brand": brand}])
    page = kites.get(options(ask(kites))[f"{brand} 1"]).text
    assert (shown(page), list(chosen(page))) == (["odd"], [brand])
    assert len(shown(kites.get(chosen(page)[brand]).text)) == 6
    both = kites.get(options(page)["Wind 2"]).text
    assert set(shown(both)) == {"odd", "k1", "k2"}


@pytest.mark.parametrize("level", [odd for odd in ODD if ">" not in odd])
def test_any_category_can_be_chosen(shop: Shop, kites: FlaskClient, level: str) -> None:
    shop.upsert([{"id": "odd", "title": "Odd Kite", "category": f"Toys > {level}"}])
    toys = kites.get(options(ask(kites))["Toys 5"]).text
    page = kites.get(options(toys)[f"{level} 1"]).text
    assert (shown(page), list(chosen(page))) == (["odd"], [level])


@pytest.mark.parametrize(
    ("filter", "chips", "ids"),
    [
        ("price:5..15", ["£5 – £15"], {"k1", "k2", "k4"}),
        ("price:..9 stock:in", ["Under £9", "In stock"], {"k1"}),
        ("brand:wind (price:5 OR price:15)", ["wind", "(price:5 OR price:15)"], {"k1", "k2"}),
        ("brand:Wind OR brand:Page", ["(brand:Wind OR brand:Page)"], {"k1", "k2", "k4"}),
        ("NOT category:Toys", ["NOT category:Toys"], {"k4"}),
        ("brand:Wind brand:Page", ["(brand:Wind brand:Page)"], set()),
    ],
)
def test_a_filter_written_by_hand_is_kept(kites: FlaskClient, filter: str, chips: list[str], ids: set[str]) -> None:
    page = ask(kites, filter=filter)
    assert (list(chosen(page)), set(shown(page))) == (chips, ids)
    if "Books 1" in options(page) or "Page 1" in options(page):
        href = options(page).get("Books 1") or options(page)["Page 1"]
        assert set(shown(kites.get(href).text)) <= ids | {"k4"}
    for name, href in chosen(page).items():
        assert list(chosen(kites.get(href).text)) == [other for other in chips if other != name]


@pytest.mark.parametrize("named", [{"filter": "price:cheap"}, {"filter": "brand:"}, {"filter": "(x"}, {"sort": "best"}])
def test_a_wrong_filter_or_order_is_said(client: FlaskClient, named: dict[str, str]) -> None:
    response = client.get("/", query_string={"q": "star lantern", **named})
    assert response.status_code == 400
    assert "This address can't be read" in response.text
    assert f"{next(iter(named))}: " in response.text and 'value="star lantern"' in response.text
    assert 'class="button" href="/?q=star+lantern"' in response.text


def test_filter_that_nothing_passes_counts_hits_without_it(kites: FlaskClient) -> None:
    page = ask(kites, filter="brand:Nope price:..10", sort="price")
    assert "No product fits everything that you chose" in page and "Without it there are 5" in page
    assert "Popular right now" not in page
    cleared = unescape(re.findall(r'<a href="([^"]+)" rel="nofollow">Without it', page)[0])
    assert len(shown(kites.get(cleared).text)) == 5 and "sort=price" in cleared


@pytest.mark.parametrize(
    ("sort", "order"),
    [("price", ["k1", "k4", "k2", "k3", "k5"]), ("-price", ["k3", "k2", "k4", "k1", "k5"]), ("newest", ["k3"])],
)
def test_sorting_keeps_the_rest_of_the_address(kites: FlaskClient, sort: str, order: list[str]) -> None:
    page = ask(kites, sort=sort)
    assert shown(page)[: len(order)] == order
    assert f'<option value="{sort}" selected>' in page
    filtered = ask(kites, sort=sort, filter="brand:Wind", exact=1)
    assert all(f"sort={sort}" in href and "exact=1" in href for href in options(filtered).values())
    form = filtered[filtered.index('<form class="sort"') : filtered.index('<select id="sort"')]
    assert re.findall(r'name="(\w+)" value="([^"]+)"', form) == [
        ("q", "kite"),
        ("filter", "brand:Wind"),
        ("exact", "1"),
    ]


def test_only_orders_that_make_a_difference_are_offered(client: FlaskClient, kites: FlaskClient) -> None:
    assert orders(ask(kites)) == ["relevance", "popular", "price", "-price", "newest"]
    assert orders(ask(client, "hostile")) == ["relevance", "popular", "price", "-price"]


def test_a_shop_of_titles_alone_has_no_facets(shop: Shop, client: FlaskClient) -> None:
    shop.upsert({"id": f"g{n}", "title": f"Gears of War {n}"} for n in range(3))
    page = ask(client, "gears of war")
    assert len(shown(page)) == 3 and options(page) == {} and "popover" not in page
    assert orders(page) == ["relevance", "popular"]
    assert shown(ask(client, "gears of war", filter="brand:Sony")) == []


def test_pages_keep_the_query_and_lead_back_from_beyond_the_end(shop: Shop, client: FlaskClient) -> None:
    shop.upsert({"id": f"n{n:02}", "title": f"Numbered Kite {n}", "brand": "B", "price": n + 1} for n in range(60))
    address, seen = "/?q=kite&filter=brand:B&sort=-price", []
    while address:
        page = client.get(address).text
        seen += shown(page)
        address = unescape("".join(re.findall(r'href="([^"]+)" rel="nofollow">Next', page)))
    assert seen == [f"n{n:02}" for n in reversed(range(60))]
    assert "49–60 of 60 products" in page
    beyond = client.get("/?q=kite&filter=brand:B&sort=-price&offset=5000").text
    assert "There is nothing on this page" in beyond and "Nothing found" not in beyond
    back = unescape(re.findall(r'href="([^"]+)" rel="nofollow">← Previous', beyond)[0])
    assert shown(client.get(back).text) == seen[48:]


def test_a_correction_is_said_and_can_be_refused(client: FlaskClient) -> None:
    page = ask(client, "lanterm", filter="price:1..10")
    assert "Results for <q>lantern</q>" in page and 'value="lanterm"' in page
    refused = unescape(re.findall(r'Search instead for <a href="([^"]+)"', page)[0])
    assert "filter=price" in refused
    exact = client.get(refused).text
    assert "Nothing found for <q>lanterm</q>" in exact and "Taken exactly as typed" in exact
    again = unescape(re.findall(r'Taken exactly as typed. <a href="([^"]+)"', exact)[0])
    assert shown(client.get(again).text) == shown(page)


def test_what_is_relaxed_is_said(client: FlaskClient) -> None:
    assert "No product has all of these words" in ask(client, "glass teapot")
    assert "No product has all of these words" not in ask(client, "glass lantern")


def test_explain_shows_reasons_under_the_hits(client: FlaskClient) -> None:
    plain, explained = ask(client, "glass lantern"), ask(client, "glass lantern", explain=1)
    assert 'class="reason"' not in plain
    assert "has all words of your search" in explained
    assert 'href="/?q=glass+lantern&amp;explain=1"' in plain and "why these?" in plain


def test_another_shopper_sees_the_same_page(kites: FlaskClient) -> None:
    page = ask(kites, filter="brand:Wind", sort="price")
    form = page[page.index('action="/shopper"') : page.index("</form>", page.index('action="/shopper"'))]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', form))
    moved = kites.post("/shopper", data={"user": "ann", **hidden})
    assert moved.headers["Location"] == "/?q=kite&filter=brand:Wind&sort=price"


def test_counting_for_the_facets_is_not_logged(shop: Shop, kites: FlaskClient) -> None:
    ask(kites, filter="brand:Wind price:..10")
    shop.store.answer_log.close()
    assert shop.store.events._db.value("SELECT count(*) FROM searches") == 1
