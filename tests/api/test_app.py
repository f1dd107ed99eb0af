"""The factory, and the blueprint within a host app that has its own routes, errors and templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

import shelfwise.api
from shelfwise import Shop
from shelfwise.api import blueprint, create_app


def test_only_the_two_ways_in_are_exported() -> None:
    assert shelfwise.api.__all__ == ["blueprint", "create_app"]


def test_the_shop_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHELFWISE_DATA", raising=False)
    for config, folder in (({"DATA": "given"}, "given"), (None, "shelfwise-data")):
        assert create_app(config).test_client().get("/status").json["items"] == 0
        assert (tmp_path / folder / "shop.db").exists()
    monkeypatch.setenv("SHELFWISE_DATA", str(tmp_path / "named"))
    create_app()
    assert (tmp_path / "named" / "shop.db").exists()


def test_watching_is_asked_for(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        create_app({"SHOP": shop, "WATCH": True})
        assert shop._reloader._watcher is not None and shop._reloader._watcher.is_alive()


@pytest.fixture
def host(shop: Shop) -> Flask:
    """A shop's own app with what could collide: a root, errors, delimiters and a name for everything."""
    host = Flask("host")
    host.jinja_env.variable_start_string = "[["
    host.add_url_rule("/", "home", lambda: "the host's home")
    host.add_url_rule("/items/<path:id>", "item", lambda id: "the host's item")
    host.register_error_handler(404, lambda _: ("the host's 404", 404))
    host.register_error_handler(405, lambda _: ("the host's 405", 405))
    host.register_error_handler(Exception, lambda _: ("the host's 500", 500))
    host.register_blueprint(blueprint(shop), url_prefix="/find/here")
    return host


def test_a_host_keeps_its_own(host: Flask) -> None:
    client = host.test_client()
    assert client.get("/").text == "the host's home"
    assert client.get("/items/22465").text == "the host's item"
    assert client.get("/none-such").text == "the host's 404"
    assert client.post("/").text == "the host's 405"
    assert client.get("/search?q=lantern").text == "the host's 404"
    assert "Content-Security-Policy" not in client.get("/").headers


def test_our_errors_stay_ours_within_a_host(host: Flask) -> None:
    client = host.test_client()
    assert client.get("/find/here/search?q=").json["error"]["field"] == "q"
    assert client.get("/find/here/items/none-such").json["error"]["code"] == "not_found"
    assert client.patch("/find/here/search").json["error"]["code"] == "method_not_allowed"
    assert client.post("/find/here/events", data=b"{").json["error"]["code"] == "invalid"
    page = client.get("/find/here/item/none-such")
    assert page.status_code == 404 and "not in the shop" in page.text


def test_every_link_honours_the_prefix(host: Flask) -> None:
    client = host.test_client()
    pages = ["/find/here/", "/find/here/?q=lantern", "/find/here/item/22465", "/find/here/item/none-such"]
    links_by_page = [re.findall(r'(?:href|src|action)="([^"#]+)"', client.get(page).text) for page in pages]
    links = {link for links in links_by_page for link in links if not link.startswith("https://")}
    assert len(links) > 10
    assert all(link.startswith("/find/here/") for link in links)
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code in (200, 405)  # 405: where a form posts to
    cookies = client.get("/find/here/").headers.getlist("Set-Cookie")
    assert cookies and all("Path=/find/here/" in cookie for cookie in cookies)


def test_two_shops_in_one_host(shop: Shop, tmp_path: Path) -> None:
    host = Flask("host")
    with Shop(tmp_path / "other") as other:
        host.register_blueprint(blueprint(shop), url_prefix="/one")
        host.register_blueprint(blueprint(other), url_prefix="/two", name="other")
        client = host.test_client()
        assert [client.get(f"/{name}/status").json["items"] for name in ("one", "two")] == [7, 0]
        assert "/two/shelfwise-static/" in client.get("/two/").text
