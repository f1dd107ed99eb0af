"""Drift: each figure where the answer is known, and each warning on both sides of its limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shelfwise.night_report_parts import ClickThrough, DriftReport
from shelfwise.store import DailyEngagement
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.evaluation.drift import (
    MAX_PSI,
    DriftInputs,
    click_through,
    embedding_shift,
    measure,
    new_item_share,
    query_mix,
    stability_index,
    texts_swapped,
    unseen_share,
)

NOW = 15_278 * DAY
TOPICS = 8


def encode(queries: Sequence[str]) -> np.ndarray:
    """A query is "topic spelling": its vector lies near the topic's axis."""
    assert len(set(queries)) == len(queries), "a query is encoded once"
    vectors = np.zeros((len(queries), TOPICS + 1), np.float32)
    for row, query in enumerate(queries):
        topic, spelling = query.split()
        vectors[row, int(topic)] = 1.0
        vectors[row, TOPICS] = 0.01 * (int(spelling) % 7)
    return vectors


def searches(topics: Sequence[int], start: float, days: float, spellings: int = 50) -> list[QueryClick]:
    step = days * DAY / len(topics)
    return [
        QueryClick(f"{topic} {number % spellings}", f"i{topic}", start + number * step, (number,))
        for number, topic in enumerate(topics)
    ]


def topics(count: int, seed: int, among: int = TOPICS) -> list[int]:
    return [int(topic) for topic in np.random.default_rng(seed).integers(0, among, count)]


def inputs(old: Sequence[QueryClick], new: Sequence[QueryClick], **others: Any) -> DriftInputs:
    return DriftInputs(old=old, new=new, parent_until=NOW, encode=encode, seed=7, **others)


def days(*counts: tuple[int, int]) -> list[DailyEngagement]:
    return [DailyEngagement(NOW + number * DAY, shown, clicked) for number, (shown, clicked) in enumerate(counts)]


OLD = searches(topics(1_400, seed=1), NOW - 28 * DAY, 28)
STEADY = searches(topics(200, seed=2), NOW, 1)


# ---- figures ----------------------------------------------------------------------------------------------------


def test_stability_index_by_hand() -> None:
    then, now = np.array([90, 10]), np.array([40, 60])
    p, q = (np.array([90.5, 10.5]) / 101, np.array([40.5, 60.5]) / 101)
    assert stability_index(then, now) == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert stability_index(then, then * 1) == 0
    assert np.isfinite(stability_index(np.array([10, 0]), np.array([0, 10])))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [60, 200, 2_000])
def test_query_mix_of_one_population_stays_below_its_limit(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    then, now = (rng.normal(size=(size, 16)).astype(np.float32) for size in (1_000, count))
    psi, limit = query_mix(then, now, seed) or (1.0, 0.0)
    assert 0 <= psi < limit
    assert limit == pytest.approx(MAX_PSI + 19 * (1 / 1_000 + 1 / count))


def test_query_mix_that_changes_every_day_stays_below_its_limit() -> None:
    def days_about(*about: int) -> np.ndarray:
        return np.eye(8, dtype=np.float32)[np.repeat(about, 100)]

    then = days_about(0, 1, 2, 3, 0, 1, 2, 3)
    for about in (0, 2):
        psi, limit = query_mix(then, days_about(about), 0) or (0.0, 0.0)
        assert 1 < psi < limit
    psi, limit = query_mix(np.vstack([then[::2], then[1::2]]), days_about(2), 0, share=1 / 4) or (0.0, 0.0)
    assert psi > limit, "the days of the reference were all alike"


def test_query_mix_of_too_few_queries_is_none() -> None:
    vectors = np.eye(15, dtype=np.float32)
    assert query_mix(vectors, vectors, 0) is None
    assert query_mix(np.ones((100, 4), np.float32), vectors, 0) is None, "one query, asked again and again"
    assert query_mix(np.ones((100, 4), np.float32), np.ones((0, 4), np.float32), 0) is None


def test_unseen_share_compares_letters_and_digits() -> None:
    past, part = (
        [QueryClick(query, "i", 0, ()) for query in queries]
        for queries in (["Wii-Fit", "zelda"], ["wii fit", "halo 3"])
    )
    assert unseen_share(past, part) == 0.5


def test_new_item_share_counts_seven_days() -> None:
    past = [QueryClick("q", "old", NOW - 8 * DAY, ()), QueryClick("q", "recent", NOW - 7 * DAY, ())]
    part = [QueryClick("q", item, NOW, ()) for item in ("old", "recent", "never")]
    assert new_item_share(past, part) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("after", "shift", "swapped"),
    [
        ([[2, 0], [0, 1]], 0.0, 0.0),
        ([[0, 1], [1, 0]], 1.0, 1.0),
        ([[1, 0], [0, -1]], 1.0, 0.5),
        ([[np.nan, 0], [0, 1]], 0.5, 0.5),
        ([[0, 0], [0, np.inf]], 1.0, 1.0),
    ],
)
def test_embedding_shift_and_texts_swapped_by_hand(after: list[list[float]], shift: float, swapped: float) -> None:
    before = np.eye(2, dtype=np.float32)
    assert embedding_shift(before, np.array(after)) == pytest.approx(shift)
    assert texts_swapped(before, np.array(after)) == swapped


