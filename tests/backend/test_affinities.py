"""A shopper's taste from their own events, and how much of it a candidate meets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from knowing import WordEncoder, put, stocked

from shelfwise.affinities import Affinities, affinities
from shelfwise.columns import Catalogue, Columns
from shelfwise.index import VectorIndex, build
from shelfwise.statistics import WORTH, Statistics, save
from shelfwise.store import Event, Store
from shelfwise.times import DAY

NOW = 1_320_000_000.0
ITEMS = [  # rows 1 to 6
    {"id": "mug", "title": "mug", "brand": "Acme", "category": "Kitchen > Mugs", "price": 4},
    {"id": "cup", "title": "cup", "brand": "Acme", "category": "Kitchen > Cups", "price": 5},
    {"id": "jug", "title": "jug", "brand": "Other", "category": "Kitchen > Mugs", "price": 6},
    {"id": "ring", "title": "ring", "brand": "Gold", "price": 900},
    {"id": "bag", "title": "bag"},
    {"id": "pin", "title": "pin", "brand": "Acme", "category": "Kitchen > Mugs", "price": 5},
]
IDS = [str(item["id"]) for item in ITEMS]
ROWS = np.arange(1, 7)
ENCODER = WordEncoder("mug|cup jug ring bag")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = stocked(tmp_path, ITEMS)
    yield opened
    opened.close()


@pytest.fixture
def columns(store: Store) -> Columns:
    return Catalogue(store).current()


@pytest.fixture
def index() -> VectorIndex:
    """All but the pin, whose vector is yet to be made."""
    return build(IDS[:5], ENCODER.items(IDS[:5]))


def event(item: str, type: str = "click", days_ago: float = 0.0) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, "u", None, None)


NOTHING = Statistics()


def taste_of(
    columns: Columns, *events: Event, index: VectorIndex | None = None, statistics: Statistics = NOTHING
) -> dict[str, dict[str, float]]:
    """Feature → item → value, of what is not zero."""
    found = affinities(events, columns, index, statistics, NOW)
    assert found is not None
    tastes = found.of(ROWS, columns, index)
    assert all(values.shape == (6,) and values.dtype == np.float32 for values in tastes.values())
    assert all(np.isfinite(values).all() for values in tastes.values())
    return {name: {id: v for id, v in zip(IDS, values.tolist(), strict=True) if v} for name, values in tastes.items()}


def test_things_of_the_same_brand_and_category(columns: Columns) -> None:
    tastes = taste_of(columns, event("mug"))
    assert tastes["brand"] == {"mug": 1.0, "cup": 1.0, "pin": 1.0}
    assert tastes["category"] == {"mug": 1.0, "jug": 1.0, "pin": 1.0}
    assert set(tastes["own"]) == {"mug"}


def test_shares_go_by_what_the_events_are_worth(columns: Columns) -> None:
    tastes = taste_of(columns, event("mug", "purchase"), event("jug"), event("bag", "purchase"))
    whole = WORTH["purchase"] + WORTH["click"]  # what has no brand has no share
    assert tastes["brand"]["cup"] == pytest.approx(WORTH["purchase"] / whole)
    assert tastes["brand"]["jug"] == pytest.approx(WORTH["click"] / whole)
    assert "ring" not in tastes["brand"]


def test_newer_events_are_worth_more(columns: Columns) -> None:
    own = taste_of(columns, event("mug"), event("cup", days_ago=60), event("jug", days_ago=120))["own"]
    assert [own[id] for id in ("mug", "cup", "jug")] == pytest.approx(np.log1p([1, 0.5, 0.25]).tolist())


def test_a_price_level_needs_three_prices(columns: Columns) -> None:
    assert "price_fit" not in taste_of(columns, event("mug"), event("cup"), event("bag"), event("mug"))
    fit = taste_of(columns, event("mug"), event("cup"), event("jug"))["price_fit"]
    assert fit["cup"] == fit["pin"] > fit["mug"] > fit.get("ring", 0.0)
    assert "bag" not in fit, "nothing is known of its price"


def test_the_look_of_what_was_chosen(columns: Columns, index: VectorIndex) -> None:
    tastes = taste_of(columns, event("mug"), index=index)
    assert tastes["taste"] == pytest.approx({"mug": 1.0, "cup": 1.0})
    assert "taste" not in taste_of(columns, event("pin"), index=index), "its vector is not made yet"


def test_without_an_index_there_is_no_look(columns: Columns) -> None:
    assert "taste" not in taste_of(columns, event("mug"))


def test_what_is_bought_together_with_what_they_have(columns: Columns, tmp_path: Path) -> None:
    """The mug with the jug and the ring, the cup with the jug; what is gone since is nobody's."""
    ids = ["mug", "cup", "jug", "ring", "gone"]
    save(tmp_path / "s", ids, {}, np.array([0, 3, 4, 4, 4, 4]), np.array([2, 3, 4, 2]), np.array([0.5, 0.2, 0.9, 0.3]))
    statistics = Statistics.open(tmp_path / "s")
    one = taste_of(columns, event("mug"), statistics=statistics)["companion"]
    assert one == pytest.approx({"jug": 0.5, "ring": 0.2})
    both = taste_of(columns, event("mug"), event("cup"), event("bag"), statistics=statistics)["companion"]
    assert both == pytest.approx({"jug": 0.8, "ring": 0.2})


@pytest.mark.parametrize(
    "events",
    [[], [event("unknown")], [event("mug", "dismiss")], [event("unknown"), event("cup", "dismiss")]],
)
def test_what_says_nothing(columns: Columns, index: VectorIndex, events: list[Event]) -> None:
    assert affinities(events, columns, index, NOTHING, NOW) is None


@pytest.mark.parametrize("years", [1, 10, 200])
def test_events_of_long_ago_are_no_trouble(columns: Columns, index: VectorIndex, years: int) -> None:
    tastes = taste_of(columns, event("mug", days_ago=365 * years), index=index)
    assert tastes["own"].get("mug", 0.0) < 0.02


def test_an_item_that_came_after_the_columns_says_nothing_yet(store: Store, columns: Columns) -> None:
    put(store, {"id": "late", "title": "late", "brand": "Acme"})
    columns._source.current()
    assert affinities([event("late")], columns, None, NOTHING, NOW) is None


def test_a_deleted_item_still_tells_of_a_taste(store: Store) -> None:
    store.items.delete(["mug"])
    assert taste_of(Catalogue(store).current(), event("mug"))["brand"]["cup"] == 1.0


def test_no_candidates(columns: Columns, index: VectorIndex) -> None:
    found = affinities([event("mug")], columns, index, NOTHING, NOW)
    assert isinstance(found, Affinities)
    assert all(len(values) == 0 for values in found.of(ROWS[:0], columns, index).values())
