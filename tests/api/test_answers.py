"""`GET /search` and `GET /recommend`."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shelfwise import Shop


def test_search_answers_as_the_contract_says(client: FlaskClient) -> None:
    response = client.get("/search?q=star%20lantern&user=17850&session=s1&limit=2")
    body = response.json
    assert response.status_code == 200
    assert {"search_id", "query", "generation", "total", "took_ms", "hits", "degraded"} == set(body)
    assert body["query"] == "star lantern"
    assert body["degraded"] == ["encoder"] and body["generation"] is None  # this shop has learned nothing yet
    assert len(body["hits"]) == 2 and body["total"] >= 4
    assert {"id", "title", "price", "currency", "in_stock", "score"} <= set(body["hits"][0])


def test_a_search_is_logged_with_what_it_showed(client: FlaskClient, shop: Shop) -> None:
    found = client.get("/search?q=teapot&user=17850").json
    client.post("/events", json={"type": "click", "item": "a/b c//ü?#", "search_id": found["search_id"], "position": 1})
    shop.store.shown.close()
    (event,) = [event for event in shop.store.events.newest(shop.now() + 1, 10) if event.type == "click"]
    assert event.item == "a/b c//ü?#"
    assert shop.store.events._db.value("SELECT query FROM searches WHERE search_id = ?", (found["search_id"],))


@pytest.mark.parametrize(
    "q", ["C%2B%2B", 'red"shoe', "NEAR(", "-x", "col:val", '"', "%3F!%2C.", "*", "a*", "AND", "title:lamp", "ÄÖ", "💡"]
)
def test_operators_are_ordinary_text(client: FlaskClient, q: str) -> None:
    assert client.get(f"/search?q={q}").status_code == 200


def test_limit_and_offset_cut_the_same_list(client: FlaskClient) -> None:
    whole = [hit["id"] for hit in client.get("/search?q=lantern&limit=100").json["hits"]]
    parts = [client.get(f"/search?q=lantern&limit=1&offset={offset}").json["hits"] for offset in range(len(whole) + 1)]
    assert [hit["id"] for part in parts for hit in part] == whole
    assert client.get("/search?q=lantern&offset=999999999999").json["hits"] == []


def test_text_is_written_as_itself(client: FlaskClient) -> None:
    response = client.get("/items/a%2Fb%20c%2F%2F%C3%BC%3F%23")
    assert "ü" in response.get_data(as_text=True) and ": " not in response.text


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", "popular"), ("user=nobody-knows", "popular"), ("user=&session=&item=", "popular"), ("user=17850", "for-you"),
     ("item=22465", "similar"), ("item=22465&item=22464&user=17850", "similar")],
)  # fmt: skip
def test_recommend_is_of_a_kind(client: FlaskClient, query: str, kind: str) -> None:
    response = client.get(f"/recommend?{query}&limit=3")
    assert response.status_code == 200
    assert {"recommendation_id", "generation", "kind", "took_ms", "hits"} <= set(response.json)
    assert response.json["kind"] == kind
    ids = [hit["id"] for hit in response.json["hits"]]
    assert len(ids) == 3 and "gone" not in ids
