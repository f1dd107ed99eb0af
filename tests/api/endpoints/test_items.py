"""`PUT /items`, `GET` and `DELETE /items/<id>`."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

IDS = ["plain", "a/b", "a//b", "with space", "ü→💡", "50%", "a?b#c", "/first", "last/", "a;b&c=d", "x\ny", "+", "..."]


@pytest.mark.parametrize("id", IDS)
def test_round_trip(client: FlaskClient, id: str) -> None:
    path = f"/items/{quote(id, safe='')}"
    put = client.put("/items", json={"id": id, "title": "Thing", "price": "2.55", "colour": "red"})
    assert (put.status_code, put.json) == (200, {"upserted": 1, "unchanged": 0, "rejected": []})
    got = client.get(path)
    assert got.status_code == 200
    assert (got.json["id"], got.json["price"], got.json["attributes"]) == (id, 2.55, {"colour": "red"})
    assert client.head(path).status_code == 200
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.json) == (200, {"deleted": 1})
    assert client.get(path).status_code == client.delete(path).status_code == 404


def test_each_item_is_judged_alone_and_unchanged_are_counted(client: FlaskClient) -> None:
    rows = [{"id": "new", "title": "New"}, {"id": "22464", "price": 1.65}, {"title": "no id"}, {"id": "no-title"}]
    rows += [{"id": "1", "title": "Free", "price": -1}, {"id": "2", "title": "  "}]
    answer = client.put("/items", data="\n".join(json.dumps(row) for row in rows)).json
    assert (answer["upserted"], answer["unchanged"]) == (1, 1)
    assert [bad["index"] for bad in answer["rejected"]] == [2, 3, 4, 5]


def test_fields_that_a_row_does_not_name_stay(client: FlaskClient) -> None:
    client.put("/items", json={"id": "22465", "price": 9})
    item = client.get("/items/22465").json
    assert (item["price"], item["brand"], item["attributes"]) == (9, "Northlight", {"material": "zinc"})


def test_a_change_is_searchable_at_once(client: FlaskClient) -> None:
    client.put("/items", json={"id": "kite", "title": "Paper Kite"})
    assert client.get("/search?q=kite").json["hits"][0]["id"] == "kite"
    client.delete("/items/kite")
    assert "kite" not in [hit["id"] for hit in client.get("/search?q=kite").json["hits"]]
