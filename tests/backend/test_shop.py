"""`Shop`, as the contract's Python section has it. The shop has no generation unless a test says so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest
from conftest import ITEMS, NOW, clicks

from shelfwise import InvalidInput, NotFound, Shop
from shelfwise.cleaning import check_query
from shelfwise.ranking import Blend


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table of shop.db, as another program would read them."""
    connection = sqlite.connect(str(folder / "shop.db"))
    connection.row_factory = sqlite.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
    finally:
        connection.close()


# ---- without a generation -----------------------------------------------------------------------------------


def test_an_empty_shop_answers(tmp_path: Path) -> None:
    with Shop(str(tmp_path / "new" / "deep")) as shop:
        answer, shelf = shop.search("mug"), shop.recommend()
        assert (ids(answer), answer.total, answer.generation, answer.degraded) == ([], 0, None, ["encoder"])
        assert (ids(shelf), shelf.kind, shelf.generation, shelf.degraded) == ([], "popular", None, ["encoder"])
        assert shop.status() == {
            "generation": None, "generations": [], "encoder": None, "index": None, "items": 0, "events": 0,
            "pending_vectors": 0, "answers_not_logged": 0, "warnings": [], "degraded": ["encoder"],
        }  # fmt: skip


def test_search_is_lexical_and_says_degraded(shop: Shop) -> None:
    answer = shop.search("coffee mug")
    assert set(ids(answer)) == {"mug-red", "mug-blue"}
    assert (answer.total, answer.query, answer.generation, answer.degraded) == (2, "coffee mug", None, ["encoder"])
    assert answer.took_ms > 0
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
    assert answer.to_dict()["degraded"] == ["encoder"]


def test_a_hit_has_all_fields_of_its_item(shop: Shop) -> None:
    (hit,) = shop.search("lantern").hits
    assert hit.item == shop.item("lantern")
    assert hit.item == {
        "id": "lantern", "title": "White Metal Lantern", "category": "Lighting", "price": 3.39, "currency": "GBP",
        "in_stock": True, "tags": [], "attributes": {},
    }  # fmt: skip


def test_what_is_written_is_found_when_the_call_returns(shop: Shop) -> None:
    assert shop.upsert([{"id": 7.0, "title": "Teapot", "material": "zinc"}]) == {
        "upserted": 1, "unchanged": 0, "rejected": [],
    }  # fmt: skip
    assert ids(shop.search("teapot")) == ids(shop.search("zinc")) == ["7"]
    assert shop.delete([7]) == 1
    assert ids(shop.search("teapot")) == []
    assert shop.delete(["7", "unknown"]) == 0
    with pytest.raises(NotFound):
        shop.item("7")


def test_bad_items_hold_back_no_other(shop: Shop) -> None:
    done = shop.upsert(
        [{"id": "new"}, {"title": "x"}, {"id": "ok", "title": "Fine Teapot"}, 5, {"id": "ok", "price": -1}]
    )  # type: ignore[list-item]
    assert (done["upserted"], done["unchanged"]) == (1, 0)
    assert [bad["index"] for bad in done["rejected"]] == [0, 1, 3, 4]
    reasons = [bad["reason"].partition(":")[0] for bad in done["rejected"]]
    assert (reasons[0], reasons[1], reasons[3]) == ("title", "id", "price")


def test_generators_are_taken_too(shop: Shop) -> None:
    assert shop.upsert({"id": number, "title": "Spoon"} for number in range(3))["upserted"] == 3
    assert shop.record({"type": "view", "item": number} for number in range(3))["accepted"] == 3
    assert shop.delete(number for number in range(3)) == 3


