"""`GET`, `POST /rules` and `DELETE /rules/<id>`."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

RULE = {"action": "pin", "query": "star lantern", "items": ["21730", 22465]}
ROW = {
    "id": 1, "action": "pin", "match": "exact", "query": "star lantern", "items": ["21730", "22465"], "filter": None,
    "strength": None, "starts": None, "ends": None, "note": None,
}  # fmt: skip


def test_round_trip(client: FlaskClient) -> None:
    assert client.get("/rules").json == {"rules": []}
    added = client.post("/rules", json=RULE)
    assert (added.status_code, added.json) == (201, {"rules": [ROW]})
    again = client.post("/rules", json=RULE)
    assert (again.status_code, again.json) == (200, {"rules": [ROW]})
    assert client.get("/rules").json == {"rules": [ROW]}
    deleted = client.delete("/rules/1")
    assert (deleted.status_code, deleted.json) == (200, {"deleted": 1})
    assert client.get("/rules").json == {"rules": []}


def test_a_rule_with_everything(client: FlaskClient) -> None:
    rule = {
        "action": "boost", "match": "any", "filter": "brand:Northlight price:..5", "strength": 0.25,
        "starts": "2026-12-01T00:00:00+01:00", "ends": 1798329600, "note": "Christmas",
    }  # fmt: skip
    row = client.post("/rules", json=[rule]).json["rules"][0]
    assert row == ROW | rule | {
        "query": None, "items": [], "starts": "2026-11-30T23:00:00.000Z", "ends": "2026-12-27T00:00:00.000Z",
    }  # fmt: skip
    assert client.get("/rules").json == {"rules": [row]}


@pytest.mark.parametrize(("body", "field"), [
    ({}, "action"), (RULE | {"action": "promote"}, "action"), (RULE | {"query": " "}, "query"),
    (RULE | {"items": []}, "items"), (RULE | {"filter": "price:cheap"}, "filter"), (RULE | {"strength": 1}, "strength"),
    (RULE | {"starts": "soon"}, "starts"), (RULE | {"starts": 5, "ends": 4}, "ends"), (RULE | {"from": 5}, "from"),
    ([RULE, RULE | {"match": "fuzzy"}], "match"), ([[RULE]], None),
])  # fmt: skip
def test_all_or_none(client: FlaskClient, body: Any, field: str | None) -> None:
    refused = client.post("/rules", json=body)
    assert refused.status_code == 400
    assert (refused.json["error"]["code"], refused.json["error"]["field"]) == ("invalid", field)
    assert field is None or field in refused.json["error"]["message"]
    assert client.get("/rules").json == {"rules": []}
