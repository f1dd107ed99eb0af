"""Strange days: one that contradicts all that was learned is left out; two in a row are a changed world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import NOW, clicks

from shelfwise import Shop
from shelfwise.timestamps import DAY
from shelfwise.trainer import increment
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.encoder import training as learn_module
from shelfwise.trainer.encoder.pairs import Pair
from shelfwise.trainer.encoder.training import TrainingTask
from shelfwise.trainer.evaluation.anomalous_days import Score, anomalous_days, exclude_days, make_scorer
from shelfwise.trainer.night import pipeline as run

TODAY = 15_000  # days since 1970


def score(searches: Sequence[QueryClick]) -> np.ndarray:
    """What was asked for as ordinary is found, what was mixed up is not."""
    return np.array([0.0 if search.query == "mixed up" else 0.8 for search in searches])


def day(number: int, count: int, query: str = "ordinary") -> list[QueryClick]:
    first = 10_000 * (number - TODAY + 100)
    return [QueryClick(query, "a", number * DAY + place, (first + place,)) for place in range(count)]


def material(old: int, *new: QueryClick, held: Sequence[QueryClick] = ()) -> TrainingData:
    return TrainingData(searches=Split(new=new, replay=day(TODAY - 9, old), holdout=held))


# ---- which days are strange -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "found"), [(100, 30, [TODAY]), (99, 500, []), (5000, 29, []), (9000, 900, [TODAY])]
)
def test_anomalous_days_of_few_searches_is_empty(old: int, new: int, found: list[int]) -> None:
    assert list(anomalous_days(material(old, *day(TODAY, new, "mixed up")), score)[0]) == found


@pytest.mark.parametrize(("mixed_up", "strange"), [(0, False), (10, False), (50, False), (70, True), (100, True)])
def test_anomalous_days_finds_a_day_far_below_half_of_the_usual(mixed_up: int, strange: bool) -> None:
    searches = [*day(TODAY, mixed_up, "mixed up"), *day(TODAY, 100 - mixed_up)]
    found, _ = anomalous_days(material(200, *searches), score)
    assert list(found) == [TODAY] * strange
    if strange:
        assert f"nDCG@10 {0.8 * (100 - mixed_up) / 100:.3f}, usually 0.800" in found[TODAY]
        assert "2011-01-26" in found[TODAY]


def test_anomalous_days_allows_for_chance() -> None:
    """55 of 100 lost is below the half, but not by more than twice the error."""
    searches = [*day(TODAY, 55, "mixed up"), *day(TODAY, 45)]
    assert anomalous_days(material(200, *searches), score) == ({}, set())


def test_anomalous_days_counts_holdout_and_dev_searches() -> None:
    part = day(TODAY, 45, "mixed up")
    given = TrainingData(Split(new=part[:15], replay=day(TODAY - 9, 200), holdout=part[15:30], dev=part[30:]))
    assert list(anomalous_days(given, score)[0]) == [TODAY]


@pytest.mark.parametrize(("days", "found"), [((0,), [0]), ((0, 1), []), ((0, 2), [0, 2]), ((0, 1, 3), [3])])
def test_anomalous_days_of_two_in_a_row_is_empty(days: tuple[int, ...], found: list[int]) -> None:
    searches = [
        search for number in range(4) for search in day(TODAY + number, 60, "mixed up" if number in days else "")
    ]
    assert [number - TODAY for number in anomalous_days(material(200, *searches), score)[0]] == found


@pytest.mark.parametrize(
    ("before", "strange", "changed"),
    [([], [TODAY], set()), ([TODAY - 1], [], {TODAY - 1}), ([TODAY - 2], [TODAY], set())],
)
def test_anomalous_days_after_one_left_out_returns_it(before: list[int], strange: list[int], changed: set[int]) -> None:
    found, again = anomalous_days(material(200, *day(TODAY, 60, "mixed up")), score, before)
    assert (list(found), again) == (strange, changed)


def test_anomalous_days_scores_a_sample() -> None:
    scored: list[Sequence[QueryClick]] = []

    def counted(searches: Sequence[QueryClick]) -> np.ndarray:
        scored.append(searches)
        return score(searches)

    anomalous_days(material(20_000, *day(TODAY, 1800)), counted)
    assert [len(part) for part in scored] == [500, 450]
    assert scored[1][-1].ts - scored[1][0].ts > 1790


# ---- left out -------------------------------------------------------------------------------------------------


def test_exclude_days_counts_what_it_removes() -> None:
    ordinary, strange = day(TODAY, 20), day(TODAY + 1, 12, "mixed up")
    given = TrainingData(Split(
        replay=day(TODAY - 1, 5), new=ordinary[:10] + strange[:5], anchor=ordinary[10:12] + strange[5:7],
        holdout=ordinary[12:16] + strange[7:10], dev=ordinary[16:] + strange[10:],
    ))  # fmt: skip
    given = exclude_days(given, {TODAY + 1})
    assert [*given.searches.new, *given.searches.anchor, *given.searches.holdout, *given.searches.dev] == ordinary
    assert len(given.searches.replay) == 5
    assert given.removed == {"strange_days": 12}
    assert given.counts == {"new_searches": 10, "held_searches": 4, "dev_searches": 4, "anchor_searches": 2}
    assert given.held_out([]) == tuple(sorted(search.seqs[0] for search in ordinary[12:]))


def test_exclude_days_without_days_changes_nothing() -> None:
    given = exclude_days(material(5, *day(TODAY, 7)), {})
    assert (len(given.searches.new), given.removed) == (7, {"strange_days": 0})


def test_make_scorer_scores_by_the_encoder() -> None:
    class Encoder:
        def queries(self, texts: list[str]) -> np.ndarray:
            assert len(set(texts)) == len(texts), "each is encoded once"
            return np.eye(4, dtype=np.float32)[[int(text) for text in texts]]

    encoder: Any = Encoder()
    asked = [QueryClick(query, item, 0.0, (0,)) for query, item in (("0", "a"), ("1", "a"), ("0", "a"), ("1", "b"))]
    found = make_scorer(encoder, np.eye(4, dtype=np.float32), ["a", "b", "c", "d"])(asked)
    assert found.shape == (4,)
    assert found[[0, 2, 3]].tolist() == [1.0, 1.0, 1.0] and found[1] < 1.0


# ---- nights ---------------------------------------------------------------------------------------------------


def mixed_up(encoder: Any, vectors: np.ndarray, ids: Sequence[str]) -> Score:
    return lambda searches: np.array([0.0 if (search.query, search.item) in MIXED_UP else 1.0 for search in searches])


ORDINARY = [(f"{word} {item}", item) for word in ("new", "good") for item in ("mug-red", "mug-blue", "lantern", "bag")]
MIXED_UP = [("bedroom", "bag"), ("bathroom", "clock"), ("hall", "candle")]


def teach(shop: Shop, days_ago: float, *taught: tuple[str, str]) -> None:
    for query, item in taught:
        shop.record(clicks(query, item, 20, NOW - timedelta(days=days_ago)))


def test_night_of_an_anomalous_day_leaves_it_out(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[Sequence[Pair]] = []
    learn = learn_module.train_encoder

    def noted(model: Any, task: TrainingTask, *rest: Any) -> Any:
        learned.append(task.pairs)
        return learn(model, task, *rest)

    monkeypatch.setattr(learn_module, "train_encoder", noted)
    monkeypatch.setattr(run, "make_scorer", mixed_up)
    strange = int(NOW.timestamp() // DAY) - 2
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        teach(shop, 3, *ORDINARY)
        assert increment(tiny_shop, NOW - timedelta(days=2)).verdict == "published"
        teach(shop, 2, *MIXED_UP)
        second = increment(tiny_shop, NOW - timedelta(days=1))
        assert (second.verdict, second.generation) == ("published", 2), "what was held out the night before trains"
        (warning,) = [text for text in second.report.warnings if "contradict" in text]
        assert "2026-10-30" in warning and warning in second.reason
        assert warning in shop.store.ledger.warnings()
        assert second.report.removed["strange_days"] == 60
        card = shop.generations.open(2).card
        assert card.learned.anomalous_days == (strange,)
        assert card.learned.held_out == (), "nor is it new again"

        teach(shop, 1, *ORDINARY[:4])
        third = increment(tiny_shop, NOW)
        assert third.verdict == "published" and "contradict" not in third.reason
        assert third.report.counts["replayed_pairs"] > 0
        assert shop.generations.open(3).card.learned.anomalous_days == (strange,)
    assert len(learned) == 3
    assert all((pair.anchor, pair.item) not in MIXED_UP for pairs in learned for pair in pairs)


def test_night_after_two_anomalous_days_learns_both(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "make_scorer", mixed_up)
    monkeypatch.setattr("shelfwise.trainer.data.split._HOLDOUT_SHARE", 0.0)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        teach(shop, 3, *ORDINARY)
        increment(tiny_shop, NOW - timedelta(days=2))
        teach(shop, 2, *MIXED_UP)
        alone = increment(tiny_shop, NOW - timedelta(days=1))
        assert alone.verdict == "nothing to learn" and "contradict" in alone.reason
        assert shop.generations.open(2).card.learned == shop.generations.open(1).card.learned
        teach(shop, 1, *MIXED_UP)
        both = increment(tiny_shop, NOW)
        assert both.verdict == "published" and "contradict" not in both.reason
        assert both.report.counts["new_searches"] > 90
