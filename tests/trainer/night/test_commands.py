"""Nights on a tiny encoder, end to end: published, refused, nothing to learn, compacted, rolled back, alone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ITEMS, NOW, clicks

from shelfwise import InvalidInput, NightBusy, Shop
from shelfwise.files import locked
from shelfwise.night_report_parts import TrainingReport
from shelfwise.trainer import Night, NightResult, compact, increment, init
from shelfwise.trainer.encoder import training as learn_module
from shelfwise.trainer.export import serving_model
from shelfwise.trainer.night import pipeline as run

TAUGHT = [("cup", "mug-red"), ("light", "lantern"), ("school", "bag")]


def teach(folder: Path, count: int = 20, days_ago: float = 2.0) -> None:
    with Shop(folder, clock=lambda: NOW) as shop:
        for query, item in TAUGHT:
            shop.record(clicks(query, item, count, NOW - timedelta(days=days_ago)))


def test_a_night_is_published_whole_and_leaves_no_litter(tiny_shop: Path) -> None:
    teach(tiny_shop)
    ended = increment(tiny_shop, NOW)
    assert (ended.verdict, ended.parent, ended.generation) == ("published", 0, 1)
    counts = ended.report.counts
    assert (counts["new_pairs"], counts["anchor_searches"]) == (51, 3), "one shopper in fifty only ever asks"
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        assert shop.search("cup").generation == 1
        (row,) = shop.store.ledger.latest(10)
        assert (row["verdict"], row["generation"]) == ("published", 1)
        card = shop.generations.open(1).card
        assert card.learned.events_seq == 60
        assert len(card.learned.held_out) == 6
    assert not list((tiny_shop / "generations").glob(".*"))
    assert not (tiny_shop / "work").exists()


def test_increment_learns_nothing_twice_and_the_held_out_next(tiny_shop: Path) -> None:
    teach(tiny_shop)
    assert increment(tiny_shop, NOW).report.counts["new_searches"] == 51
    again = increment(tiny_shop, NOW)
    assert (again.verdict, again.generation) == ("nothing to learn", 1), "six held out are too few for a night"
    with Shop(tiny_shop) as shop:
        shop.record(clicks("bedroom", "candle", 20, NOW - timedelta(hours=1)))
    counts = increment(tiny_shop, NOW).report.counts
    assert (counts["since_parent"], counts["new_events"]) == (20, 26)
    assert counts["new_searches"] + counts["held_searches"] == 26
    assert counts["old_searches"] == 51


def test_too_few_pairs_are_counted_but_not_trained_on(tiny_shop: Path) -> None:
    with Shop(tiny_shop) as shop:
        shop.record(clicks("bedroom", "candle", 5, NOW - timedelta(hours=1)))
    ended = increment(tiny_shop, NOW)
    assert (ended.verdict, ended.generation) == ("nothing to learn", 1), "but popularity is counted"
    assert "too few" in ended.reason
    with Shop(tiny_shop) as shop:
        cards = [shop.generations.open(number).card for number in (0, 1)]
        assert cards[0].encoder == cards[1].encoder
        assert cards[0].learned == cards[1].learned, "not trained, so nothing more is learned"


def test_a_night_without_anything_new_publishes_nothing(tiny_shop: Path) -> None:
    ended = increment(tiny_shop, NOW)
    assert (ended.verdict, ended.generation) == ("nothing to learn", 0)


def test_a_worse_encoder_is_refused_and_the_counts_are_published(
    tiny_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ruin(model: Any, *_: Any, **__: Any) -> TrainingReport:
        torch.manual_seed(1)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter.data, std=1.0)
        return TrainingReport({})

    with Shop(tiny_shop, clock=lambda: NOW) as shop:  # known items, which even random weights partly find
        shop.upsert({"id": f"i{n}", "title": f"thing {n} colour{n % 7} shape{n % 11}"} for n in range(300))
        for n in range(300):
            (chosen,) = clicks(f"colour{n % 7} shape{n % 11} thing {n}", f"i{n}", 1, NOW - timedelta(days=1))
            shop.record([chosen | {"user": f"u{n}"}])
    monkeypatch.setattr(learn_module, "train_encoder", ruin)
    ended = increment(tiny_shop, NOW)
    assert ended.verdict == "refused"
    assert "worse" in ended.reason
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        before, after = (shop.generations.open(number).card for number in (0, 1))
        assert after.encoder == before.encoder
        assert after.learned == before.learned, "a refused night loses nothing"
        assert shop.search("thing 1").generation == 1
        assert shop.generation.statistics.popularity


def test_late_events_are_learned(tiny_shop: Path) -> None:
    teach(tiny_shop)
    increment(tiny_shop, NOW)
    teach_late = clicks("bedroom", "candle", 30, NOW - timedelta(days=30))
    with Shop(tiny_shop) as shop:
        shop.record(teach_late)
    assert increment(tiny_shop, NOW).report.counts["new_events"] == 36


def test_until_is_exclusive(tiny_shop: Path) -> None:
    teach(tiny_shop, days_ago=0.0)  # from NOW on
    assert increment(tiny_shop, NOW).verdict == "nothing to learn"
    assert increment(tiny_shop, NOW + timedelta(minutes=1)).report.counts["new_events"] == 3


def test_increment_after_a_rollback_starts_from_the_restored_parent(tiny_shop: Path) -> None:
    teach(tiny_shop)
    increment(tiny_shop, NOW)
    with Shop(tiny_shop) as shop:
        assert shop.generations.rollback() == 0
        assert shop.search("cup").generation == 0
    ended = increment(tiny_shop, NOW)
    assert (ended.parent, ended.generation) == (0, 2)
    assert ended.report.counts["new_searches"] == 51
    assert "after a rollback" in ended.reason


def test_increment_holds_items_changed_meanwhile(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(tiny_shop)
    raised = run.train_and_judge

    def meanwhile(*arguments: Any) -> Any:
        with Shop(tiny_shop) as shop:
            shop.upsert([{"id": "late", "title": "Umbrella that came at midnight"}])
            shop.delete(["candle"])
        return raised(*arguments)

    monkeypatch.setattr(run, "train_and_judge", meanwhile)
    assert increment(tiny_shop, NOW).generation == 1
    with Shop(tiny_shop) as shop:
        assert shop.status()["pending_vectors"] == 0
        serving = shop.generation
        assert serving is not None
        assert "late" in serving.index
        assert "candle" not in serving.index


def test_two_nights_never_overlap(tiny_shop: Path) -> None:
    with locked(tiny_shop / "night.lock"), pytest.raises(NightBusy, match="another night"):
        increment(tiny_shop, NOW)


def test_increment_after_a_failed_night_succeeds(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(tiny_shop)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(learn_module, "train_encoder", fail)
        with pytest.raises(OSError, match="no space"):
            increment(tiny_shop, NOW)
    with Shop(tiny_shop) as shop:
        assert shop.store.ledger.latest(1)[0]["verdict"] == "failed"
        assert "no space" in shop.store.ledger.latest(1)[0]["reason"]
        assert shop.search("mug").generation == 0
    assert not list((tiny_shop / "generations").glob(".tmp-*"))
    assert increment(tiny_shop, NOW).verdict == "published"


def test_many_changed_items_are_compacted(tiny_shop: Path) -> None:
    assert compact(tiny_shop) is None
    with Shop(tiny_shop) as shop:
        shop.upsert([{"id": "new", "title": "A new thing"}])
    ended = compact(tiny_shop)
    assert ended is not None
    assert (ended.verdict, ended.generation) == ("compacted", 1)
    with Shop(tiny_shop) as shop:
        serving = shop.generation
        assert serving is not None
        assert len(serving.index) == len(ITEMS) + 1
        assert serving.index.delta_share == 0


def test_init_makes_generation_0_once(tiny_shop: Path) -> None:
    assert init(tiny_shop) == 0
    with Shop(tiny_shop) as shop:
        assert shop.generations.numbers() == [0]
        assert shop.search("lantern").hits[0].id == "lantern"


@pytest.mark.parametrize("damage", ["serving/model.onnx", "card.json"])
def test_a_night_repairs_a_shop_whose_generation_is_damaged(tiny_shop: Path, damage: str) -> None:
    teach(tiny_shop)
    increment(tiny_shop, NOW)
    (tiny_shop / "generations" / "0001" / damage).write_bytes(b"broken")
    ended = increment(tiny_shop, NOW)
    assert (ended.verdict, ended.parent, ended.generation) == ("published", 0, 2)
    with Shop(tiny_shop) as shop:
        answer = shop.search("cup")
        assert (answer.generation, answer.degraded) == (2, [])


def test_items_that_come_between_two_looks_are_no_pairs(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        for number in range(20):
            basket = [
                {"type": "purchase", "item": item, "session": f"s{number}"} for item in ("mug-red", "lantern", "bag")
            ]
            shop.record({**event, "ts": NOW - timedelta(hours=1)} for event in basket)
    counted = run.link_items

    def meanwhile(*arguments: Any) -> Any:
        verdict = counted(*arguments)
        with Shop(tiny_shop) as shop:
            shop.upsert({"id": f"late-{number}", "title": f"Late thing {number}"} for number in range(200))
        return verdict

    monkeypatch.setattr(run, "link_items", meanwhile)
    assert increment(tiny_shop, NOW).report.counts["known_item_pairs"] > 0


def test_night_result_keeps_its_name_of_before() -> None:
    assert Night is NightResult


def test_until_never_goes_back(tiny_shop: Path) -> None:
    teach(tiny_shop)
    increment(tiny_shop, NOW)
    with pytest.raises(InvalidInput, match="until"):
        increment(tiny_shop, NOW - timedelta(days=1))


def test_increment_on_an_incomplete_card_takes_all_events_until_now(tiny_shop: Path) -> None:
    init(tiny_shop)
    card = tiny_shop / "generations" / "0000" / "card.json"
    values = json.loads(card.read_text())
    del values["learned"]
    card.write_text(json.dumps(values))
    with pytest.raises(InvalidInput, match="until: expected a time after"):
        increment(tiny_shop, NOW)
    assert increment(tiny_shop).parent == 0


def test_init_with_another_model_is_refused(tiny_shop: Path, tiny_model: Path) -> None:
    assert init(tiny_shop, str(tiny_model)) == 0
    with pytest.raises(
        InvalidInput, match=r"--model: expected .*generation 0 descends, or a new folder, got all-MiniLM-L6-v2"
    ):
        init(tiny_shop, "all-MiniLM-L6-v2")


def test_increment_on_a_parent_with_a_template_is_published(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generations of an earlier export hold the graph without weights, in serving/template."""

    def export_with_template(model: Any, folder: Path) -> None:
        export_best(model, folder)
        (folder / "template").mkdir()
        (folder / "template" / "exact.onnx").write_bytes(b"an empty graph")

    export_best = serving_model.export_best
    monkeypatch.setattr(serving_model, "export_best", export_with_template)
    init(tmp_path / "old", str(tiny_model))
    monkeypatch.undo()
    with Shop(tmp_path / "old") as shop:
        shop.upsert(ITEMS)
    teach(tmp_path / "old")
    assert increment(tmp_path / "old", NOW, learn_pairs=False).generation == 1
    assert increment(tmp_path / "old", NOW).generation == 2
    with Shop(tmp_path / "old") as shop:
        assert shop.search("cup").generation == 2
        templates = [(shop.generations.open(number).folder / "serving" / "template").exists() for number in range(3)]
    assert templates == [True, True, False]
