"""Events as baskets: who is a shopper, what is a basket, and how old ones fade."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix

NOW = 1_320_000_000.0
ROWS = {"a": 0, "b": 1, "c": 2}


def event(
    item: str, user: str | None = "u", session: str | None = "s", days_ago: float = 0.0, type: str = "purchase"
) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, user, session, None)


def baskets(*events: Event, types: tuple[str, ...] = ("purchase",)) -> list[tuple[str, str]]:
    """(shopper, items) of each basket."""
    found = BasketMatrix.from_events(events, ROWS, types)
    return [
        (found.names[shopper], "".join("abc"[column] for column in sorted(row.indices)))
        for shopper, row in zip(found.shopper, found.items, strict=True)
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], []),
        ([event("a"), event("b")], [("u", "ab")]),
        ([event("a"), event("a")], [("u", "a")]),
        ([event("a"), event("b", session="t")], [("u", "a"), ("u", "b")]),
        ([event("a"), event("b", user="v")], [("u", "a"), ("v", "b")]),
        ([event("a", user=None), event("b", user=None)], [("s", "ab")]),
        ([event("a", session=None), event("b", session=None, days_ago=2)], [("u", "b"), ("u", "a")]),
        ([event("a", user=None, session=None)], []),
        ([event("unknown"), event("a", type="view")], []),
    ],
)
def test_what_is_a_basket(events: list[Event], expected: list[tuple[str, str]]) -> None:
    assert baskets(*events) == expected


def test_the_baskets_of_a_shopper_stand_in_the_order_of_time() -> None:
    found = BasketMatrix.from_events(
        [event("a", session="s2", days_ago=1), event("b", "v"), event("c", session="s1", days_ago=5)],
        ROWS,
        ["purchase"],
    )
    assert found.shopper.tolist() == [0, 0, 1]
    assert ((NOW - found.ts) / DAY).tolist() == [5.0, 1.0, 0.0]


def test_histories_add_up_and_fade() -> None:
    found = BasketMatrix.from_events(
        [event("a"), event("a", session="t", days_ago=30), event("b", "v", days_ago=60)], ROWS, ["purchase"]
    )
    assert found.histories(NOW).toarray().tolist() == [[2, 0, 0], [0, 1, 0]]
    assert found.histories(NOW, 30).toarray() == pytest.approx(np.array([[1.5, 0, 0], [0, 0.25, 0]]))


def test_shoppers_within_a_time_count_once() -> None:
    twice = [event("a", session="x"), event("a", session="y", days_ago=0.5)]
    found = BasketMatrix.from_events([*twice, event("b", session="t", days_ago=3)], ROWS, ["purchase"])
    assert found.shoppers_within(NOW - DAY, NOW + 1).tolist() == [1, 0, 0]
    assert found.shoppers_within(NOW - 4 * DAY, NOW - DAY).tolist() == [0, 1, 0]
