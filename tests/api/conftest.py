"""A small shop with a few plain items and a few hostile ones, and a client of its HTTP API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from shelfwise import Shop
from shelfwise.api import create_app

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = '"><img src=x onerror=alert(1)>'

ITEMS: list[dict[str, Any]] = [
    {"id": "22465", "title": "Hanging Metal Star Lantern", "price": 1.65, "currency": "GBP",
     "category": "Lighting > Lamps & Lanterns", "brand": "Northlight", "tags": ["metal"], "material": "zinc",
     "image": "https://images.example/22465.jpg", "url": "https://shop.example/22465", "description": "Hangs."},
    {"id": "22464", "title": "Hanging Metal Heart Lantern", "price": 1.65, "currency": "GBP"},
    {"id": "21730", "title": "Glass Star Frosted Lantern", "price": 4950, "currency": "JPY"},
    {"id": "gone", "title": "Sold Lantern", "in_stock": False, "price": 3, "currency": "CHF"},
    {"id": "a/b c//ü?#", "title": "Odd Id Teapot"},
    {"id": BREAKOUT, "title": f"Hostile {SCRIPT}", "brand": BREAKOUT, "category": f"{SCRIPT} > {BREAKOUT}",
     "description": SCRIPT, "currency": BREAKOUT, "price": 1, "tags": [BREAKOUT], "url": "javascript:alert(1)",
     "image": "javascript:alert(1)", SCRIPT: BREAKOUT, "nested": {"x": [SCRIPT]}},
    {"id": "quote", "title": "Hostile Image", "image": f"https://images.example/{BREAKOUT}"},
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Shop(tmp_path / "shop") as shop:
        assert shop.upsert(ITEMS)["upserted"] == len(ITEMS)
        shop.record({"type": "purchase", "item": item, "user": "17850"} for item in ("22464", "21730", "22464"))
        yield shop


@pytest.fixture
def app(shop: Shop) -> Flask:
    return create_app({"SHOP": shop, "TESTING": True})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Start a real server in a thread, and return its address."""
    with ExitStack() as running:
        yield lambda app: running.enter_context(_serving(app))


@pytest.fixture
def address(serve: Callable[[Flask], str], app: Flask) -> str:
    return serve(app)


@contextmanager
def _serving(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()
