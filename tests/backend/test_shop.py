"""`Shop`, as the contract's Python section has it: what is written and shared. Without a generation."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ITEMS, NOW

from shelfwise import NotFound, Shop
from shelfwise.query import lexicon as wordbook
from support.threads import run_in_threads


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


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


@pytest.mark.parametrize("item", ["unknown", ["mug-red", "unknown"], "MUG-RED"])
def test_unknown_items_are_not_found(shop: Shop, item: Any) -> None:
    with pytest.raises(NotFound, match=r"^item: expected the id of an item") as problem:
        shop.recommend(item=item)
    assert problem.value.field == "item"


def test_unknown_and_deleted_items_are_not_found(shop: Shop) -> None:
    shop.delete(["candle"])
    for id in ("unknown", "candle", "a\x00b", "a\ud800b"):
        with pytest.raises(NotFound):
            shop.item(id)


# ---- threads and closing ------------------------------------------------------------------------------------


def test_threads_share_a_shop(shop: Shop) -> None:
    def work(name: str) -> None:
        for number in range(20):
            shop.upsert([{"id": f"{name}-{number}", "title": f"Spoon {name} {number}"}])
            shop.record([{"type": "view", "item": f"{name}-{number}", "user": name}])
            assert f"{name}-{number}" in ids(shop.search(f"spoon {name} {number}", user=name, limit=100))
            shop.recommend(user=name)

    run_in_threads(work, "abcd")
    assert (shop.status()["items"], shop.status()["events"]) == (len(ITEMS) + 80, 80)


def test_closing_ends_all_threads(tiny_shop: Path) -> None:
    before = set(threading.enumerate())
    with Shop(tiny_shop) as shop:
        shop.watch()
        shop.search("mug")
    assert set(threading.enumerate()) <= before


def test_closing_waits_for_the_words_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite would take the process down: nothing may read from a database that is being closed."""
    monkeypatch.setattr(wordbook, "_MIN_REBUILD_SECONDS", -1.0)
    started, build = threading.Event(), wordbook.build_vocabulary

    def slowly(*arguments: Any, **named: Any) -> Any:
        started.set()
        time.sleep(0.3)
        return build(*arguments, **named)

    before = set(threading.enumerate())
    with Shop(tmp_path) as shop:
        shop.search("mug")
        monkeypatch.setattr(wordbook, "build_vocabulary", slowly)
        shop.upsert(ITEMS)
        shop.search("mug")
        assert started.wait(10)
    assert set(threading.enumerate()) <= before


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.search("mug")
    shop.close()
    shop.close()
