"""`POST /merge`."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

BOTH = {"session": "s", "user": "u"}


def test_a_login(client: FlaskClient) -> None:
    client.post("/events", json=[{"type": "view", "item": "22465", "session": "7"}] * 2)
    client.get("/search?q=lantern&session=7")
    client.get("/recommend?session=7")
    body = {"session": "7", "user": "17850", "events": 2, "searches": 1, "recommendations": 1}
    merged = client.post("/merge", json={"session": 7, "user": "17850"})
    assert (merged.status_code, merged.json) == (200, body)
    again = client.post("/merge", json={"session": 7, "user": "17850"})
    assert (again.status_code, again.json) == (200, body | {"events": 0, "searches": 0, "recommendations": 0})


@pytest.mark.parametrize(("body", "field"), [
    ({"user": "u"}, "session"), ({"session": "s"}, "user"), (BOTH | {"session": " "}, "session"),
    (BOTH | {"user": None}, "user"), (BOTH | {"user": ["u"]}, "user"), (BOTH | {"session": "x" * 600}, "session"),
    ([], "body"), ([BOTH, BOTH], "body"), ([[BOTH]], "body"), ("s", "body"),
])  # fmt: skip
def test_what_is_refused_names_its_field(client: FlaskClient, body: Any, field: str) -> None:
    client.post("/events", json={"type": "view", "item": "22465", "session": "s"})
    refused = client.post("/merge", json=body)
    assert refused.status_code == 400
    error = refused.json["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert error["message"].startswith(f"{field}: ")
    assert client.post("/merge", json=BOTH).json["events"] == 1, "nothing was merged before"


@pytest.mark.parametrize("data", [b"", b"session=s&user=u", b'{"session": "s", "user": "u"'])
def test_an_unreadable_body_is_400(client: FlaskClient, data: bytes) -> None:
    refused = client.post("/merge", data=data)
    assert (refused.status_code, refused.json["error"]["field"]) == (400, "body")


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 200), ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Origin": "http://localhost"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "http://evil.example"}, 403),
])  # fmt: skip
def test_another_sites_page_merges_nothing(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    client.post("/events", json={"type": "view", "item": "22465", "session": "s"})
    assert client.post("/merge", json=BOTH, headers=headers).status_code == status
    assert client.post("/merge", json=BOTH).json["events"] == (status == 403)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_405(client: FlaskClient, method: str) -> None:
    assert client.open("/merge", method=method).status_code == 405
