"""Erasing a person from a shop and exporting what it keeps, with generations that learned from them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, clicks

from shelfwise import Shop
from shelfwise.errors import GenerationCorrupt, InvalidInput, NightBusy
from shelfwise.files import locked
from shelfwise.privacy import LearnedRange, learned_range

WHO = "anna"
TS = NOW.timestamp()
NOTHING_LEARNED = {"learned": {"events_seq": 0, "until": 0.0, "held_out": []}, "until": 0.0}


def publish(shop: Shop, card: Mapping[str, Any] = NOTHING_LEARNED) -> int:
    """A generation of one small file with this card; its parent is the current one."""
    number, folder = shop.generations.create_folder(shop.store.personal_data.last_generation())
    (folder / "serving").mkdir()
    (folder / "serving" / "model").write_text("weights")
    current = shop.generations.current()
    return shop.generations.publish(number, folder, dict(card), parent=current, current=current).number


def learned(events_seq: int, until: float) -> dict[str, Any]:
    """The card of a night that learned and counted the events up to there."""
    card = {"learned": {"events_seq": events_seq, "until": until, "held_out": []}, "until": until}
    return card | {"report": {"events_seq": events_seq}}


def view(shop: Shop, user: str | None = WHO, **fields: Any) -> None:
    assert shop.record([{"type": "view", "item": "mug-red", "user": user} | fields])["accepted"] == 1


@pytest.fixture
def known(shop: Shop) -> Shop:
    """Generation 1 learned from another, 2 from Anna too and serves; Anna looked at something since."""
    publish(shop)
    view(shop, "other", ts=NOW.timestamp() - 20)
    publish(shop, learned(1, TS - 10))
    view(shop, ts=NOW.timestamp() - 5)
    publish(shop, learned(2, TS))
    view(shop)
    return shop


# ---- erasing ------------------------------------------------------------------------------------------------


def test_the_receipt(known: Shop) -> None:
    known.search("red mug", user=WHO)
    known.recommend(user=WHO)
    assert known.erase(WHO) == {
        "erasure": 1, "at": "2026-11-01T00:00:00.000Z", "events": 2, "searches": 1, "recommendations": 1,
        "generations": [2], "next_parent": 1, "scrubbed": True,
    }  # fmt: skip
    assert known.store.personal_data.generations_to_retire() == {2}
    assert known.generations.current() == 2, "it serves until the next night"
    assert known.store.events.count() == 1


def test_nobody_known_is_a_receipt_of_zeros(known: Shop) -> None:
    assert known.erase("nobody") == {
        "erasure": None, "at": "2026-11-01T00:00:00.000Z", "events": 0, "searches": 0, "recommendations": 0,
        "generations": [], "next_parent": 2, "scrubbed": True,
    }  # fmt: skip


def test_a_shop_without_a_generation(shop: Shop) -> None:
    view(shop)
    receipt = shop.erase(WHO)
    assert (receipt["events"], receipt["generations"], receipt["next_parent"]) == (1, [], None)


def test_answers_shown_this_moment_are_erased_too_and_logging_goes_on(known: Shop) -> None:
    for _ in range(2):
        for query in ("red mug", "blue mug"):
            known.search(query, user=WHO)
        assert known.erase(WHO)["searches"] == 2
    known.search("lantern", user="other")
    assert [row["query"] for row in known.export("other")["searches"]] == ["lantern"]


def test_those_whom_all_generations_learned_from_leave_the_base_model(known: Shop) -> None:
    view(known, "early", ts=NOW.timestamp() - 15)
    for number in (0, 1, 2):
        path = known.generations.folder / f"{number:04d}" / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | learned(9, TS)))
    receipt = known.erase("early")
    assert (receipt["generations"], receipt["next_parent"]) == ([0, 1, 2], None)


def test_a_damaged_generation_may_have_learned_anything(known: Shop) -> None:
    (known.generations.folder / "0001" / "card.json").write_text("{")
    receipt = known.erase(WHO)
    assert (receipt["generations"], receipt["next_parent"]) == ([1, 2], 0)


def test_no_number_is_given_to_another_generation(known: Shop) -> None:
    known.erase(WHO)
    known.generations.rollback(1)
    known.generations.prune(retire=known.store.personal_data.generations_to_retire())
    assert known.generations.numbers() == [0, 1]
    assert publish(known, learned(1, TS)) == 3


def test_what_unfinished_nights_left_goes_too(known: Shop) -> None:
    left = [known.path / "work" / "checkpoint-1", known.generations.create_folder(2)[1]]
    for folder in left:
        (folder / "encoder").mkdir(parents=True)
    known.erase(WHO)
    assert not any(folder.exists() for folder in left)
    assert not (known.path / "work").exists()


def test_a_running_night_would_learn_them_still(known: Shop) -> None:
    (known.path / "work").mkdir()
    with locked(known.path / "night.lock"), pytest.raises(NightBusy, match=r"may be learning.*erase when it ended"):
        known.erase(WHO)
    assert (known.store.events.count(), (known.path / "work").exists()) == (3, True)
    assert known.erase(WHO)["events"] == 2


def test_no_night_begins_meanwhile(known: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    had: list[bool] = []
    erase = known.store.personal_data.erase

    def slowly(*arguments: Any) -> Any:
        def begin() -> None:
            with locked(known.path / "night.lock", wait=False) as mine:
                had.append(mine)

        other = threading.Thread(target=begin)
        other.start()
        other.join()
        return erase(*arguments)

    monkeypatch.setattr(known.store.personal_data, "erase", slowly)
    known.erase(WHO)
    assert had == [False]


@pytest.mark.parametrize("user", ["", "  ", None, True, "x" * 600, "a\x00b"])
def test_what_is_no_id(known: Shop, user: Any) -> None:
    for verb in (known.erase, known.export):
        with pytest.raises(InvalidInput, match=r"^user: "):
            verb(user)
    assert known.store.events.count() == 3


def test_a_number_is_an_id_as_everywhere(shop: Shop) -> None:
    view(shop, user=17850)  # type: ignore[arg-type]
    assert shop.erase(" 17850 ")["events"] == 1


def test_a_broken_pointer_is_known_before_anything_is_erased(known: Shop) -> None:
    (known.generations.folder / "CURRENT").write_text("?")
    with pytest.raises(GenerationCorrupt):
        known.erase(WHO)
    assert known.store.events.count() == 3


# ---- exporting ----------------------------------------------------------------------------------------------


def test_export_gives_all_that_is_kept(known: Shop) -> None:
    answer = known.search("red mug", user=WHO, session="s")
    view(known, None, session="s", search_id=answer.search_id)
    given = known.export(WHO)
    assert list(given) == [
        "user", "events", "searches", "recommendations", "sessions", "generations", "note",
    ]  # fmt: skip
    assert (given["user"], given["sessions"], given["generations"]) == (WHO, ["s"], [2])
    assert [event["seq"] for event in given["events"]] == [2, 3, 4]
    assert given["searches"][0]["shown"] == [hit.id for hit in answer.hits]
    assert given["recommendations"] == []
    json.dumps(given)
    receipt = known.erase(WHO)
    assert {name: receipt[name] for name in ("events", "searches", "generations")} == {
        "events": 3, "searches": 1, "generations": [2],
    }  # fmt: skip
    assert known.export(WHO) == {name: [] for name in given} | {"user": WHO, "note": given["note"]}


# ---- what a generation may have learned ---------------------------------------------------------------------

EVERYTHING = LearnedRange(float("inf"), 2**63 - 1)
STATISTICS_ONLY = {"learned": {"events_seq": 5, "until": 10.0, "held_out": []}, "until": 20.0}


@pytest.mark.parametrize(
    ("card", "reach"),
    [
        (learned(5, 10.0), LearnedRange(10.0, 5)),
        (STATISTICS_ONLY | {"report": {"events_seq": 8}}, LearnedRange(20.0, 8)),
        # the rebuilt index of a night that only counted: its card doesn't say up to which seq that was
        (STATISTICS_ONLY | {"report": {"seconds": {}}}, LearnedRange(20.0, EVERYTHING.events_seq)),
        (STATISTICS_ONLY, LearnedRange(20.0, EVERYTHING.events_seq)),
        (NOTHING_LEARNED, LearnedRange(0.0, EVERYTHING.events_seq)),
        ({}, EVERYTHING),
        ({"learned": None, "until": 5.0}, EVERYTHING),
        ({"learned": {"events_seq": 5}, "until": 5.0}, EVERYTHING),
        (learned(5, 10.0) | {"report": {"events_seq": "?"}}, EVERYTHING),
        (learned(5, 10.0) | {"report": []}, LearnedRange(10.0, EVERYTHING.events_seq)),
        (learned(5, 10.0) | {"report": "?"}, EVERYTHING),
    ],
)
def test_the_reach_of_a_generation(card: dict[str, Any], reach: LearnedRange) -> None:
    assert learned_range(card) == reach


def test_a_night_reaches_what_it_learned_and_what_it_held_out(tiny_shop: Path) -> None:
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
        assert shop.generations.numbers() == [0, 2], "the tainted is deleted once a clean one serves"