@pytest.mark.parametrize(
    ("counts", "fell"),
    [
        ([(1_000, 300)] * 5 + [(1_000, 300)], False),
        ([(1_000, 300)] * 5 + [(1_000, 230)], True),
        ([(1_000, 300)] * 5 + [(1_000, 250)], False),  # less than a fifth
        ([(100, 30)] * 5 + [(60, 13)], False),  # within three standard errors
        ([(1_000, 900)] * 5 + [(49, 0)], False),  # too few that day
        ([(1_000, 300)] * 2 + [(1_000, 0)], False),  # too short a history
        ([(1_000, 300)] * 2 + [(0, 0)] * 9 + [(1_000, 0)], False),
        ([(1_000, 300)] * 3 + [(0, 0)] * 9 + [(1_000, 0)], True),
        ([(1_000, 0)] * 5 + [(1_000, 0)], False),
    ],
)
def test_click_through_falls(counts: list[tuple[int, int]], fell: bool) -> None:
    result = click_through(days(*counts))
    assert result is not None and result[1] is fell


def test_click_through_by_hand() -> None:
    expected = ClickThrough(yesterday=0.3, before=0.3, spread=0.1, limit=0.1625, shown=100, days=2)
    assert click_through(days((100, 20), (0, 0), (100, 40), (100, 30))) == (expected, False)


@pytest.mark.parametrize("counts", [[], [(100, 3)], [(0, 0), (100, 3)], [(100, 3), (0, 0)]])
def test_click_through_without_both_sides_is_none(counts: list[tuple[int, int]]) -> None:
    assert click_through(days(*counts)) is None


# ---- the whole --------------------------------------------------------------------------------------------------


def test_measure_of_a_steady_night_has_no_warnings() -> None:
    vectors = np.random.default_rng(0).normal(size=(100, 8))
    report, warnings = measure(
        inputs(
            OLD, STEADY, same_items=(vectors, vectors * 3), texts=(vectors, vectors),
            engagement={"searches": days(*[(500, 200)] * 9), "recommendations": days(*[(500, 20)] * 9)},
        )
    )  # fmt: skip
    assert warnings == []
    figures = report.to_dict()
    assert set(figures) == {
        "query_psi", "unseen_queries", "unseen_before", "new_items", "new_items_before", "embedding_shift",
        "catalogue_shift", "ctr", "recommendation_ctr", "limits",
    }  # fmt: skip
    assert (figures["ctr"]["yesterday"], figures["recommendation_ctr"]["yesterday"]) == (0.4, 0.04)
    assert set(figures["limits"]) <= set(figures)


def test_measure_does_not_depend_on_the_order() -> None:
    assert measure(inputs(OLD, STEADY)) == measure(inputs(OLD[::-1], STEADY[::-1]))


@pytest.mark.parametrize(
    ("moved", "sentence"),
    [
        ({"new": searches(topics(200, seed=2, among=2), NOW, 1)}, "query mix moved: PSI "),
        ({"new": [QueryClick("0 99", "i0", NOW, ())] * 80 + STEADY[:120]}, "more queries were never seen: share 0."),
        (
            {"new": [QueryClick("0 1", "new", NOW, ())] * 80 + STEADY[:120]},
            "more clicks go to new items: share 0.400 > 0.150",
        ),
        (
            {"same_items": (np.eye(30), np.roll(np.eye(30), 1, axis=0))},
            "item vectors moved: mean 1 − cosine 1.000 > 0.300",
        ),
        (
            {"texts": (np.eye(30), np.vstack([np.eye(30)[:15], np.eye(30)[:15]]))},
            "item texts changed beyond recognition: share 0.500 > 0.100",
        ),
        (
            {"engagement": {"searches": days(*[(500, 200)] * 5, (500, 100))}},
            "searches were clicked less yesterday: 0.200 < 0.320 (before: 0.400)",
        ),
        ({"engagement": {"recommendations": days(*[(500, 200)] * 5, (500, 0))}}, "recommendations were clicked less"),
    ],
)
def test_measure_of_a_move_has_its_warning(moved: dict[str, Any], sentence: str) -> None:
    report, warnings = measure(inputs(OLD, **{"new": STEADY, **moved}))
    assert any(warning.startswith(sentence) for warning in warnings), (warnings, report)


@pytest.mark.parametrize(("old", "new"), [([], STEADY), (OLD, []), ([], [])])
def test_measure_leaves_out_what_cannot_be_measured(old: list[QueryClick], new: list[QueryClick]) -> None:
    assert measure(inputs(old, new)) == (DriftReport(), [])
    assert measure(inputs(old, new, same_items=(np.zeros((0, 2)), np.zeros((0, 2))))) == (DriftReport(), [])


def test_measure_of_few_searches_and_items_has_no_warnings() -> None:
    few = [QueryClick("0 999", "new", NOW, ())] * 20
    report, warnings = measure(inputs(OLD[:400], few, texts=(np.eye(2), np.eye(2)[::-1])))
    assert report.unseen_queries == report.new_items == report.catalogue_shift == 1.0
    assert warnings == []
