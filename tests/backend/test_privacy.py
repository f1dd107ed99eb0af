"""Erasing a person from a shop and exporting what it keeps, with generations that learned from them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, clicks

from shelfwise import Shop
from shelfwise.errors import GenerationCorrupt, InvalidInput, NightBusy
from shelfwise.files import locked
from shelfwise.generation.card import GenerationCard, LearnedEvents
from shelfwise.night_report import NightReport

ANNA = "anna"
TS = NOW.timestamp()
NOTHING_LEARNED = GenerationCard()


def publish(shop: Shop, card: GenerationCard = NOTHING_LEARNED) -> int:
    """A generation of one small file with this card; its parent is the current one."""
    number, folder = shop.generations.create_folder(shop.store.personal_data.last_generation())
    (folder / "serving").mkdir()
    (folder / "serving" / "model").write_text("weights")
    current = shop.generations.current()
    return shop.generations.publish(number, folder, card, parent=current, current=current).number


def learned(events_seq: int, until: float) -> GenerationCard:
    """The card of a night that learned and counted the events up to there."""
    return GenerationCard(LearnedEvents(events_seq, until), until, report=NightReport(events_seq=events_seq))


def view(shop: Shop, user: str | None = ANNA, **fields: Any) -> None:
    assert shop.record([{"type": "view", "item": "mug-red", "user": user} | fields])["accepted"] == 1


@pytest.fixture
def trained_shop(shop: Shop) -> Shop:
    """Generation 1 learned from another, 2 from Anna too and serves; Anna looked at something since."""
    publish(shop)
    view(shop, "other", ts=NOW.timestamp() - 20)
    publish(shop, learned(1, TS - 10))
    view(shop, ts=NOW.timestamp() - 5)
    publish(shop, learned(2, TS))
    view(shop)
    return shop


# ---- erasing ------------------------------------------------------------------------------------------------


def test_erase_returns_a_receipt(trained_shop: Shop) -> None:
    trained_shop.search("red mug", user=ANNA)
    trained_shop.recommend(user=ANNA)
    assert trained_shop.erase(ANNA) == {
        "erasure": 1, "at": "2026-11-01T00:00:00.000Z", "events": 2, "searches": 1, "recommendations": 1,
        "generations": [2], "next_parent": 1, "scrubbed": True,
    }  # fmt: skip
    assert trained_shop.store.personal_data.generations_to_retire() == {2}
    assert trained_shop.generations.current() == 2, "it serves until the next night"
    assert trained_shop.store.events.count() == 1


def test_erase_of_an_unknown_user_returns_zeros(trained_shop: Shop) -> None:
    assert trained_shop.erase("nobody") == {
        "erasure": None, "at": "2026-11-01T00:00:00.000Z", "events": 0, "searches": 0, "recommendations": 0,
        "generations": [], "next_parent": 2, "scrubbed": True,
    }  # fmt: skip


def test_erase_without_a_generation_has_no_next_parent(shop: Shop) -> None:
    view(shop)
    receipt = shop.erase(ANNA)
    assert (receipt["events"], receipt["generations"], receipt["next_parent"]) == (1, [], None)


def test_erase_takes_queued_answers_and_logging_goes_on(trained_shop: Shop) -> None:
    for _ in range(2):
        for query in ("red mug", "blue mug"):
            trained_shop.search(query, user=ANNA)
        assert trained_shop.erase(ANNA)["searches"] == 2
    trained_shop.search("lantern", user="other")
    assert [row["query"] for row in trained_shop.export("other")["searches"]] == ["lantern"]


def test_erase_that_retires_all_leaves_the_base_model(trained_shop: Shop) -> None:
    view(trained_shop, "early", ts=NOW.timestamp() - 15)
    for number in (0, 1, 2):
        path = trained_shop.generations.folder / f"{number:04d}" / "card.json"
        card = learned(9, TS).to_dict()
        changed = {name: card[name] for name in ("learned", "until", "report")}
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    receipt = trained_shop.erase("early")
    assert (receipt["generations"], receipt["next_parent"]) == ([0, 1, 2], None)


def test_erase_retires_damaged_generations(trained_shop: Shop) -> None:
    (trained_shop.generations.folder / "0001" / "card.json").write_text("{")
    receipt = trained_shop.erase(ANNA)
    assert (receipt["generations"], receipt["next_parent"]) == ([1, 2], 0)


def test_erase_never_frees_a_generation_number(trained_shop: Shop) -> None:
    trained_shop.erase(ANNA)
    trained_shop.generations.rollback(1)
    trained_shop.generations.prune(retire=trained_shop.store.personal_data.generations_to_retire())
    assert trained_shop.generations.numbers() == [0, 1]
    assert publish(trained_shop, learned(1, TS)) == 3


def test_erase_removes_unfinished_nights(trained_shop: Shop) -> None:
    folders = [trained_shop.path / "work" / "checkpoint-1", trained_shop.generations.create_folder(2)[1]]
    for folder in folders:
        (folder / "encoder").mkdir(parents=True)
    trained_shop.erase(ANNA)
    assert not any(folder.exists() for folder in folders)
    assert not (trained_shop.path / "work").exists()


def test_erase_during_a_night_raises(trained_shop: Shop) -> None:
    (trained_shop.path / "work").mkdir()
    with (
        locked(trained_shop.path / "night.lock"),
        pytest.raises(NightBusy, match=r"may be learning.*erase when it ended"),
    ):
        trained_shop.erase(ANNA)
    assert (trained_shop.store.events.count(), (trained_shop.path / "work").exists()) == (3, True)
    assert trained_shop.erase(ANNA)["events"] == 2


def test_erase_holds_the_night_lock(trained_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    acquired_by_night: list[bool] = []
    erase = trained_shop.store.personal_data.erase

    def slowly(*arguments: Any) -> Any:
        def begin() -> None:
            with locked(trained_shop.path / "night.lock", wait=False) as acquired:
                acquired_by_night.append(acquired)

        night = threading.Thread(target=begin)
        night.start()
        night.join()
        return erase(*arguments)

    monkeypatch.setattr(trained_shop.store.personal_data, "erase", slowly)
    trained_shop.erase(ANNA)
    assert acquired_by_night == [False]


@pytest.mark.parametrize("user", ["", "  ", None, True, "x" * 600, "a\x00b"])
def test_erase_and_export_refuse_invalid_ids(trained_shop: Shop, user: Any) -> None:
    for verb in (trained_shop.erase, trained_shop.export):
        with pytest.raises(InvalidInput, match=r"^user: "):
            verb(user)
    assert trained_shop.store.events.count() == 3


def test_erase_accepts_a_number_as_text(shop: Shop) -> None:
    view(shop, user=17850)  # type: ignore[arg-type]
    assert shop.erase(" 17850 ")["events"] == 1


def test_erase_with_a_broken_pointer_erases_nothing(trained_shop: Shop) -> None:
    (trained_shop.generations.folder / "CURRENT").write_text("?")
    with pytest.raises(GenerationCorrupt):
        trained_shop.erase(ANNA)
    assert trained_shop.store.events.count() == 3


# ---- exporting ----------------------------------------------------------------------------------------------


def test_export_returns_all_rows(trained_shop: Shop) -> None:
    answer = trained_shop.search("red mug", user=ANNA, session="s")
    view(trained_shop, None, session="s", search_id=answer.search_id)
    exported = trained_shop.export(ANNA)
    assert list(exported) == [
        "user", "events", "searches", "recommendations", "sessions", "generations", "note",
    ]  # fmt: skip
    assert (exported["user"], exported["sessions"], exported["generations"]) == (ANNA, ["s"], [2])
    assert [event["seq"] for event in exported["events"]] == [2, 3, 4]
    assert exported["searches"][0]["shown"] == [hit.id for hit in answer.hits]
    assert exported["recommendations"] == []
    json.dumps(exported)
    receipt = trained_shop.erase(ANNA)
    assert {name: receipt[name] for name in ("events", "searches", "generations")} == {
        "events": 3, "searches": 1, "generations": [2],
    }  # fmt: skip
    assert trained_shop.export(ANNA) == {name: [] for name in exported} | {"user": ANNA, "note": exported["note"]}


# ---- what a generation may have learned ---------------------------------------------------------------------


def test_erase_retires_a_night_that_held_the_person_out(tiny_shop: Path) -> None:
    from shelfwise.trainer import increment

    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record(clicks("cup", "mug-red", 20))
        assert increment(tiny_shop, NOW).generation == 1
        shop.record([{"type": "click", "item": "lantern", "query": "late", "user": "late"}])
        receipts = {user: shop.erase(user) for user in ("u0", "u19", "late")}
        assert [receipt["generations"] for receipt in receipts.values()] == [[1], [1], []]
        assert {receipt["next_parent"] for receipt in receipts.values()} == {0}
        assert shop.store.ledger.get(1)["report"]["erased"] == [1, 2]
        night = increment(tiny_shop, NOW)
        assert (night.parent, night.generation) == (0, 2)
        assert shop.generations.numbers() == [0, 2], "the retired one is deleted once another serves"
