"""`GET /search` and `GET /recommend`."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from shelfwise import InvalidInput, Shop
from shelfwise.api import create_app
from shelfwise.types import Recommendations, SearchResult


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
    path = "/search?q=lantern&filter=price:1..10+stock:in&facets=brand,price&sort=price&diversity=0.5&exact=1&explain=1"
    body = client.get(path).json
    assert [hit["id"] for hit in body["hits"]] == ["22465", "22464"] and body["total"] == 2
    assert body["facets"]["brand"] == [{"value": "Northlight", "count": 1}]
    body = client.get("/search?q=star+lantern&explain=1").json
    reasons = body["hits"][0]["reasons"]
    assert reasons["text"] and all(source["adds"] > 0 for source in reasons["sources"])


def test_what_was_read_and_what_gave_way_is_said(client: FlaskClient) -> None:
    assert client.get("/search?q=hangign+lantern").json["corrected"] == "hanging lantern"
    assert "corrected" not in client.get("/search?q=hangign+lantern&exact=1").json
    assert client.get("/search?q=teapot+lantern").json["relaxed"] == "any word"
    assert client.get("/search?q=zzxqvw").json["hits"] == []


@pytest.mark.parametrize(
    ("parameter", "field"),
    [
        ("filter=price:cheap", "filter"), ("filter=(brand:a", "filter"), ("facets=id", "facets"), ("sort=best", "sort"),
        ("diversity=2", "diversity"), ("diversity=much", "diversity"), ("exact=yes", "exact"), ("explain=2", "explain"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(client: FlaskClient, parameter: str, field: str) -> None:
    response = client.get(f"/search?q=lantern&{parameter}")
    assert (response.status_code, response.json["error"]["field"]) == (400, field)


def test_suggestions(client: FlaskClient) -> None:
    suggestions = client.get("/suggest?q=lant&limit=3").json["suggestions"]
    assert 0 < len(suggestions) <= 3
    assert all(row["text"] and row["kind"] in ("brand", "category", "title") for row in suggestions)
    assert client.get("/suggest?q=hangign").json["suggestions"][0]["text"].startswith("Hanging")
    assert client.get("/suggest").status_code == client.get("/suggest?q=a&limit=0").status_code == 400


@pytest.mark.parametrize(
    ("config", "environment", "share"),
    [({}, "", 0.05), ({}, "0.5", 0.5), ({}, "0", 0.0), ({"EXPLORE": 0.25}, "0.5", 0.25), ({"EXPLORE": 0.0}, "1", 0.0)],
)
def test_searches_and_shelves_explore_by_the_same_setting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], environment: str, share: float
) -> None:
    shares = []
    answers = {"search": SearchResult("s", "q", 1, 0, 0.0, []), "recommend": Recommendations("r", None, "new", 0.0, [])}
    for verb, answer in answers.items():
        monkeypatch.setattr(
            Shop, verb, lambda *_, answer=answer, **options: shares.append(options["explore"]) or answer
        )
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    client = create_app({"SHOP": shop} | config).test_client()
    client.get("/search?q=lantern")
    client.get("/recommend")
    assert shares == [share, share]


@pytest.mark.parametrize(
    ("config", "environment", "named"),
    [({}, "a lot", "SHELFWISE_EXPLORE: expected"), ({"EXPLORE": 1.5}, "0.5", "EXPLORE: expected")],
)
def test_a_wrong_share_of_exploration_makes_no_app(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], environment: str, named: str
) -> None:
    monkeypatch.setenv("SHELFWISE_EXPLORE", environment)
    with pytest.raises(InvalidInput, match=f"^{named}"):
        create_app({"SHOP": shop} | config)


def test_a_search_is_logged_with_what_it_showed(client: FlaskClient, shop: Shop) -> None:
    answer = client.get("/search?q=teapot&user=17850").json
    client.post(
        "/events", json={"type": "click", "item": "a/b c//ü?#", "search_id": answer["search_id"], "position": 1}
    )
    shop.store.answer_log.close()
    (event,) = [event for event in shop.store.events.newest(shop.now() + 1, 10) if event.type == "click"]
    assert event.item == "a/b c//ü?#"
    assert shop.store.events._db.value("SELECT query FROM searches WHERE search_id = ?", (answer["search_id"],))


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


# ---- shelves ------------------------------------------------------------------------------------------------

KINDS = ["for-you", "similar", "together", "again", "next", "trending", "popular", "new"]


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", "popular"), ("user=nobody-knows", "popular"), ("user=&session=&item=&kind=&exclude=&filter=", "popular"),
     ("user=17850", "for-you"), ("user=17850&kind=again", "for-you"), ("user=17850&kind=new", "new"),
     ("item=22465", "popular"), ("item=22465&item=22464&user=17850", "popular")],
)  # fmt: skip
def test_recommend_is_of_a_kind(client: FlaskClient, query: str, kind: str) -> None:
    """This shop has learned nothing yet: which items are similar is unknown."""
    response = client.get(f"/recommend?{query}&limit=3")
    assert response.status_code == 200
    assert {"recommendation_id", "generation", "kind", "took_ms", "hits"} <= set(response.json)
    assert response.json["kind"] == kind
    ids = [hit["id"] for hit in response.json["hits"]]
    assert len(ids) == 3 and "gone" not in ids


def recommended(client: FlaskClient, query: str) -> list[str]:
    response = client.get(f"/recommend?{query}&limit=100")
    assert response.status_code == 200, response.text
    return [hit["id"] for hit in response.json["hits"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "left_out"),
    [
        ("item=22465", {"22465"}),
        ("item=22465&item=22464", {"22465", "22464"}),
        ("exclude=22465&exclude=21730&exclude=nothing", {"22465", "21730"}),
        ("user=17850&repeats=0", {"22464", "21730"}),
        ("user=17850&repeats=1", set()),
        ("filter=NOT+brand:Northlight", {"22465"}),
        ("session=7", {"quote"}),
    ],
)
def test_what_a_shelf_leaves_out(client: FlaskClient, kind: str, query: str, left_out: set[str]) -> None:
    client.post("/events", json={"type": "dismiss", "item": "quote", "session": "7"})
    whole = set(recommended(client, ""))
    assert {"22465", "22464", "21730", "quote"} <= whole and "gone" not in whole
    assert set(recommended(client, f"{query}&kind={kind}")) == whole - left_out


@pytest.fixture
def regular(client: FlaskClient) -> None:
    """A shopper who bought a thing one month and two months ago."""
    bought = {"type": "purchase", "item": "22464", "user": "29999"}
    events = [bought | {"ts": time.time() - days * 86_400} for days in (30, 60)]
    assert client.post("/events", json=events).json["accepted"] == 2


@pytest.mark.usefixtures("regular")
def test_a_shelf_says_what_filled_it_and_why_each_hit_is_there(client: FlaskClient) -> None:
    body = client.get("/recommend?user=29999&kind=again&explain=1&diversity=0.5&limit=6").json
    assert (body["kind"], body["filled"][-1]) == ("again", "new")
    assert body["hits"][0]["reasons"]["kind"] == "again"
    assert body["hits"][0]["reasons"]["text"] == "you bought it 2 times, 30 days ago"
    assert all(hit["reasons"]["text"] and hit["reasons"]["kind"] in KINDS for hit in body["hits"])
    scores = [hit["score"] for hit in body["hits"]]
    assert scores == sorted(scores, reverse=True)
    body = client.get("/recommend?user=29999&limit=1").json
    assert "filled" not in body and "reasons" not in body["hits"][0]


def test_an_event_counts_in_the_very_next_shelf(client: FlaskClient) -> None:
    assert client.get("/recommend?session=new").json["kind"] == "popular"
    client.post("/events", json={"type": "click", "item": "22465", "session": "new"})
    body = client.get("/recommend?session=new&explain=1").json
    assert body["kind"] == "for-you"
    (clicked,) = [hit for hit in body["hits"] if hit["id"] == "22465"]
    assert clicked["reasons"]["text"] == "you looked at it once, today"


@pytest.mark.parametrize(
    ("parameter", "field"),
    [
        ("kind=foo", "kind"), ("kind=For-You", "kind"), ("repeats=2", "repeats"), ("repeats=no", "repeats"),
        ("diversity=2", "diversity"), ("diversity=-1", "diversity"), ("diversity=much", "diversity"),
        ("explain=yes", "explain"), ("limit=0", "limit"), ("limit=101", "limit"), ("limit=many", "limit"),
        ("filter=price:cheap", "filter"), ("filter=(brand:a", "filter"), ("filter=title:a", "filter"),
        ("&".join(["item=22465"] * 101), "item"), ("&".join(["exclude=22465"] * 101), "exclude"),
        (f"user={'x' * 600}", "user"), ("session=%00", "session"),
    ],
)  # fmt: skip
def test_a_wrong_question_for_a_shelf_is_named(client: FlaskClient, parameter: str, field: str) -> None:
    response = client.get(f"/recommend?{parameter}")
    assert (response.status_code, response.json["error"]["field"]) == (400, field)
    assert response.json["error"]["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("parameter", ["item=nothing", "item=22465&item=nothing", f"item={'x' * 600}", "item=%00"])
def test_an_item_that_there_is_not(client: FlaskClient, parameter: str) -> None:
    response = client.get(f"/recommend?{parameter}")
    assert (response.status_code, response.json["error"]["field"]) == (404, "item")


@pytest.mark.usefixtures("regular")
def test_a_shelf_is_logged_and_events_cite_it(client: FlaskClient, shop: Shop) -> None:
    shelf = client.get("/recommend?user=29999&kind=again").json
    cited = {"recommendation_id": shelf["recommendation_id"], "position": 1, "user": "29999"}
    client.post("/events", json={"type": "click", "item": shelf["hits"][0]["id"], **cited})
    exported = shop.export("29999")
    (shown,) = exported["recommendations"]
    assert (shown["recommendation_id"], shown["kind"]) == (shelf["recommendation_id"], "again")
    assert exported["events"][-1]["recommendation_id"] == shelf["recommendation_id"]
