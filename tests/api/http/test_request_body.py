"""Bodies that can't be read, and those that are too large."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shelfwise import Shop

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
    assert response.json["error"]["field"] == "body"
    assert shop.store.events.count() == before


@pytest.mark.parametrize(("method", "path"), [("POST", "/events"), ("PUT", "/items")])
def test_a_huge_body_is_413(app: Flask, method: str, path: str) -> None:
    body = b" " * (32 * 1024 * 1024 + 1)
    assert app.test_client().open(path, method=method, data=body).json["error"]["code"] == "too_large"
    app.config["MAX_CONTENT_LENGTH"] = 100
    response = app.test_client().open(path, method=method, data=b" " * 101)
    assert response.status_code == 413
    assert response.json["error"]["code"] == "too_large"


def test_a_chunked_body_over_the_limit_is_not_cut_and_taken(app: Flask, shop: Shop) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 100
    before = shop.store.events.count()
    body = b'{"type": "click", "item": "1"}\n' * 5
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = app.test_client().post("/events", input_stream=io.BytesIO(body), environ_overrides=chunked)
    assert response.status_code == 413
    assert response.json["error"]["code"] == "too_large"
    assert shop.store.events.count() == before
