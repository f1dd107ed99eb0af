"""A shopper as arrays: visits and choices, rhythm and interests, of histories as odd as they come."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.shopper.user_profile import UserProfile
from shelfwise.store import Event, Store
from support.recommend_shop import DEGREES, NOW, circle_index, event, history
from support.stores import upsert_rows


def profile_of(columns: CatalogueSnapshot, *events: Event) -> UserProfile:
    return UserProfile.from_events(history(*events), columns, NOW)


def ids_of(profile: UserProfile, columns: CatalogueSnapshot) -> list[str | None]:
    return [columns.ids[row] for row in profile.rows.tolist()]


# ---- visits and choices -------------------------------------------------------------------------------------


def test_items_are_in_order_of_the_last_choice(columns: CatalogueSnapshot) -> None:
    profile = profile_of(
        columns, event("tea", days=9), event("cup", days=5), event("mug", days=7), event("tea", days=2)
    )
    assert ids_of(profile, columns) == ["tea", "cup", "mug"]
    assert len(profile) == 3
    assert profile.visits == 4
    assert profile.visit_counts.tolist() == [2, 1, 1]
    assert profile.days_since == pytest.approx([2, 5, 7])
    assert profile.days_since_first == pytest.approx([9, 5, 7])
    assert profile.visits_since_last.tolist() == [0, 1, 2]
    assert profile.visits_since_first.tolist() == [3, 1, 2]


def test_a_visit_is_a_session_or_else_a_day(columns: CatalogueSnapshot) -> None:
    midnight = NOW % 86_400 / 86_400  # days since
    evening = [event("tea", days=midnight + 0.1), event("cup", days=midnight + 0.01), event("tea", days=midnight / 2)]
    assert profile_of(columns, *evening).visits == 2
    at_once = [event("tea", days=0.2, session="a"), event("cup", days=0.1, session="b"), event("mug", days=0.3)]
    assert profile_of(columns, *at_once).visits == 3
    over_days = [event("tea", days=5, session="a"), event("tea", days=1, session="a")]
    assert profile_of(columns, *over_days).visits == 1
    assert profile_of(columns, *over_days).visit_counts.tolist() == [1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (event("tea", session="a", days=1), event("cup", session="a", days=9), True),
        (event("tea", session="a", days=1), event("tea", session="b", days=1), False),
        (event("tea", days=1), event("cup", days=1), True),
        (event("tea", days=1), event("tea", days=2), False),
        (event("tea", days=1, session=""), event("tea", days=1), True),
    ],
)
def test_event_visit_keys(one: Event, other: Event, same: bool) -> None:
    assert (one.visit == other.visit) is same


def test_choice_weighs_as_its_best_event(columns: CatalogueSnapshot) -> None:
    profile = profile_of(
        columns, event("tea", "view", 1, "s"), event("tea", "purchase", 1.001, "s"), event("cup", "cart", 3)
    )
    assert profile.weight.tolist() == pytest.approx([1.0, 0.6])
    assert profile.bought.tolist() == [True, False]
    assert profile.decayed(1.0) == pytest.approx([0.5, 0.6 / 8])


def test_decayed_sums_halved_visits(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea", days=10), event("tea", days=20), event("cup", "click", 10))
    assert profile.decayed(10) == pytest.approx([0.75, 0.1]), "a click is worth a fifth of a purchase"


def test_mean_gap_needs_two_visits(columns: CatalogueSnapshot) -> None:
    profile = profile_of(
        columns, event("tea", days=40), event("tea", days=25), event("tea", days=10), event("cup", days=3)
    )
    assert profile.mean_gap_days == pytest.approx([np.nan, 15], nan_ok=True)


def test_purchases_leave_out_other_choices(columns: CatalogueSnapshot) -> None:
    tea = [event("tea", days=40), event("tea", "view", 30), event("tea", days=20), event("tea", "click", 1)]
    profile = profile_of(columns, *tea, event("cup", "cart", 2)).purchases
    assert ids_of(profile, columns) == ["tea", "cup"]
    assert profile.visit_counts.tolist() == [2, 0]
    assert (profile.days_since[0], profile.mean_gap_days[0]) == (20, 20)
    assert profile.days_since[1] == np.inf and np.isnan(profile.mean_gap_days[1]), "never"


def test_items_of_last_visits(columns: CatalogueSnapshot) -> None:
    profile = profile_of(
        columns, event("tea", days=1), event("cup", days=2), event("mug", days=3), event("cup", days=3)
    )
    assert [sorted(columns.ids[row] or "" for row in profile.items_of_last_visits(visits)) for visits in (1, 2, 3)] == [
        ["tea"], ["cup", "tea"], ["cup", "mug", "tea"],
    ]  # fmt: skip


# ---- odd histories ------------------------------------------------------------------------------------------


def test_dismissed_item_is_left_out(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea", "dismiss", 5), event("tea", days=1), event("cup", days=9))
    assert ids_of(profile, columns) == ["cup"]
    assert [columns.ids[row] for row in profile.dismissed] == ["tea"]


@pytest.mark.parametrize("events", [[], [event("unknown")], [event("tea", "dismiss"), event("unknown", "dismiss")]])
def test_profile_without_known_items_is_empty(columns: CatalogueSnapshot, events: list[Event]) -> None:
    profile = profile_of(columns, *events)
    assert (len(profile), profile.visits, len(profile.items_of_last_visits(3))) == (0, 0, 0)
    arrays = (
        profile.visit_counts,
        profile.days_since,
        profile.days_since_first,
        profile.visits_since_last,
        profile.mean_gap_days,
        profile.decayed(30),
    )
    assert all(values.shape == (0,) for values in arrays)
    assert profile.interests(circle_index(), columns).shape == (0, 2)
    assert 0 not in profile.dismissed


def test_event_ahead_of_the_clock_has_age_0(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea", days=-3))
    assert profile.days_since.tolist() == [0.0]
    assert profile.decayed(1).tolist() == [1.0]


def test_events_of_one_moment_have_gap_0(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, *(event("tea", days=1, session=str(number)) for number in range(3)))
    assert (profile.visit_counts.tolist(), profile.mean_gap_days.tolist()) == ([3], [0])


def test_deleted_item_counts_and_later_one_does_not(store: Store, columns: CatalogueSnapshot) -> None:
    store.items.delete(["tea"])
    assert ids_of(profile_of(CatalogueCache(store).current(), event("tea")), columns) == ["tea"]
    upsert_rows(store, {"id": "late", "title": "late"})
    columns._source.current()
    assert len(profile_of(columns, event("late"))) == 0


def test_very_old_events_are_finite(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea", days=15_000))
    assert profile.decayed(1).tolist() == [0.0]
    assert np.isfinite(profile.interests(circle_index(), columns)).all()


# ---- interests ----------------------------------------------------------------------------------------------


def test_interests_are_apart_and_the_strongest_first(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea", days=3), event("chai", days=3), event("lamp", days=2))
    drinks, light = profile.interests(circle_index(), columns)
    assert drinks == pytest.approx([np.cos(np.radians(10)), np.sin(np.radians(10))], abs=1e-6), "between tea and chai"
    assert light == pytest.approx([-1, 0], abs=1e-6)


def test_interest_decays(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea", days=90), event("chai", days=90), event("lamp", days=2))
    assert profile.interests(circle_index(), columns)[0] == pytest.approx([-1, 0], abs=1e-6)


def test_interests_are_at_most_three(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, *(event(id, days=day) for day, id in enumerate(("tea", "cup", "lamp", "rug"))))
    found = profile.interests(circle_index(), columns)
    assert found.shape == (3, 2)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1])
    assert not any(vector[1] < -0.9 for vector in found), "the rug is what was turned to least lately"


def test_interests_are_of_the_newest_thirty_items(store: Store) -> None:
    upsert_rows(store, *({"id": f"x{number}", "title": f"x {number}"} for number in range(30)))
    columns = CatalogueCache(store).current()
    index = circle_index(DEGREES | {f"x{number}": 180.0 for number in range(30)})
    newest = [event(f"x{number}", days=1) for number in range(30)]
    assert profile_of(columns, *newest, event("tea", days=2)).interests(index, columns).shape == (1, 2)
    assert profile_of(columns, *newest[1:], event("tea", days=2)).interests(index, columns).shape == (2, 2)


def test_item_without_a_vector_is_not_an_interest(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea"), event("lamp"))
    assert len(profile.interests(circle_index({"lamp": 180.0}), columns)) == 1


def test_without_an_item_equals_a_profile_of_the_other_events(columns: CatalogueSnapshot) -> None:
    events = history(
        event("tea", days=1, session="a"), event("cup", days=1, session="a"), event("mug", days=3, session="b")
    )
    found = UserProfile.from_events(events, columns, NOW)
    left, expected = found.without(columns.row_of["mug"]), UserProfile.from_events(events[:2], columns, NOW)
    for name in ("rows", "item", "visit", "age", "weight", "bought", "visit_counts"):
        assert getattr(left, name).tolist() == getattr(expected, name).tolist(), name


# ---- shares, prices and the embedding ---------------------------------------------------------------------------


def test_code_shares_go_by_decayed_choices(columns: CatalogueSnapshot) -> None:
    """Acme's tea bought now and Bee's chai clicked 60 days ago: 1 to 0.1; a rug has no brand."""
    profile = profile_of(columns, event("tea", days=0), event("chai", "click", days=60))
    brands = profile.code_shares(columns.brand, columns.rows(["mug", "cup", "lamp", "rug"]))
    assert brands == pytest.approx([1 / 1.1, 0.1 / 1.1, 0, 0])
    assert profile_of(columns).code_shares(columns.brand, columns.rows(["mug"])).tolist() == [0]
    assert profile.item_shares.sum() == pytest.approx(1)


def test_choices_without_a_code_count_in_the_whole(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea"), event("rug"))
    assert profile.code_shares(columns.brand, columns.rows(["mug", "vase"])) == pytest.approx([0.5, 0])


def test_price_deviations_are_of_log_prices(columns: CatalogueSnapshot) -> None:
    profile = profile_of(columns, event("tea"), event("rug"))
    low, high = np.log1p([3, 90])
    spread = (high - low) / 2 + 0.25
    expected = [(low - high) / 2 / spread, (np.log1p(40) - (low + high) / 2) / spread]
    assert profile.price_deviations(columns.price, columns.rows(["tea", "lamp"])) == pytest.approx(expected)
    assert np.isnan(profile_of(columns).price_deviations(columns.price, columns.rows(["tea"]))).all()


def test_embedding_is_a_unit_vector_and_a_week_ago_counts_half(columns: CatalogueSnapshot) -> None:
    index = circle_index({"tea": 0, "cup": 90})
    events = event("tea", "click", days=0), event("cup", days=7), event("mug", days=1)
    found = profile_of(columns, *events).embedding(index, columns)
    assert found == pytest.approx([2 / 5**0.5, 1 / 5**0.5], abs=1e-6)


@pytest.mark.parametrize("events", [[], [event("mug")], [event("tea", days=100_000)], [event("tea", "dismiss")]])
def test_embedding_without_a_vector_or_a_weight_is_none(columns: CatalogueSnapshot, events: list[Event]) -> None:
    assert profile_of(columns, *events).embedding(circle_index({"tea": 0}), columns) is None


def test_embedding_is_of_the_newest_twenty_items(store: Store) -> None:
    upsert_rows(store, *({"id": f"x{number}", "title": f"x {number}"} for number in range(20)))
    columns = CatalogueCache(store).current()
    index = circle_index({"tea": 0, "x0": 90})
    newest = [event(f"x{number}", days=1) for number in range(20)]
    assert profile_of(columns, *newest, event("tea", days=2)).embedding(index, columns) == pytest.approx(
        [0, 1], abs=1e-6
    )
