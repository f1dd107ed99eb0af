"""What was shown and passed over: counted until the shopper turns to it, faded, and what follows from it."""

from __future__ import annotations

import pytest

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.recommend.candidates import cold_items
from shelfwise.recommend.impression_discount import impression_discount
from shelfwise.store import Event, ShownRecommendation
from support.recommend_shop import IDS, NOW, event, make_context, make_signals, shown

WEEK, MINUTE = 7.0, 1 / 1_440  # days; a week is the half-life
OF_A_WEEK = [shown("rug", days=days) for days in (1, 3, 5)]


@pytest.mark.parametrize(
    ("impressions", "events", "expected"),
    [
        ([], [], {}),
        ([shown("tea", "cup", days=WEEK)], [], {"tea": 0.5, "cup": 0.5}),
        ([shown("tea", days=WEEK), shown("tea", "cup", days=2 * WEEK)], [], {"tea": 0.75, "cup": 0.25}),
        ([shown(*(f"x{number}" for number in range(30)), "tea", days=WEEK)], [], {"tea": 0.5}),
        ([shown("gone", "tea", days=WEEK)], [], {"tea": 0.5}),
        ([shown("tea", days=WEEK)] * 9, [], {"tea": 0.5}),
        ([shown("tea", days=20 * MINUTE)], [], {}),
        ([shown("tea", days=WEEK)], [event("tea", days=WEEK - 1)], {}),
        ([shown("tea", days=WEEK)], [event("tea", days=WEEK + MINUTE)], {}),
        ([shown("tea", days=WEEK)], [event("tea", "view", days=1)], {}),
        ([shown("tea", days=WEEK)], [event("tea", days=WEEK + 1)], {"tea": 0.5}),
        ([shown("tea", days=WEEK)], [event("cup", days=1)], {"tea": 0.5}),
    ],
)  # fmt: skip
def test_discount_counts_visits_without_a_choice(
    columns: CatalogueSnapshot, impressions: list[ShownRecommendation], events: list[Event], expected: dict[str, float]
) -> None:
    discount = impression_discount(impressions, events, columns, NOW)
    assert discount.shape == (columns.size,)
    assert {columns.ids[row]: pytest.approx(discount[row]) for row in discount.nonzero()[0]} == expected


@pytest.mark.parametrize(
    ("impressions", "is_kept"),
    [([], True), (OF_A_WEEK[:2], True), (OF_A_WEEK, False), ([shown("rug", days=1)] * 9, True)],
)
def test_cold_item_passed_over_often_makes_way(
    columns: CatalogueSnapshot, impressions: list[ShownRecommendation], is_kept: bool
) -> None:
    signals = make_signals({"buyers": dict.fromkeys(set(IDS) - {"rug", "lamp"}, 9)})
    asked = make_context(columns, event("tea"), signals=signals, impressions=impressions)
    assert {columns.ids[row] for row in cold_items(asked).nonzero()[0]} == ({"rug", "lamp"} if is_kept else {"lamp"})