def test_events_are_judged_alone_and_stored_once(shop: Shop) -> None:
    rows = [
        {"event_id": 1, "type": "click", "item": "mug-red"}, {"event_id": 1, "type": "click", "item": "mug-red"},
        {"type": "click"}, {"type": "buy", "item": "mug-red"}, {"type": "view", "item": "not yet known"}, "nonsense",
        {"type": "view", "item": "candle", "search_id": "unknown", "position": 3}, {"type": "view", "item": "candle"},
        {"type": "view", "item": "candle"},
    ]  # fmt: skip
    done = shop.record(rows)  # type: ignore[arg-type]
    assert (done["accepted"], done["duplicates"]) == (5, 1)
    assert [bad["index"] for bad in done["rejected"]] == [2, 3, 5]
    assert shop.status()["events"] == 5
    assert shop.record([]) == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_the_clock_is_the_time_of_what_has_none(tmp_path: Path) -> None:
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.record([{"type": "view", "item": "a"}, {"type": "view", "item": "b", "ts": 5}])
        assert [event.ts for event in shop.store.events.before(1e12, 9)] == [5.0, NOW.timestamp()]
    with Shop(tmp_path) as shop:
        assert abs(shop.now() - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize("id", [7, "7", 7.0])
def test_numbers_are_ids_wherever_one_is_asked_for(shop: Shop, id: Any) -> None:
    shop.upsert([{"id": 7, "title": "Teapot"}, {"id": 8, "title": "Tea Cup"}])
    shop.record([{"type": "purchase", "item": 7, "user": 9}])
    assert shop.item(id)["title"] == "Teapot"
    assert "7" not in ids(shop.recommend(item=id))
    assert "7" not in ids(shop.recommend(item=[id, 8]))
    assert shop.recommend(user=9).kind == "for-you"  # type: ignore[arg-type]
    assert ids(shop.search("tea", user=9)) == ids(shop.search("tea", user="9"))  # type: ignore[arg-type]


def test_only_dismissals_are_no_trouble(shop: Shop) -> None:
    shop.record([{"type": "dismiss", "item": "candle", "user": "u"}] * 3)
    assert ids(shop.search("candle")) == ["candle"]
    assert ids(shop.recommend())


# ---- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "reason"),
    [(None, "missing"), (5, "missing"), (b"mug", "missing"), (["mug"], "missing"), ("", "blank"), (" \t\n", "blank"),
     ("x" * 1_001, "1,001 characters"), ("a\x00b", "NUL"), ("a\ud800b", "surrogate"), ("\u3000", "blank")],
)  # fmt: skip
def test_queries_that_are_refused(shop: Shop, q: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^q: .*{reason}") as problem:
        shop.search(q)
    assert problem.value.field == "q"


@pytest.mark.parametrize(
    ("q", "query"),
    [(" red   mug ", "red mug"), ("ｍｕｇ", "mug"), ("e\u0301", "é"), ("x" * 1_000, "x" * 1_000), ('"', '"')],
)
def test_queries_are_normalised(q: str, query: str) -> None:
    assert check_query(q) == query


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


@pytest.mark.parametrize("item", ["unknown", ["mug-red", "unknown"], "MUG-RED"])
def test_unknown_items_are_not_found(shop: Shop, item: Any) -> None:
    with pytest.raises(NotFound, match=r"^item: there is no item") as problem:
        shop.recommend(item=item)
    assert problem.value.field == "item"


def test_unknown_and_deleted_items_are_not_found(shop: Shop) -> None:
    shop.delete(["candle"])
    for id in ("unknown", "candle", "a\x00b", "a\ud800b"):
        with pytest.raises(NotFound):
            shop.item(id)


@pytest.mark.parametrize(
    "q", ["C++", 'red"shoe', "NEAR(", "-x", "col:val", "title:mug", '"', "*", "😀", "(", "AND", "?!"]
)
def test_operators_are_ordinary_text(shop: Shop, q: str) -> None:
    answer = shop.search(q)
    assert answer.query == q
    assert set(ids(answer)) <= {item["id"] for item in ITEMS}


# ---- pages, stock, shoppers ---------------------------------------------------------------------------------


def test_pages_follow_each_other(shop: Shop) -> None:
    shop.upsert({"id": f"spoon-{number:02}", "title": f"Spoon {number}"} for number in range(25))
    whole = ids(shop.search("spoon", limit=100))
    assert len(set(whole)) == 25
    pages = [ids(shop.search("spoon", limit=10, offset=offset)) for offset in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [id for page in pages for id in page] == whole
    assert {shop.search("spoon", limit=10, offset=offset).total for offset in (0, 10, 99)} == {25}


def test_out_of_stock_comes_last_and_is_never_recommended(shop: Shop) -> None:
    shop.upsert([{"id": "clock-2", "title": "A clock among many other things, and no alarm at all"}])
    shop.record([*clicks("clock", "clock", 20), {"type": "purchase", "item": "clock", "user": "u"}])
    assert ids(shop.search("alarm clock bakelike")) == ["clock-2", "clock"]
    for shelf in (
        shop.recommend(),
        shop.recommend(user="u"),
        shop.recommend(item="candle"),
        shop.recommend(item="clock"),
    ):
        assert ids(shelf)
        assert "clock" not in ids(shelf)


def test_an_item_back_in_stock_is_recommended(shop: Shop) -> None:
    shop.upsert([{"id": "clock", "in_stock": True}])
    assert "clock" in ids(shop.recommend())


def test_an_unknown_shopper_gets_what_is_popular(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5) + clicks("bag", "bag", 9))
    for shelf in (shop.recommend(), shop.recommend(user="nobody"), shop.recommend(session="nobody")):
        assert shelf.kind == "popular"
        assert ids(shelf)[:2] == ["bag", "candle"]
        assert set(ids(shelf)) == {item["id"] for item in ITEMS} - {"clock"}, "filled up with what is new"


@pytest.mark.parametrize("who", [{"user": "u"}, {"session": "s"}, {"user": "u", "session": "s"}])
def test_a_known_shopper_gets_a_shelf_of_their_own(shop: Shop, who: dict[str, str]) -> None:
    shop.record(clicks("light", "candle", 5))
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "session": "s"}])
    shelf = shop.recommend(**who)  # type: ignore[arg-type]
    assert (shelf.kind, ids(shelf)[0]) == ("for-you", "bag")


