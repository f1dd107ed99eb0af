"""Examples of past visits: made of what was known before them, one group a shopper, and nothing of the future."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.index import VectorIndex, build
from shelfwise.recommend.features import NAMES
from shelfwise.store import Event, ShownRecommendation
from shelfwise.timestamps import DAY
from shelfwise.trainer.rankers import for_you_examples
from shelfwise.trainer.rankers.for_you_examples import (
    ExampleSources,
    ForYouExamples,
    PointInTime,
    build_for_you_examples,
    point_in_time,
    snapshot_times,
)

AT = 1_320_000_000.0 // DAY * DAY
IDS = [f"i{number}" for number in range(12)]


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[CatalogueSnapshot]:
    with Shop(tmp_path / "shop") as shop:
        shop.upsert([{"id": id, "title": f"Thing {id}", "price": 1.0} for id in IDS])
        yield CatalogueCache(shop.store).current()


@pytest.fixture
def index() -> VectorIndex:
    vectors = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
    return build(IDS, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def bought(user: str, item: str, days: float, session: str = "") -> Event:
    """So many days after the evening (before it: less than 0)."""
    return Event(1, AT + days * DAY, "purchase", item, user, session or f"{user}{days}", None)


PAST = [bought(f"u{number}", f"i{(number + step) % 8}", step - 20.0) for step in range(4) for number in range(10)]
VISITS = [
    bought("u0", "i4", 0.5, "now"),
    bought("u0", "i5", 0.5, "now"),
    bought("u1", "i2", 1.5),
    bought("new", "i1", 1),
]


def examples(
    columns: CatalogueSnapshot, index: VectorIndex, events: list[Event], until: float = 30.0
) -> ForYouExamples:
    events = sorted(events, key=lambda event: event.ts)
    past = point_in_time(AT, AT + until * DAY, events, IDS, np.zeros(len(IDS), int))
    return build_for_you_examples(past, events, ExampleSources(columns, index), 1)


def chosen_times(made: ForYouExamples) -> list[float]:
    """Of each row that was chosen, how often the shopper had had it."""
    return made.features[made.chosen > 0, NAMES.index("own_times")].astype(float).tolist()


def test_build_for_you_examples_makes_a_group_for_each_known_shopper(
    columns: CatalogueSnapshot, index: VectorIndex
) -> None:
    made = examples(columns, index, PAST + VISITS)
    assert len(made) == 2, "u0 and u1; of who was new nothing was known"
    assert made.chosen.sum() == 3
    assert chosen_times(made) == [0.0, 0.0, 1.0], "u0 never had i4 and i5, u1 had i2"


def test_build_for_you_examples_takes_the_first_visit(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    later = bought("u0", "i6", 3)
    assert np.array_equal(
        examples(columns, index, [*PAST, *VISITS, later]).features, examples(columns, index, PAST + VISITS).features
    )


def test_build_for_you_examples_ignores_visits_after_the_end(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    assert len(examples(columns, index, PAST + VISITS, until=1.0)) == 1


def test_build_for_you_examples_knows_nothing_of_the_future(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    """What others buy after the evening changes no feature."""
    noise = [bought(f"v{number}", f"i{number % 12}", 0.1 + number / 10) for number in range(40)]
    with_noise, without = examples(columns, index, PAST + VISITS + noise), examples(columns, index, PAST + VISITS)
    assert np.array_equal(with_noise.features, without.features)
    assert np.array_equal(with_noise.chosen, without.chosen)


def test_build_for_you_examples_of_no_candidate_makes_no_group(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    gone = [*PAST, bought("u0", "gone", 1)]
    assert len(examples(columns, index, gone)) == 0
    assert len(examples(columns, index, PAST)) == 0


def test_build_for_you_examples_draws_shoppers(
    columns: CatalogueSnapshot, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_you_examples, "_MAX_SHOPPERS", 1)
    assert len(examples(columns, index, PAST + VISITS)) == 1


def test_load_returns_what_save_wrote(columns: CatalogueSnapshot, index: VectorIndex, tmp_path: Path) -> None:
    made = examples(columns, index, PAST + VISITS)
    both = ForYouExamples.empty().extended(made).extended(made)
    both.save(tmp_path / "wishes")
    again = ForYouExamples.load(tmp_path / "wishes")
    assert len(again) == 4
    assert again.features.dtype == np.float16
    assert np.array_equal(again.features, both.features)


def test_build_for_you_examples_by_saved_signals_equals_counting_anew(
    columns: CatalogueSnapshot, index: VectorIndex
) -> None:
    """The parent's own signals give the same rows as counting them anew."""
    events = sorted(PAST + VISITS, key=lambda event: event.ts)
    anew = point_in_time(AT, AT + 30 * DAY, events, IDS, np.zeros(len(IDS), int))
    own = PointInTime(AT, AT + 30 * DAY, anew.signals)
    assert np.array_equal(
        build_for_you_examples(own, events, ExampleSources(columns, index), 1).features,
        examples(columns, index, events).features,
    )


def test_build_for_you_examples_knows_impressions(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    calls: list[tuple[str | None, str | None, float, float]] = []

    def impressions(
        user: str | None, session: str | None, since: float, until: float, most: int
    ) -> list[ShownRecommendation]:
        calls.append((user, session, since, until))
        return [ShownRecommendation(AT - 7 * DAY, ("i9", "i2"))] if user == "u1" else []

    events = sorted(PAST + VISITS, key=lambda event: event.ts)
    past = point_in_time(AT, AT + 30 * DAY, events, IDS, np.zeros(len(IDS), int))
    made = build_for_you_examples(past, events, ExampleSources(columns, index, impressions), 1)
    passed = made.features[made.chosen > 0, NAMES.index("passed")].astype(float).tolist()
    assert passed == [0.0, 0.0, 0.5], "u0 was shown nothing; u1 saw i2 a half-life ago"
    assert calls == [(user, None, AT - 30 * DAY, AT) for user in ("u0", "u1")]


@pytest.mark.parametrize(("days", "count", "horizon"), [(400, 8, 40), (80, 8, 10), (8, 8, 1), (1.5, 1, 1), (0.5, 0, 1)])
def test_snapshot_times_lie_within_the_log(days: float, count: int, horizon: float) -> None:
    """Each with the time after it within the log, and with something before it."""
    found = snapshot_times([bought("u", "i0", 0.0)], AT + days * DAY, 100)
    assert len(found) <= 8
    assert all(end - start == pytest.approx(horizon * DAY) and end <= AT + days * DAY for start, end in found)
    assert all(start > AT for start, _ in found)
    assert found == sorted(found)
    assert bool(found) == (count > 0)


def test_snapshot_times_without_events_is_empty() -> None:
    assert snapshot_times([], AT, 100) == []


def test_snapshot_times_of_many_items_are_fewer() -> None:
    assert len(snapshot_times([bought("u", "i0", 0.0)], AT + 400 * DAY, 20_000)) == 3
