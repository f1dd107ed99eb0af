"""Every error of the contract: its status, its JSON body, the field it names."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

LONG = "x" * 1_001

REFUSED = [
    # method, path, status, code, field
    ("GET", "/search", 400, "invalid", "q"),
    *[("GET", f"/search?q={bad}", 400, "invalid", "q")
      for bad in ("", "%20%09%0a", LONG, "a%00b", "%ff", "%ed%a0%80")],  # the last is U+D800, no valid UTF-8
    ("GET", "/search?q=a&user=%ff", 400, "invalid", "user"),
    ("GET", "/search?q=a&session=a%00", 400, "invalid", "session"),
    ("GET", f"/search?q=a&user={LONG}", 400, "invalid", "user"),
    *[("GET", f"/search?q=a&limit={bad}", 400, "invalid", "limit")
      for bad in ("abc", "0", "101", "-1", "1.5", "", "1e1", "%D9%A1", "9" * 30, "9" * 5000, "+5", "1_0")],
    *[("GET", f"/search?q=a&offset={bad}", 400, "invalid", "offset") for bad in ("abc", "-1", "", "1.0", "9" * 30)],
    *[("GET", f"/recommend?limit={bad}", 400, "invalid", "limit") for bad in ("abc", "0", "101", "")],
    ("GET", "/recommend?user=%ff", 400, "invalid", "user"),
    *[("GET", f"/recommend?item={bad}", 404, "not_found", "item")
      for bad in ("none-such", "22465&item=none-such", LONG, "%ff", "%00")],
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