def test_what_a_shopper_dismissed_is_not_recommended_to_them(shop: Shop) -> None:
    shop.record(clicks("light", "candle", 5))
    shop.record([{"type": "dismiss", "item": "candle", "user": "u"}, {"type": "view", "item": "bag", "user": "u"}])
    shop.record([{"type": "dismiss", "item": "candle", "user": "v"}])
    assert "candle" not in ids(shop.recommend(user="u"))
    assert "candle" not in ids(shop.recommend(user="v"))
    assert "candle" in ids(shop.recommend(user="w"))


@pytest.mark.parametrize("item", ["mug-red", ["mug-red", "candle"]])
def test_a_shelf_for_items_never_holds_them(shop: Shop, item: Any) -> None:
    shelf = shop.recommend(item=item, user="u")
    assert shelf.kind == "similar"
    assert not {item} & set(ids(shelf)) if isinstance(item, str) else not set(item) & set(ids(shelf))
    assert len(ids(shelf)) == len(set(ids(shelf))) > 0


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_shelf_has_at_most_its_limit(shop: Shop, limit: int) -> None:
    assert len(shop.recommend(limit=limit).hits) == min(limit, 5)


def test_an_event_of_the_future_is_not_known_yet(shop: Shop) -> None:
    shop.record([{"type": "purchase", "item": "bag", "user": "u", "ts": NOW + timedelta(hours=1)}])
    assert shop.recommend(user="u").kind == "popular"


# ---- the log of answers -------------------------------------------------------------------------------------


def test_answers_are_logged_unless_asked_not_to(tmp_path: Path) -> None:
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.upsert(ITEMS)
        answer = shop.search(" coffee  mug", user="u", session="s", limit=1)
        shelf = shop.recommend(item="candle", user="u", limit=2)
        shop.search("lantern", user="u", log=False)
        shop.recommend(user="u", log=False)
        shop.search_with(Blend(), "bag")
    (search,), (shown,) = table(tmp_path, "searches"), table(tmp_path, "recommendations")
    assert search == {
        "search_id": answer.search_id, "ts": NOW.timestamp(), "query": "coffee mug", "user": "u", "session": "s",
        "generation": None, "shown": f'["{answer.hits[0].id}"]',
    }  # fmt: skip
    assert (shown["recommendation_id"], shown["kind"], shown["item"]) == (shelf.recommendation_id, "similar", "candle")
    assert len(ids(shelf)) == 2
    assert all(id in shown["shown"] for id in ids(shelf))


