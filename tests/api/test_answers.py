"""`GET /search` and `GET /recommend`."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shelfwise import InvalidInput, Shop
from shelfwise.api import create_app
from shelfwise.records import Answer


def test_search_answers_as_the_contract_says(client: FlaskClient) -> None:
    response = client.get("/search?q=star%20lantern&user=17850&session=s1&limit=2")
    body = response.json
    assert response.status_code == 200
    assert {"search_id", "query", "generation", "total", "took_ms", "hits", "degraded"} == set(body)
    assert body["query"] == "star lantern"
    assert body["degraded"] == ["encoder"] and body["generation"] is None  # this shop has learned nothing yet
    assert len(body["hits"]) == body["total"] == 2  # those with both words
    assert {"id", "title", "price", "currency", "in_stock", "score"} <= set(body["hits"][0])


def test_a_search_is_filtered_counted_sorted_and_explained(client: FlaskClient) -> None:
    asked = (
        "/search?q=lantern&filter=price:1..10+stock:in&facets=brand,price&sort=price&diversity=0.5&exact=1&explain=1"
    )
    body = client.get(asked).json
    assert [hit["id"] for hit in body["hits"]] == ["22465", "22464"] and body["total"] == 2
    assert body["facets"]["brand"] == [{"value": "Northlight", "count": 1}]
    body = client.get("/search?q=star+lantern&explain=1").json
    reasons = body["hits"][0]["reasons"]
    assert reasons["text"] and all(one["adds"] > 0 for one in reasons["sources"])


def test_what_was_read_and_what_gave_way_is_said(client: FlaskClient) -> None:
    assert client.get("/search?q=hangign+lantern").json["corrected"] == "hanging lantern"
    assert "corrected" not in client.get("/search?q=hangign+lantern&exact=1").json
    assert client.get("/search?q=teapot+lantern").json["relaxed"] == "any word"
    assert client.get("/search?q=zzxqvw").json["hits"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("filter=price:cheap", "filter"), ("filter=(brand:a", "filter"), ("facets=id", "facets"), ("sort=best", "sort"),
        ("diversity=2", "diversity"), ("diversity=much", "diversity"), ("exact=yes", "exact"), ("explain=2", "explain"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(client: FlaskClient, given: str, field: str) -> None:
    response = client.get(f"/search?q=lantern&{given}")
    assert (response.status_code, response.json["error"]["field"]) == (400, field)


def test_suggestions(client: FlaskClient) -> None:
    found = client.get("/suggest?q=lant&limit=3").json["suggestions"]
    assert 0 < len(found) <= 3 and all(one["text"] and one["kind"] in ("brand", "category", "title") for one in found)
    assert client.get("/suggest?q=hangign").json["suggestions"][0]["text"].startswith("Hanging")
    assert client.get("/suggest").status_code == client.get("/suggest?q=a&limit=0").status_code == 400


def test_the_door_explores_by_its_setting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        Shop, "search", lambda self, q, **given: seen.append(given["explore"]) or Answer("s", q, 1, 0, 0.0, [])
    )
    for share, expected in (("", 0.05), ("0.5", 0.5), ("0", 0.0)):
        monkeypatch.setenv("SHELFWISE_EXPLORE", share)
        create_app({"SHOP": shop}).test_client().get("/search?q=lantern")
        assert seen[-1] == expected
    monkeypatch.setenv("SHELFWISE_EXPLORE", "a lot")
    with pytest.raises(InvalidInput, match="SHELFWISE_EXPLORE"):
        create_app({"SHOP": shop})


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
