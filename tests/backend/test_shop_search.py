"""`Shop.search`: what is refused, what is answered with and without a generation, and what each parameter does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ITEMS, NOW, clicks

from shelfwise import InvalidInput, Shop
from shelfwise.search.blend import SourceSwitches
from shelfwise.search.request import SearchRequest


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


# ---- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "reason"),
    [(None, "words .* got nothing"), (5, "words .* got 5"), ("", "words .* got ''"), ("x" * 1_001, "at most 1,000"),
     ("a\x00b", "NUL")],
)  # fmt: skip
def test_queries_that_are_refused(shop: Shop, q: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^q: .*{reason}") as problem:
        shop.search(q)
    assert problem.value.field == "q"


@pytest.mark.parametrize("limit", [0, -1, 101, True, "5", 1.5, None])
def test_limits_that_are_refused(shop: Shop, limit: Any) -> None:
    for ask in (lambda: shop.search("mug", limit=limit), lambda: shop.recommend(limit=limit)):
        with pytest.raises(InvalidInput, match=r"^limit: .*1 to 100") as problem:
            ask()
        assert problem.value.field == "limit"


@pytest.mark.parametrize("offset", [-1, True, "5", 1.5, None])
def test_offsets_that_are_refused(shop: Shop, offset: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^offset: ") as problem:
        shop.search("mug", offset=offset)
    assert problem.value.field == "offset"


@pytest.mark.parametrize("name", ["user", "session"])
@pytest.mark.parametrize("value", ["a\ud800", "a\x00", True, ["a"], {"a": 1}])
def test_shoppers_that_are_refused(shop: Shop, name: str, value: Any) -> None:
    for ask in (lambda: shop.search("mug", **{name: value}), lambda: shop.recommend(**{name: value})):
        with pytest.raises(InvalidInput, match=f"^{name}: ") as problem:
            ask()
        assert problem.value.field == name


@pytest.mark.parametrize(
    "q", ["C++", 'red"shoe', "NEAR(", "-x", "col:val", "title:mug", '"', "*", "😀", "(", "AND", "?!"]
)
def test_operators_are_ordinary_text(shop: Shop, q: str) -> None:
    answer = shop.search(q)
    assert answer.query == q
    assert set(ids(answer)) <= {item["id"] for item in ITEMS}


@pytest.mark.parametrize(
    ("field", "value"),
    [("filter", "brand"), ("filter", "brand:"), ("filter", "("), ("filter", "x" * 2_001), ("sort", "cheap"),
     ("sort", ""), ("sort", None), ("diversity", -0.1), ("diversity", 1.1), ("diversity", "0.5"), ("diversity", True),
     ("diversity", None), ("diversity", float("nan")), ("facets", ["id"]), ("facets", [""]),
     ("facets", [f"name {number}" for number in range(21)])],
)  # fmt: skip
def test_parameters_that_are_refused(shop: Shop, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: ") as problem:
        shop.search("mug", **{field: value})
    assert problem.value.field == field


# ---- pages and stock ----------------------------------------------------------------------------------------


def test_pages_follow_each_other(shop: Shop) -> None:
    shop.upsert({"id": f"spoon-{number:02}", "title": f"Spoon {number}"} for number in range(25))
    whole = ids(shop.search("spoon", limit=100))
    assert len(set(whole)) == 25
    pages = [ids(shop.search("spoon", limit=10, offset=offset)) for offset in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [id for page in pages for id in page] == whole
    assert {shop.search("spoon", limit=10, offset=offset).total for offset in (0, 10, 99)} == {25}


@pytest.mark.parametrize("size", [7, 24, 100])
def test_all_pages_show_every_hit_once_out_of_stock_last(tmp_path: Path, size: int) -> None:
    with Shop(tmp_path / "many") as many:
        many.upsert({"id": n, "title": f"Mug number {n}", "in_stock": n % 3 > 0} for n in range(500))
        answers = [many.search("mug", limit=size, offset=offset, log=False) for offset in range(0, 500, size)]
        shown = [hit for answer in answers for hit in answer.hits]
        assert len({hit.id for hit in shown}) == len(shown) == 500
        stock = [hit.item["in_stock"] for hit in shown]
        assert stock == sorted(stock, reverse=True)
        assert {answer.total for answer in answers} == {500}
        assert many.search("mug", limit=size, offset=500, log=False).hits == []


# ---- what each parameter does -------------------------------------------------------------------------------


def test_a_filter_narrows_the_whole_result(shop: Shop) -> None:
    answer = shop.search("mug", filter='category:"Kitchen" price:..4.60', facets=["category", "price"])
    assert (ids(answer), answer.total) == (["mug-red"], 1)
    assert [(entry["value"], entry["count"]) for entry in answer.facets["category"]] == [
        ("Kitchen", 1), ("Kitchen > Mugs", 1),
    ]  # fmt: skip
    assert sum(entry["count"] for entry in answer.facets["price"]) == 1


@pytest.mark.parametrize("filter", [None, "", "  "])
def test_a_blank_filter_lets_everything_pass(shop: Shop, filter: str | None) -> None:
    assert set(ids(shop.search("mug", filter=filter))) == {"mug-red", "mug-blue"}


@pytest.mark.parametrize(("sort", "first"), [("price", "mug-red"), ("-price", "mug-blue")])
def test_a_sort_is_an_order_of_the_same_set(shop: Shop, sort: str, first: str) -> None:
    answer = shop.search("mug", sort=sort)
    assert (ids(answer)[0], set(ids(answer)), answer.total) == (first, {"mug-red", "mug-blue"}, 2)


def test_what_is_popular_before_the_first_night(tiny_shop: Path) -> None:
    """With a generation that counted nothing, as without one, the newest events count."""
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record(clicks("anything", "mug-blue", 5))
        assert ids(shop.search("mug", sort="popular"))[0] == "mug-blue"
        shop.record(clicks("anything", "mug-red", 50))
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        assert ids(shop.search("mug", sort="popular"))[0] == "mug-red"


def test_variants_make_way_as_far_as_is_asked_for(shop: Shop) -> None:
    shop.upsert([{"id": "lid", "title": "Lid for a coffee mug, one of many such things"}])
    assert ids(shop.search("coffee mug", diversity=0.0))[-1] == "lid"
    assert ids(shop.search("coffee mug", diversity=1.0))[1] == "lid"


def test_what_was_done_to_the_query_is_said(shop: Shop) -> None:
    plain, corrected, relaxed = shop.search("lantern"), shop.search("lantren"), shop.search("lantern candle")
    assert (plain.corrected, plain.relaxed) == (None, None)
    assert not {"corrected", "relaxed", "facets"} & set(plain.to_dict())
    assert (ids(corrected), corrected.query, corrected.corrected) == (["lantern"], "lantren", "lantern")
    assert corrected.to_dict()["corrected"] == "lantern"
    assert (set(ids(relaxed)), relaxed.relaxed) == ({"lantern", "candle"}, "any word")
    assert relaxed.to_dict()["relaxed"] == "any word"


def test_the_shopper_may_insist(shop: Shop) -> None:
    answer = shop.search("lantren", exact=True)
    assert (ids(answer), answer.corrected) == ([], None)


@pytest.mark.parametrize("opened", ["shop", "tiny_shop"])
def test_each_hit_says_why_if_it_is_asked(opened: str, request: pytest.FixtureRequest) -> None:
    place = request.getfixturevalue(opened)
    with Shop(place.path if isinstance(place, Shop) else place, clock=lambda: NOW) as shop:
        answer = shop.search("coffee mug", explain=True, limit=2)
        for hit in answer.hits:
            assert hit.reasons is not None
            assert (set(hit.reasons), bool(hit.reasons["text"])) == ({"text", "sources"}, True)
            assert hit.to_dict()["reasons"] == hit.reasons
        plain = shop.search("coffee mug", limit=2)
        assert [hit.reasons for hit in plain.hits] == [None, None]
        assert "reasons" not in plain.to_dict()["hits"][0]
        assert [(hit.id, hit.score) for hit in plain.hits] == [(hit.id, hit.score) for hit in answer.hits]


# ---- with a generation --------------------------------------------------------------------------------------


def test_with_a_generation_nothing_is_missing(tiny_shop: Path) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer, shelf = shop.search("coffee mug"), shop.recommend(item="mug-red")
        assert (answer.generation, answer.degraded, shelf.generation, shelf.degraded) == (0, [], 0, [])
        assert set(ids(answer)) == {item["id"] for item in ITEMS}, "by meaning, everything is a candidate"
        assert ids(answer)[-1] == "clock", "out of stock"
        assert set(ids(answer)[:2]) == {"mug-red", "mug-blue"}
        status = shop.status()
        assert (status["generation"], status["generations"], status["index"], status["degraded"]) == (
            0,
            [0],
            "flat",
            [],
        )
        assert status["encoder"] == shop.generations.open(0).card.encoder


def test_a_query_without_words_finds_nothing(tiny_shop: Path) -> None:
    with Shop(tiny_shop) as shop:
        for q in ('"', "?!", "😀"):
            assert (ids(shop.search(q)), shop.search(q).generation) == ([], 0)


def scores(shop: Shop, q: str, **fields: Any) -> dict[str, float]:
    """Return id → score of the items in stock, whatever is popular."""
    request = SearchRequest(q, diversity=0.0, **fields).validated()
    events = shop.shopper_data.history(request.user, request.session)
    request = replace(request, events=events, sources=SourceSwitches(popularity=False))
    outcome = shop.search_pipeline.run(request, shop.generation)
    scored = zip(outcome.ids, outcome.scores.tolist(), strict=True)
    return {id: score for id, score in scored if shop.item(id)["in_stock"]}


def test_a_shopper_bends_the_order_at_once(tiny_shop: Path) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        general = scores(shop, "candle")
        for who, favourite in (({"user": "u"}, "bag"), ({"session": "s"}, "lantern")):
            assert scores(shop, "candle", **who) == general, "nothing is known of them yet"
            shop.record([{"type": "click", "item": favourite} | who])
            gained = {id: score - general[id] for id, score in scores(shop, "candle", **who).items()}
            assert max(gained, key=lambda id: gained[id]) == favourite
            assert gained[favourite] > 0
        assert scores(shop, "candle") == scores(shop, "candle", user="nobody", session="none") == general


def test_an_out_of_stock_item_comes_last_whoever_chose_it(tiny_shop: Path) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record([*clicks("clock", "clock", 30), {"type": "purchase", "item": "clock", "user": "u"}])
        for q in ("alarm clock bakelike", "mug"):
            assert ids(shop.search(q, user="u"))[-1] == "clock"


@pytest.mark.real
def test_the_real_encoder_finds_what_no_word_names(tmp_path: Path) -> None:
    from shelfwise.trainer import init

    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.upsert(ITEMS)
        init(tmp_path)
        assert set(ids(shop.search("cup for hot drinks"))[:2]) == {"mug-red", "mug-blue"}
        assert ids(shop.search("something that smells nice"))[0] == "candle"
        assert ids(shop.search("sandwich holder", filter="category:Bags,Home")) == ["bag"]
        assert ids(shop.search("xqzvw pfft")) == []
        reasons = shop.search("cup for hot drinks", explain=True).hits[0].reasons
        assert reasons is not None
        assert reasons["text"] == "close in meaning to “cup for hot drinks”"