def test_log_false_leaves_no_trace_at_all(tmp_path: Path) -> None:
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.upsert(ITEMS)
    before = {name: table(tmp_path, name) for name in ("items", "events", "searches", "recommendations", "nights")}
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.search("mug", user="u", log=False)
        shop.recommend(user="u", log=False)
        shop.recommend(item="candle", log=False)
    assert {name: table(tmp_path, name) for name in before} == before


def test_the_query_of_an_event_comes_from_the_search_it_cites(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.upsert(ITEMS)
        answer = shop.search("coffee mug", user="u")
        shop.record([{"type": "click", "item": "mug-red", "user": "u", "search_id": answer.search_id, "position": 1}])
    with Shop(tmp_path) as shop:
        assert [event.query for event in shop.store.events.before(1e12, 9)] == ["coffee mug"]


def test_ids_of_answers_differ(shop: Shop) -> None:
    assert len({shop.search("mug").search_id for _ in range(5)} | {shop.recommend().recommendation_id}) == 6


# ---- threads and closing ------------------------------------------------------------------------------------


def test_threads_share_a_shop(shop: Shop) -> None:
    problems: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                shop.upsert([{"id": f"{name}-{number}", "title": f"Spoon {name} {number}"}])
                shop.record([{"type": "view", "item": f"{name}-{number}", "user": name}])
                assert f"{name}-{number}" in ids(shop.search(f"spoon {name} {number}", user=name, limit=100))
                shop.recommend(user=name)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b", "c", "d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert (shop.status()["items"], shop.status()["events"]) == (len(ITEMS) + 80, 80)


def test_closing_ends_all_threads(tiny_shop: Path) -> None:
    before = set(threading.enumerate())
    with Shop(tiny_shop) as shop:
        shop.watch()
        shop.search("mug")
    assert set(threading.enumerate()) <= before


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.search("mug")
    shop.close()
    shop.close()


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
        assert status["encoder"] == shop.generations.open(0).card["encoder"]


def test_a_query_without_words_finds_nothing(tiny_shop: Path) -> None:
    with Shop(tiny_shop) as shop:
        for q in ('"', "?!", "😀"):
            assert (ids(shop.search(q)), shop.search(q).generation) == ([], 0)


def test_a_shopper_bends_the_order(tiny_shop: Path) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        weights = Blend(popularity=0.0, taste=1.0)
        shop.record(
            [{"type": "click", "item": "bag", "user": "u"}, {"type": "click", "item": "lantern", "session": "s"}]
        )
        plain = {hit.id: hit.score for hit in shop.search_with(weights, "candle").hits}
        for who, favourite in (({"user": "u"}, "bag"), ({"session": "s"}, "lantern")):
            gained = {hit.id: hit.score - plain[hit.id] for hit in shop.search_with(weights, "candle", **who).hits}
            assert max(gained, key=lambda id: gained[id]) == favourite
            assert gained[favourite] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("size", [7, 24, 100])
def test_all_pages_together_show_every_hit_once_and_out_of_stock_last(tmp_path: Path, size: int) -> None:
    with Shop(tmp_path / "many") as many:
        many.upsert({"id": n, "title": f"Mug number {n}", "in_stock": n % 3 > 0} for n in range(500))
        answers = [many.search("mug", limit=size, offset=offset, log=False) for offset in range(0, 500, size)]
        shown = [hit for answer in answers for hit in answer.hits]
        assert len({hit.id for hit in shown}) == len(shown) == 500
        stock = [hit.item["in_stock"] for hit in shown]
        assert stock == sorted(stock, reverse=True)
        assert {answer.total for answer in answers} == {500}
        assert many.search("mug", limit=size, offset=500, log=False).hits == []
