"""`GET`, `POST /synonyms` and `DELETE /synonyms/<id>`."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

PAIR = {"word": "TV", "means": "television"}


def test_round_trip(client: FlaskClient) -> None:
    assert client.get("/synonyms").json == {"synonyms": []}
    added = client.post("/synonyms", json=PAIR)
    row = {"id": 1, "word": "tv", "means": "television", "two_way": False}
    assert (added.status_code, added.json) == (201, {"synonyms": [row]})
    again = client.post("/synonyms", json=PAIR | {"two_way": True})
    assert (again.status_code, again.json) == (200, {"synonyms": [row | {"two_way": True}]})
    assert client.get("/synonyms").json == again.json
    deleted = client.delete("/synonyms/1")
    assert (deleted.status_code, deleted.json) == (200, {"deleted": 1})
    assert client.get("/synonyms").json == {"synonyms": []}


def test_many_at_once(client: FlaskClient) -> None:
    added = client.post("/synonyms", json=[PAIR, {"word": "sneakers", "means": ["trainers", "running shoes"]}])
    assert [row["means"] for row in added.json["synonyms"]] == ["television", "trainers", "running shoes"]
    assert client.get("/synonyms").json == added.json


@pytest.mark.parametrize(("body", "field", "reason"), [
    ({"word": "tv"}, "means", "means: expected words with at least one letter or digit, got nothing"),
    ([PAIR, {"word": "tv", "means": "TV"}], "means", "row 1: means: "),
    ([PAIR, 5], None, "row 1: synonym: expected an object with word, means, two_way, got int"),
    (PAIR | {"twoway": True}, "twoway", "expected a field of a synonym (word, means, two_way)"),
    (PAIR | {"word": "x" * 101}, "word", "expected at most 100 characters, got 101"),
])  # fmt: skip
def test_all_or_none(client: FlaskClient, body: Any, field: str | None, reason: str) -> None:
    refused = client.post("/synonyms", json=body)
    assert refused.status_code == 400
    error = refused.json["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert reason in error["message"]
    assert client.get("/synonyms").json == {"synonyms": []}


def test_a_line_that_cannot_be_read_refuses_the_others(client: FlaskClient) -> None:
    refused = client.post("/synonyms", data='{"word": "tv", "means": "telly"}\n{"word": "tv"\n')
    assert (refused.status_code, refused.json["error"]["field"]) == (400, "body")
    assert client.get("/synonyms").json == {"synonyms": []}


@pytest.mark.parametrize("path", ["/synonyms", "/rules"])
@pytest.mark.parametrize("body", [b"", b"word=tv&means=telly", b'"tv"', b'[{"word": "tv", "means": "telly"}'])
def test_an_unreadable_body_is_400(client: FlaskClient, path: str, body: bytes) -> None:
    refused = client.post(path, data=body)
    assert (refused.status_code, refused.json["error"]["field"]) == (400, "body")


@pytest.mark.parametrize("kind", ["synonyms", "rules"])
@pytest.mark.parametrize("id", ["1", "0", "-1", "1.0", "tv", "%ff", "%D9%A1", "9" * 30, "a/b", "+1"])
def test_what_is_not_there_is_404(client: FlaskClient, kind: str, id: str) -> None:
    missing = client.delete(f"/{kind}/{id}")
    assert missing.status_code == 404
    assert (missing.json["error"]["code"], missing.json["error"]["field"]) == ("not_found", "id")


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/synonyms"), ("DELETE", "/synonyms"), ("GET", "/synonyms/1"), ("POST", "/rules/1"), ("PATCH", "/rules"),
])  # fmt: skip
def test_other_methods_are_405(client: FlaskClient, method: str, path: str) -> None:
    assert client.open(path, method=method).status_code == 405
