"""A shopper's taste from their own events, and how much of it a candidate meets."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.events import EVENT_WEIGHTS
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.index import VectorIndex, build
from shelfwise.search.personalization import ShopperTaste, shopper_taste
from shelfwise.store import Event, Store
from shelfwise.timestamps import DAY
from support.fake_generation import WordEncoder
from support.recommend_shop import NO_VECTORS, make_signals
from support.stores import store_fixture, upsert_rows

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


store = store_fixture(ITEMS)


@pytest.fixture
def index() -> VectorIndex:
    """All but the pin, whose vector is yet to be made."""
    return build(IDS[:5], ENCODER.items(IDS[:5]))


def event(item: str, type: str = "click", days_ago: float = 0.0) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, "u", None, None)


NOTHING = ItemSignals()


def taste_of(
    columns: CatalogueSnapshot, *events: Event, index: VectorIndex = NO_VECTORS, signals: ItemSignals = NOTHING
) -> dict[str, dict[str, float]]:
    """Feature → item → value, of what is not zero."""
    taste = shopper_taste(events, columns, index, SignalsByRow(signals, columns), NOW)
    assert taste is not None
    tastes = taste.features(ROWS)
    assert all(values.shape == (6,) and values.dtype == np.float32 for values in tastes.values())
    assert all(np.isfinite(values).all() for values in tastes.values())
    return {name: {id: v for id, v in zip(IDS, values.tolist(), strict=True) if v} for name, values in tastes.items()}


def test_items_of_one_brand_and_category_share(columns: CatalogueSnapshot) -> None:
    tastes = taste_of(columns, event("mug"))
    assert tastes["brand"] == {"mug": 1.0, "cup": 1.0, "pin": 1.0}
    assert tastes["category"] == {"mug": 1.0, "jug": 1.0, "pin": 1.0}
    assert set(tastes["own"]) == {"mug"}


def test_shares_go_by_event_weights(columns: CatalogueSnapshot) -> None:
    tastes = taste_of(columns, event("mug", "purchase"), event("jug"), event("bag", "purchase"))
    whole = 2 * EVENT_WEIGHTS["purchase"] + EVENT_WEIGHTS["click"]  # with the bag, which has no brand
    assert tastes["brand"]["cup"] == pytest.approx(EVENT_WEIGHTS["purchase"] / whole)
    assert tastes["brand"]["jug"] == pytest.approx(EVENT_WEIGHTS["click"] / whole)
    assert "ring" not in tastes["brand"]


def test_newer_events_weigh_more(columns: CatalogueSnapshot) -> None:
    own = taste_of(columns, event("mug"), event("cup", days_ago=60), event("jug", days_ago=120))["own"]
    assert [own[id] for id in ("mug", "cup", "jug")] == pytest.approx(np.log1p([1, 0.5, 0.25]).tolist())


def test_price_fit_falls_with_the_distance(columns: CatalogueSnapshot) -> None:
    assert taste_of(columns, event("bag"))["price_fit"] == {}, "nothing is known of its price"
    fit = taste_of(columns, event("mug"), event("cup"), event("jug"))["price_fit"]
    assert fit["cup"] == fit["pin"] > fit["mug"] > fit.get("ring", 0.0)
    assert "bag" not in fit


def test_events_of_one_visit_count_as_the_best(columns: CatalogueSnapshot) -> None:
    own = taste_of(columns, event("mug"), event("mug"), event("cup"), event("cup", "cart"))["own"]
    assert own == pytest.approx({"mug": np.log1p(EVENT_WEIGHTS["click"]), "cup": np.log1p(EVENT_WEIGHTS["cart"])})


def test_events_of_a_dismissed_item_say_nothing(columns: CatalogueSnapshot) -> None:
    tastes = taste_of(columns, event("mug", "dismiss"), event("mug", "purchase", days_ago=1), event("ring"))
    assert set(tastes["own"]) == set(tastes["brand"]) == {"ring"}


def test_taste_is_the_cosine_to_chosen_items(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    tastes = taste_of(columns, event("mug"), index=index)
    assert tastes["taste"] == pytest.approx({"mug": 1.0, "cup": 1.0})
    assert "taste" not in taste_of(columns, event("pin"), index=index), "its vector is not made yet"


def test_without_vectors_there_is_no_taste(columns: CatalogueSnapshot) -> None:
    assert "taste" not in taste_of(columns, event("mug"))


def test_companions_are_shares_of_the_strongest(columns: CatalogueSnapshot) -> None:
    """The mug with the jug and the ring, the cup with the jug; what is gone since is nobody's."""
    links = {"mug": {"jug": 0.5, "ring": 0.2, "gone": 0.9}, "cup": {"jug": 0.3}}
    signals = make_signals(links={"together": links}, ids=["mug", "cup", "jug", "ring", "gone"])
    one = taste_of(columns, event("mug"), signals=signals)["companion"]
    assert one == pytest.approx({"jug": 1.0, "ring": 0.4}), "shares of the strongest"
    both = taste_of(columns, event("mug"), event("cup"), event("bag"), signals=signals)["companion"]
    assert both == pytest.approx({"jug": 1.0, "ring": 0.25})


def test_companions_are_of_the_newest_fifty_items(store: Store) -> None:
    upsert_rows(store, *({"id": f"x{number}", "title": f"x {number}"} for number in range(50)))
    columns = CatalogueCache(store).current()
    signals = SignalsByRow(make_signals(links={"together": {"mug": {"jug": 1.0}}}, ids=IDS), columns)
    others = [event(f"x{number}") for number in range(50)]
    for newer, expected in ((others[1:], 1.0), (others, 0.0)):
        taste = shopper_taste([*newer, event("mug")], columns, NO_VECTORS, signals, NOW)
        assert taste is not None and taste.companions[columns.row_of["jug"]] == expected


@pytest.mark.parametrize(
    "events",
    [[], [event("unknown")], [event("mug", "dismiss")], [event("unknown"), event("cup", "dismiss")]],
)
def test_events_without_known_choices_give_no_taste(
    columns: CatalogueSnapshot, index: VectorIndex, events: list[Event]
) -> None:
    assert shopper_taste(events, columns, index, SignalsByRow(NOTHING, columns), NOW) is None


@pytest.mark.parametrize("years", [1, 10, 200])
def test_very_old_events_weigh_nothing(columns: CatalogueSnapshot, index: VectorIndex, years: int) -> None:
    tastes = taste_of(columns, event("mug", days_ago=365 * years), index=index)
    assert tastes["own"].get("mug", 0.0) < 0.02


def test_item_added_after_the_snapshot_says_nothing(store: Store, columns: CatalogueSnapshot) -> None:
    upsert_rows(store, {"id": "late", "title": "late", "brand": "Acme"})
    columns._source.current()
    assert shopper_taste([event("late")], columns, NO_VECTORS, SignalsByRow(NOTHING, columns), NOW) is None


def test_deleted_item_still_counts(store: Store) -> None:
    store.items.delete(["mug"])
    assert taste_of(CatalogueCache(store).current(), event("mug"))["brand"]["cup"] == 1.0


def test_no_candidates(columns: CatalogueSnapshot, index: VectorIndex) -> None:
    taste = shopper_taste([event("mug")], columns, index, SignalsByRow(NOTHING, columns), NOW)
    assert isinstance(taste, ShopperTaste)
    assert all(len(values) == 0 for values in taste.features(ROWS[:0]).values())
