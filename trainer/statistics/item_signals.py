"""Count the signals of a generation: numbers of each item and the links between items, as of a night.

The links may be held back by the judge, so they are counted from events of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shelfwise.events import CHOICE_TYPES
from shelfwise.generation.item_links import ItemLinks
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix
from shelfwise.trainer.statistics.item_links import cooccurrence, ease_links, next_visit_ridge

__all__ = ["basket_event_types", "centrality", "item_links", "item_numbers", "repeat_rates", "repurchase_rates"]

_EXPECTED_WEEKS = 3  # weeks before the last one; it is compared with their mean
_MIN_WEEK_SHOPPERS = 3  # in the last week; with fewer, or in a shop of two weeks, no item rises
# Pseudo-counts of shoppers for the rate one level up: an item that none of thirty bought again is durable, of ten not.
_ITEM_PRIOR, _CATEGORY_PRIOR, _SHOP_PRIOR = 10.0, 10.0, (1.0, 10.0)
_REBUY_PRIOR = 20.0  # pseudo-count of opportunities
_LONG_HALF_LIFE_DAYS, _SHORT_HALF_LIFE_DAYS = 90.0, 20.0
_WEEK = 7 * DAY
_VIEWED = ("view", "click")


def item_links(events: Sequence[Event], rows: Mapping[str, int], now: float) -> dict[str, ItemLinks]:
    """Return the matrices MATRICES from events before `now` (epoch seconds) on items in `rows` (item id → row)."""
    bought, chosen = (
        BasketMatrix.from_events(events, rows, basket_event_types(events)),
        BasketMatrix.from_events(events, rows, CHOICE_TYPES),
    )
    return {
        "together": cooccurrence(bought, now),
        "viewed": cooccurrence(BasketMatrix.from_events(events, rows, _VIEWED), now),
        "linked": ease_links(chosen, now),
        "following": next_visit_ridge(chosen, now),
    }


def basket_event_types(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the event types that make a basket: cart and purchase; in a log without them, clicks."""
    kinds = {event.type for event in events}
    return ("cart", "purchase") if kinds & {"cart", "purchase"} else ("click",)


def item_numbers(
    choices: BasketMatrix, bought: BasketMatrix, categories: np.ndarray, vectors: np.ndarray | None, now: float
) -> dict[str, np.ndarray]:
    """Return the numbers of ITEM_SIGNALS, each (n_items,).

    Args:
        choices: The baskets of clicks, carts and purchases.
        bought: The baskets of `basket_event_types`, for what is bought again.
        categories: The items' category codes, (n_items,), 0 for none.
        vectors: The items' unit vectors, (n_items, dim); without them no item is central.
        now: Epoch seconds.
    """
    chances, again, _ = repurchase_rates(bought, now, _LONG_HALF_LIFE_DAYS)
    chances_lately, again_lately, first_lately = repurchase_rates(bought, now, _SHORT_HALF_LIFE_DAYS)
    weeks = [
        choices.shoppers_within(now - (number + 1) * _WEEK, now - number * _WEEK)
        for number in range(1 + _EXPECTED_WEEKS)
    ]
    week, expected = weeks[0], np.mean(weeks[1:], axis=0)
    trend = (week - expected) / np.sqrt(expected + 1.0)  # in standard deviations of a Poisson count
    has_trend = bool(len(choices) and choices.ts.min() < now - 2 * _WEEK) & ((week >= _MIN_WEEK_SHOPPERS) | (trend < 0))
    size = choices.items.shape[1]
    return {
        "buyers": np.bincount(choices.histories(now).indices, minlength=size),
        "week": week,
        "month": choices.shoppers_within(now - (1 + _EXPECTED_WEEKS) * _WEEK, now),
        "trend": np.where(has_trend, trend, 0.0),
        "repeat": repeat_rates(bought, categories),
        "rebuy": _shrunk(again, chances),
        "rebuy_lately": _shrunk(again_lately, chances_lately),
        "rebuy_category": _shrunk(*(np.bincount(categories, part) for part in (again, chances)))[categories],
        "newly": first_lately / max(1.0, float(bought.weights(now, _SHORT_HALF_LIFE_DAYS).sum())),
        "central": centrality(vectors) if vectors is not None else np.zeros(size),
    }


def repeat_rates(choices: BasketMatrix, categories: np.ndarray) -> np.ndarray:
    """Return the share of an item's returning shoppers who chose it again, (n_items,).

    Each item's share is shrunk towards its category's and that one's towards the shop's, the more the fewer shoppers.
    """
    histories = choices.histories(0.0)  # (n_shoppers, n_items) baskets with the item
    came_again = np.bincount(choices.shopper, minlength=len(choices.names)) > 1
    shopper = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    kept = came_again[shopper]
    size = histories.shape[1]
    had = np.bincount(histories.indices[kept], minlength=size)
    again = np.bincount(histories.indices[kept & (histories.data > 1)], minlength=size)
    whole = (again.sum() + _SHOP_PRIOR[0]) / (had.sum() + _SHOP_PRIOR[1])
    by_category = [np.bincount(categories, counts) for counts in (again, had)]
    level = (by_category[0] + _CATEGORY_PRIOR * whole) / (by_category[1] + _CATEGORY_PRIOR)
    expected = np.where(categories > 0, level[categories], whole)
    rates: np.ndarray = (again + _ITEM_PRIOR * expected) / (had + _ITEM_PRIOR)
    return rates


def repurchase_rates(
    choices: BasketMatrix, now: float, half_life_days: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how often each item could have been chosen again, was, and was chosen first, (n_items,) each.

    Each visit of a shopper who had an item before is an opportunity; visits decay with their age.
    """
    weights = choices.weights(now, half_life_days).astype(np.float64)
    ends = np.flatnonzero(np.r_[choices.shopper[1:] != choices.shopper[:-1], True][: len(choices)]) + 1  # by shopper
    so_far = np.cumsum(weights)
    later = np.repeat(so_far[ends - 1], np.diff(ends, prepend=0)) - so_far  # weight of the shopper's visits after
    cells = choices.items.tocoo()
    order = np.lexsort((cells.row, cells.col, choices.shopper[cells.row]))  # by shopper, item, then time
    visit, item = cells.row[order], cells.col[order]
    owner = choices.shopper[visit]
    is_first = np.r_[True, (owner[1:] != owner[:-1]) | (item[1:] != item[:-1])][: len(item)]
    size = choices.items.shape[1]
    return (
        np.bincount(item[is_first], later[visit[is_first]], minlength=size),
        np.bincount(item[~is_first], weights[visit[~is_first]], minlength=size),
        np.bincount(item[is_first], weights[visit[is_first]], minlength=size),
    )


def _shrunk(again: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return the shares again / chances, those of few chances shrunk towards the share of all."""
    whole = again.sum() / max(float(chances.sum()), 1e-9)
    rates: np.ndarray = (again + _REBUY_PRIOR * whole) / (chances + _REBUY_PRIOR)
    return rates


def centrality(vectors: np.ndarray) -> np.ndarray:
    """Return the cosine of each item and the mean of all, 0..1, (n_items,)."""
    if not len(vectors):
        return np.zeros(0)
    mean = vectors.mean(axis=0)
    return np.asarray(np.maximum(0.0, vectors @ (mean / (float(np.linalg.norm(mean)) or 1.0))))
