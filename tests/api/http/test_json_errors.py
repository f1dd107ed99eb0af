"""Every error of the contract: its status, its JSON body, the field it names."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shelfwise import Shop

LONG = "x" * 1_001

REFUSED = [
    # method, path, status, code, field
    ("GET", "/search", 400, "invalid", "q"),
    ("GET", "/search?q=", 400, "invalid", "q"),
    ("GET", "/search?q=%20%09%0a", 400, "invalid", "q"),
    ("GET", f"/search?q={LONG}", 400, "invalid", "q"),
    ("GET", "/search?q=a%00b", 400, "invalid", "q"),
    ("GET", "/search?q=%ff", 400, "invalid", "q"),
    ("GET", "/search?q=%ed%a0%80", 400, "invalid", "q"),  # U+D800, as UTF-8 must not write it
    ("GET", "/search?q=a&user=%ff", 400, "invalid", "user"),
    ("GET", "/search?q=a&session=a%00", 400, "invalid", "session"),
    ("GET", f"/search?q=a&user={LONG}", 400, "invalid", "user"),
    *[("GET", f"/search?q=a&limit={bad}", 400, "invalid", "limit")
      for bad in ("abc", "0", "101", "-1", "1.5", "", "1e1", "%D9%A1", "9" * 30, "9" * 5000, "+5", "1_0")],
    *[("GET", f"/search?q=a&offset={bad}", 400, "invalid", "offset") for bad in ("abc", "-1", "", "1.0", "9" * 30)],
    *[("GET", f"/recommend?limit={bad}", 400, "invalid", "limit") for bad in ("abc", "0", "101", "")],
    ("GET", "/recommend?user=%ff", 400, "invalid", "user"),
    ("GET", "/recommend?item=none-such", 404, "not_found", "item"),
    ("GET", "/recommend?item=22465&item=none-such", 404, "not_found", "item"),
    ("GET", f"/recommend?item={LONG}", 404, "not_found", "item"),
    ("GET", "/recommend?item=%ff", 404, "not_found", "item"),
    ("GET", "/recommend?item=%00", 404, "not_found", "item"),
    ("GET", "/recommend?" + "item=22465&" * 101, 400, "invalid", "item"),
    ("GET", "/search?" + "a=b&" * 1_100, 400, "invalid", None),
    *[(method, f"/items/{bad}", 404, "not_found", "id")
      for method in ("GET", "DELETE") for bad in ("none-such", "%ff", "%00", "a/b", "%2F", "%0a", "x" * 600)],
    ("GET", "/none-such", 404, "not_found", None),
    *[(method, path, 405, "method_not_allowed", None) for method, path in [
        ("POST", "/search"), ("DELETE", "/recommend"), ("GET", "/events"), ("PUT", "/events"), ("GET", "/items"),
        ("POST", "/items"), ("PUT", "/items/22465"), ("PATCH", "/items/22465"), ("POST", "/status"),
        ("TRACE", "/healthz")]],
]  # fmt: skip


def error_of(response: Any) -> dict[str, Any]:
    assert response.mimetype == "application/json"
    assert set(response.json) == {"error"}
    error = response.json["error"]
    assert set(error) == {"code", "message", "field"}
    assert isinstance(error["message"], str) and error["message"]
    return dict(error)


@pytest.mark.parametrize(("method", "path", "status", "code", "field"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_bad_request_is_told_why(
    client: FlaskClient, method: str, path: str, status: int, code: str, field: str | None
) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    error = error_of(response)
    assert (error["code"], error["field"]) == (code, field)


def test_405_names_the_methods_that_are_taken(client: FlaskClient) -> None:
    assert client.patch("/items/22465").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"
    answer = client.options("/search")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


UNREADABLE = {
    "empty": b"",
    "blank": b" \n\t\n",
    "no JSON": b"hello",
    "truncated object": b'{"type": "click", "item": ',
    "truncated array": b'[{"type": "click", "item": "1"},\n{"type": "click", "item": "2"}\n',
    "two on a line": b'{"type": "click", "item": "1"}{"type": "click", "item": "2"}',
    "number": b"5",
    "text": b'"click"',
    "null": b"null",
    "true": b"true",
    "NaN": b'{"type": "click", "item": "1", "value": NaN}',
    "Infinity": b'[{"type": "click", "item": "1", "value": -Infinity}]',
    "no UTF-8": b'{"type": "click", "item": "\xff"}',
    "UTF-16": '{"type": "click", "item": "1"}'.encode("utf-16"),
    "single quotes": b"{'type': 'click'}",
    "trailing comma": b'{"type": "click",}',
    "deep array": b"[" * 100_000,
    "deep and closed": b"[" * 50_000 + b"]" * 50_000,
    "deep object": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "rather deep": b'{"type": "click", "item": "1", "x": ' + b"[" * 90 + b"]" * 90 + b"}",
    "endless number": b'{"type": "click", "item": ' + b"9" * 5_000 + b"}",
    "form": b"type=click&item=1",
    "lines without an object": b"[1]\n[2]",
}


@pytest.mark.parametrize("path", ["/events", "/items"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_body_is_400(client: FlaskClient, shop: Shop, path: str, body: bytes) -> None:
    before = shop.store.events.count()
    response = client.open(path, method="POST" if path == "/events" else "PUT", data=body)
    assert response.status_code == 400
    assert error_of(response)["field"] == "body"
    assert shop.store.events.count() == before


@pytest.mark.parametrize(("method", "path"), [("POST", "/events"), ("PUT", "/items")])
def test_a_huge_body_is_413(app: Flask, method: str, path: str) -> None:
    body = b" " * (32 * 1024 * 1024 + 1)
    assert error_of(app.test_client().open(path, method=method, data=body))["code"] == "too_large"
    app.config["MAX_CONTENT_LENGTH"] = 100
    response = app.test_client().open(path, method=method, data=b" " * 101)
    assert response.status_code == 413
    assert error_of(response)["code"] == "too_large"


def test_a_chunked_body_over_the_limit_is_not_cut_and_taken(app: Flask, shop: Shop) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 100
    before = shop.store.events.count()
    body = b'{"type": "click", "item": "1"}\n' * 5
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = app.test_client().post("/events", input_stream=io.BytesIO(body), environ_overrides=chunked)
    assert response.status_code == 413
    assert error_of(response)["code"] == "too_large"
    assert shop.store.events.count() == before


def test_a_fault_of_ours_is_a_plain_500(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise RuntimeError("secret detail")

    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    shop = app.config["SHOP"]
    monkeypatch.setattr(shop.store.items, "last_seq", fail)
    response = app.test_client().get("/healthz")
    assert response.status_code == 500
    assert error_of(response)["code"] == "internal"
    assert "secret" not in response.text
