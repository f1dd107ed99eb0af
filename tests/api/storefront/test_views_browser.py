"""The storefront in a real Chromium: typing, clicking, and what the shop then knows.

Skipped where there is none. To have one: `pip install playwright` (the driver; its own browsers are not needed) and
`apt-get install chromium`, or any Chrome on the PATH.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from shelfwise import Shop
from shelfwise.api import blueprint

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--no-first-run"]  # fmt: skip

pytestmark = [pytest.mark.real, pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGS + root)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, serve: Callable[[Flask], str]) -> Iterator[Any]:
    """A page that complains at the end about anything in its console, a breach of the CSP above all.

    It asks for `serve` so that it is gone before the servers are.
    """
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.route("https://images.example/*", lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(10_000)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(f"{message.text} {message.location}"))
    page.on("pageerror", lambda error: messages.append(str(error)))
    yield page
    context.close()
    assert [text for text in messages if "net::ERR_FAILED" not in text] == []  # the images, which lead nowhere


def events(shop: Shop, kind: str) -> list[dict[str, Any]]:
    rows = shop.store.events._db.rows("SELECT * FROM events WHERE type = ? ORDER BY seq", (kind,))
    return [dict(row) for row in rows]


def searches(shop: Shop) -> list[str]:
    shop.store.answer_log.close()
    return [row["query"] for row in shop.store.events._db.rows("SELECT query FROM searches ORDER BY ts")]


def test_typing_shows_results_and_clicks_cite_the_settled_search(page: Any, shop: Shop, address: str) -> None:
    page.goto(address)
    page.locator("#q").press_sequentially("glass lantern", delay=40)
    playwright.expect(page.locator("h1")).to_have_text("Results for glass lantern")
    page.wait_for_url("**/?q=glass+lantern")
    playwright.expect(page.locator("#announcement")).to_contain_text("products shown for glass lantern")
    page.locator("a.card", has_text="Glass Star").click()
    playwright.expect(page.locator("h1")).to_have_text("Glass Star Frosted Lantern")
    (click,) = events(shop, "click")
    assert (click["item"], click["position"], click["query"]) == ("21730", 1, None)
    assert searches(shop) == ["glass lantern"]  # none of its beginnings
    assert click["search_id"] in page.url
    page.go_back()
    playwright.expect(page.locator("#q")).to_have_value("glass lantern")
    playwright.expect(page.locator("h1")).to_have_text("Results for glass lantern")


def test_a_click_before_the_query_settles_cites_its_text(page: Any, shop: Shop, address: str) -> None:
    page.goto(address)
    page.clock.install()
    page.locator("#q").press_sequentially("teapot")
    page.clock.run_for(200)
    page.locator("a.card[href*='query=teapot']").first.click()
    page.wait_for_url("**/item/**")
    (click,) = events(shop, "click")
    assert (click["item"], click["position"], click["query"], click["search_id"]) == ("a/b c//ü?#", 1, "teapot", None)
    assert searches(shop) == []


def test_enter_settles_at_once_and_only_once(page: Any, shop: Shop, address: str) -> None:
    page.goto(address)
    page.locator("#q").fill("heart lantern")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/?q=heart+lantern")
    page.wait_for_timeout(900)
    assert searches(shop) == ["heart lantern"]
    page.go_back()
    playwright.expect(page.locator("h1")).to_have_text("What are you looking for?")


def test_choosing_a_shopper_and_buying(page: Any, shop: Shop, address: str) -> None:
    page.goto(address)
    page.locator(".shopper summary").click()
    page.locator("#user").fill("17850")
    page.get_by_role("button", name="Switch").click()
    playwright.expect(page.locator("h2").first).to_have_text("For you, customer 17850")
    page.locator("a.card").first.click()
    page.get_by_role("button", name="Buy").click()
    playwright.expect(page.locator(".done")).to_have_text("Bought. Thank you!")
    bought = events(shop, "purchase")[-1]
    assert (bought["user"], bought["position"]) == ("17850", 1) and bought["recommendation_id"] and bought["session"]


def test_hostile_text_stays_text_and_a_broken_image_gives_way(page: Any, address: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail("a script of the catalogue ran"))
    page.goto(f"{address}?q=hostile")
    playwright.expect(page.locator("a.card", has_text="<script>alert(1)</script>")).to_have_count(1)
    playwright.expect(page.locator(".tile img")).to_have_count(0)
    page.locator("a.card", has_text="<script>").click()
    playwright.expect(page.locator("h1")).to_contain_text("<script>alert(1)</script>")


def test_typing_under_a_prefix(page: Any, shop: Shop, serve: Callable[[Flask], str]) -> None:
    host = Flask("host")
    host.register_blueprint(blueprint(shop), url_prefix="/find")
    page.goto(serve(host) + "find/")
    page.locator("#q").press_sequentially("teapot")
    page.wait_for_url("**/find/?q=teapot")
    page.locator("a.card").first.click()
    page.wait_for_url("**/find/item/**")
    assert events(shop, "click")[0]["search_id"] in page.url
    page.wait_for_load_state("networkidle")


def test_suggestions_are_walked_with_the_keyboard(page: Any, shop: Shop, address: str) -> None:
    page.goto(address)
    field, rows = page.locator("#q[role=combobox]"), page.locator("#suggestions [role=option]")
    field.press_sequentially("lanter", delay=30)
    playwright.expect(field).to_have_attribute("aria-expanded", "true")
    playwright.expect(rows.nth(1)).to_be_visible()
    last = rows.count() - 1
    for key, place in [("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", None), ("ArrowUp", last)]:
        field.press(key)
        active = None if place is None else f"suggestion-{place}"
        assert field.get_attribute("aria-activedescendant") == active
        assert page.locator("[aria-selected=true]").evaluate_all("rows => rows.map(row => row.id)") == [active] * bool(
            active
        )
    text = rows.last.get_attribute("data-text")
    playwright.expect(field).to_have_value("lanter")
    field.press("Enter")
    playwright.expect(field).to_have_value(text)
    playwright.expect(page.locator("h1")).to_have_text(f"Results for {text}")
    playwright.expect(page.get_by_role("listbox")).to_be_hidden()
    page.wait_for_timeout(900)
    assert searches(shop)[-1] == text


def test_suggestions_close_with_escape_and_take_clicks(page: Any, address: str) -> None:
    page.goto(f"{address}item/22465")
    field, listed = page.locator("#q[role=combobox]"), page.get_by_role("listbox")
    field.press_sequentially("odd")
    playwright.expect(listed).to_be_visible()
    field.press("Escape")
    playwright.expect(listed).to_be_hidden()
    playwright.expect(field).to_have_value("odd")
    field.press("ArrowDown")
    page.get_by_role("option", name="Odd Id Teapot").click()
    playwright.expect(field).to_have_value("Odd Id Teapot")
    playwright.expect(page.locator("h1")).to_have_text("Results for Odd Id Teapot")


def test_hostile_suggestions_stay_text(page: Any, address: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail("a script of the catalogue ran"))
    page.goto(address)
    page.locator("#q").press_sequentially("hostile")
    playwright.expect(page.get_by_role("option").filter(has_text="<script>")).not_to_have_count(0)


def test_choosing_an_order_and_a_facet_on_a_phone(page: Any, shop: Shop, address: str) -> None:
    shop.upsert({"id": f"k{n}", "title": f"Kite {n}", "brand": "AB"[n % 2], "price": n} for n in range(6))
    page.goto(f"{address}?q=kite")
    page.get_by_label("Sort by").select_option("-price")
    page.wait_for_url("**/?q=kite&sort=-price")
    playwright.expect(page.get_by_role("link", name="A 3")).to_be_hidden()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="A 3").click()
    playwright.expect(page.locator("a.card")).to_have_count(3)
    assert page.locator("a.card").evaluate_all("cards => cards.map(card => card.dataset.item)") == ["k4", "k2", "k0"]
    page.get_by_role("button", name="Filter (1)").click()
    page.keyboard.press("Escape")
    playwright.expect(page.get_by_role("link", name="B 3")).to_be_hidden()
    page.get_by_role("link", name="Take back: A").click()
    playwright.expect(page.locator("a.card")).to_have_count(6)


def test_typing_anew_leaves_the_filter_behind(page: Any, shop: Shop, address: str) -> None:
    page.goto(f"{address}?q=lantern&filter=brand:Northlight&sort=price")
    playwright.expect(page.locator("a.card")).to_have_count(1)
    page.locator("#q").fill("star lantern")
    page.wait_for_url("**/?q=star+lantern")
    playwright.expect(page.locator("a.card")).to_have_count(2)
    page.go_back()
    playwright.expect(page.locator("a.card")).to_have_count(1)


@pytest.mark.parametrize(
    "path", ["", "?q=lantern", "item/22465", "?q=hostile", "?q=lanterm&filter=price:1..9&explain=1"]
)
def test_no_page_is_wider_than_a_phone(page: Any, address: str, path: str) -> None:
    page.goto(address + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript_the_same_forms_and_links_work(chromium: Any, shop: Shop, address: str) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(address)
    page.locator("#q").fill("glass")
    page.get_by_role("button", name="Search").click()
    page.locator("a.card", has_text="Glass Star").click()
    page.get_by_role("button", name="Add to cart").click()
    playwright.expect(page.locator(".done")).to_be_visible()
    (cart,) = events(shop, "cart")
    assert cart["search_id"] == events(shop, "click")[0]["search_id"] and searches(shop) == ["glass"]
    page.context.close()


def test_without_javascript_orders_and_facets_work(chromium: Any, shop: Shop, address: str) -> None:
    shop.upsert({"id": f"k{n}", "title": f"Kite {n}", "brand": "AB"[n % 2], "price": n} for n in range(6))
    page = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{address}?q=kite")
    page.get_by_label("Sort by").select_option("-price")
    page.get_by_role("button", name="Sort").click()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="A 3").click()
    playwright.expect(page.locator("a.card")).to_have_count(3)
    playwright.expect(page.locator("a.card").first).to_have_attribute("data-item", "k4")
    page.context.close()
