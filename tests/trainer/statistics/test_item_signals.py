"""The numbers of each item, beside what a plain reading of their definition gives."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.recommend.strategies import _MAX_DURABLE_REPEAT
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix
from shelfwise.trainer.statistics.item_signals import (
    basket_event_types,
    centrality,
    item_links,
    item_numbers,
    repeat_rates,
    repurchase_rates,
)

NOW = 1_320_000_000.0
ROWS = {"a": 0, "b": 1, "c": 2, "d": 3}


def bought(item: str, user: str, days_ago: float) -> Event:
    return Event(1, NOW - days_ago * DAY, "purchase", item, user, f"{user}{days_ago}", None)


def choices(*events: Event) -> BasketMatrix:
    return BasketMatrix.from_events(events, ROWS, ["purchase"])


def counted(made: BasketMatrix) -> dict[str, np.ndarray]:
    return item_numbers(made, made, np.zeros(4, int), None, NOW)


def test_item_numbers_count_a_shopper_once() -> None:
    numbers = counted(
        choices(bought("a", "u", 1), bought("a", "u", 2), bought("a", "v", 10), bought("a", "w", 100)),
    )
    assert [float(numbers[name][0]) for name in ("buyers", "week", "month")] == [3, 1, 2]
    assert float(numbers["buyers"][1]) == 0


def test_item_numbers_trend_compares_with_earlier_weeks() -> None:
    rising = [bought("a", f"a{n}", 1 + n % 6) for n in range(12)]
    steady = [bought("b", f"b{n}", 0.5 + n / 4) for n in range(100)]
    falling = [bought("c", f"c{n}", 8 + n % 14) for n in range(30)]
    trend = counted(choices(*rising, *steady, *falling))["trend"]
    assert trend[0] > 5
    assert abs(trend[1]) < 1
    assert trend[2] < -2
    assert trend[3] == 0


def test_repeat_rates_separate_consumables_from_durables() -> None:
    events = []
    for number in range(100):
        events += [bought("a", f"u{number}", 40), bought("c", f"u{number}", 40)]
        events += [bought("b" if number % 2 else "a", f"u{number}", 5)]
    rates = repeat_rates(choices(*events), np.array([1, 2, 2, 2]))
    assert rates[0] == pytest.approx(0.45, abs=0.1), "50 of 100 who came again"
    assert rates[2] < 0.1
    assert rates[3] < rates[0], "nobody had it: what is known of its category"
    assert rates[3] == pytest.approx(rates[2], abs=0.1)


@pytest.mark.parametrize(("shoppers", "is_durable"), [(30, True), (10, False)])
def test_repeat_rates_of_many_shoppers_mark_durables(shoppers: int, is_durable: bool) -> None:
    """All of them came again, twice, and what they bought again was the beans, not the machine."""
    names = [f"u{number}" for number in range(shoppers)]
    events = [event for name in names for event in (bought("a", name, 40), bought("b", name, 20), bought("b", name, 3))]
    rates = repeat_rates(choices(*events), np.array([1, 2, 1, 2]))
    assert bool(rates[0] < _MAX_DURABLE_REPEAT) is is_durable
    assert rates[1] > 0.3


def test_repeat_rates_of_few_shoppers_are_shrunk() -> None:
    rates = repeat_rates(
        choices(bought("a", "u", 9), bought("a", "u", 1), bought("b", "v", 9), bought("c", "v", 1)), np.zeros(4, int)
    )
    assert 0.05 < rates[1] < rates[0] < 0.3


def test_centrality_by_hand() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    assert centrality(vectors).argmax() == 1
    assert centrality(np.zeros((0, 2), np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("type", "matrix"),
    [("purchase", "together"), ("cart", "together"), ("click", "together"), ("view", "viewed"), ("click", "viewed")],
)
def test_basket_event_types_of_each_log(type: str, matrix: str) -> None:
    events = [
        Event(1, NOW - DAY, type, item, who, who, None) for who in "uvwxyz" for item in ("ab" if who < "x" else "cd")
    ]
    assert item_links(events, ROWS, NOW)[matrix].links_of(0)[0].tolist() == [1]


def test_item_links_ignore_clicks_beside_purchases() -> None:
    events = [
        Event(1, NOW, "click", item, who, who, None) for who in "uvwxyz" for item in ("ab" if who < "x" else "cd")
    ]
    links = item_links([*events, bought("d", "q", 1)], ROWS, NOW)
    assert len(links["together"].indices) == 0
    assert len(links["viewed"].indices) > 0


def test_repurchase_rates_count_every_later_visit() -> None:
    """u: a, then ab, then b, a day apart; v: a once. The half-life is one day, and u's last visit is now."""
    events = [bought("a", "u", 2), bought("a", "u", 1), bought("b", "u", 1), bought("b", "u", 0), bought("a", "v", 1)]
    chances, again, first = repurchase_rates(choices(*events), NOW, 1.0)
    assert chances.tolist() == pytest.approx([0.5 + 1.0, 1.0, 0, 0]), "a: at the second and third visit"
    assert again.tolist() == pytest.approx([0.5, 1.0, 0, 0])
    assert first.tolist() == pytest.approx([0.25 + 0.5, 0.5, 0, 0])


def test_repurchase_rates_without_choices_are_zero() -> None:
    assert [part.tolist() for part in repurchase_rates(choices(), NOW, 1.0)] == [[0.0] * 4] * 3


def test_item_numbers_of_a_steady_item_has_no_trend() -> None:
    regulars = [bought("a", f"u{n}", 1 + 7 * week) for n in range(40) for week in range(8)]
    rising = [bought("b", f"v{n}", 2) for n in range(9)]
    trend = counted(choices(*regulars, *rising))["trend"]
    assert trend[0] == pytest.approx(0.0)
    assert trend[1] > 5


@pytest.mark.parametrize("days", [9, 20])
def test_item_numbers_of_a_young_shop_have_no_trend(days: float) -> None:
    events = [bought("a", f"u{n}", 1) for n in range(9)] + [bought("b", "v", days)]
    assert bool(counted(choices(*events))["trend"].any()) == (days > 14)


def test_repeat_rates_ignore_clicks_beside_purchases() -> None:
    events = [bought("a", f"u{n}", 9) for n in range(50)]
    for day in (8, 5):
        events += [Event(1, NOW - day * DAY, "click", "a", f"u{n}", f"c{n}{day}", None) for n in range(50)]
    assert basket_event_types(events) == ("cart", "purchase")
    assert repeat_rates(BasketMatrix.from_events(events, ROWS, basket_event_types(events)), np.zeros(4, int))[0] < 0.2
