"""The signals of a generation, counted: numbers of each item and the links between items, as of a night.

`links` are what may be held back by the judge, so they are counted from events of their own.
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

_EXPECTED_WEEKS = 3  # before the last one, whose mean it is compared with
_LEAST_WEEK = 3  # shoppers in the last week; of fewer, or in a shop of two weeks, nothing is said to rise
# Shoppers' worth of belief in what is one level up: what none of thirty bought again is durable, of ten it isn't said.
_OWN_SHARE, _CATEGORY_SHARE, _PRIOR = 10.0, 10.0, (1.0, 10.0)
_REBUY_SHARE = 20.0  # chances' worth
_MONTHS, _WEEKS = 90.0, 20.0  # half-lives in days
_WEEK = 7 * DAY
_VIEWED = ("view", "click")


def item_links(events: Sequence[Event], rows: Mapping[str, int], now: float) -> dict[str, ItemLinks]:
    """The matrices of `signals.MATRICES`, from events before `now` (epoch seconds) on items with a place in `rows`."""
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
    """What makes a basket: what was bought or put into the cart; in a log of clicks alone, the clicks."""
    kinds = {event.type for event in events}
    return ("cart", "purchase") if kinds & {"cart", "purchase"} else ("click",)


def item_numbers(
    choices: BasketMatrix, bought: BasketMatrix, categories: np.ndarray, vectors: np.ndarray | None, now: float
) -> dict[str, np.ndarray]:
    """The numbers of `signals.ITEM_SIGNALS`, each (n_items,); what is chosen again is told by `bought`.

    `categories` (n_items,) are codes, 0 for none; `vectors` (n_items, dim) are the items' of unit length.
    """
    chances, again, _ = repurchase_rates(bought, now, _MONTHS)
    chances_lately, again_lately, first_lately = repurchase_rates(bought, now, _WEEKS)
    weeks = [
        choices.shoppers_within(now - (number + 1) * _WEEK, now - number * _WEEK)
        for number in range(1 + _EXPECTED_WEEKS)
    ]
    week, expected = weeks[0], np.mean(weeks[1:], axis=0)
    trend = (week - expected) / np.sqrt(expected + 1.0)  # as if counts were Poisson's
    is_told = bool(len(choices) and choices.ts.min() < now - 2 * _WEEK) & ((week >= _LEAST_WEEK) | (trend < 0))
    size = choices.items.shape[1]
    return {
        "buyers": np.bincount(choices.histories(now).indices, minlength=size),
        "week": week,
        "month": choices.shoppers_within(now - (1 + _EXPECTED_WEEKS) * _WEEK, now),
        "trend": np.where(is_told, trend, 0.0),
        "repeat": repeat_rates(bought, categories),
        "rebuy": _shrunk(again, chances),
        "rebuy_lately": _shrunk(again_lately, chances_lately),
        "rebuy_category": _shrunk(*(np.bincount(categories, part) for part in (again, chances)))[categories],
        "newly": first_lately / max(1.0, float(bought.weights(now, _WEEKS).sum())),
        "central": centrality(vectors) if vectors is not None else np.zeros(size),
    }


def repeat_rates(choices: BasketMatrix, categories: np.ndarray) -> np.ndarray:
    """The chance that who chose an item, and came again, chose it again, (n_items,).

    Of few shoppers little is known, so that each item's share is pulled towards its category's and that one's towards
    the shop's.
    """
    histories = choices.histories(0.0)  # (n_shoppers, n_items) baskets with the item
    came_again = np.bincount(choices.shopper, minlength=len(choices.names)) > 1
    shopper = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    kept = came_again[shopper]
    size = histories.shape[1]
    had = np.bincount(histories.indices[kept], minlength=size)
    again = np.bincount(histories.indices[kept & (histories.data > 1)], minlength=size)
    whole = (again.sum() + _PRIOR[0]) / (had.sum() + _PRIOR[1])
    by_category = [np.bincount(categories, counts) for counts in (again, had)]
    level = (by_category[0] + _CATEGORY_SHARE * whole) / (by_category[1] + _CATEGORY_SHARE)
    expected = np.where(categories > 0, level[categories], whole)
    rates: np.ndarray = (again + _OWN_SHARE * expected) / (had + _OWN_SHARE)
    return rates


def repurchase_rates(
    choices: BasketMatrix, now: float, half_life_days: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each item could have been chosen again, was, and was chosen for the first time, (n_items,) each.

    Every visit of who had an item before is a chance; visits fade with their age.
    """
    weights = choices.weights(now, half_life_days).astype(np.float64)
    starts = (
        np.flatnonzero(np.r_[True, choices.shopper[1:] != choices.shopper[:-1]]) if len(choices) else np.zeros(0, int)
    )
    passed = np.cumsum(weights)
    ends = np.r_[starts[1:], len(choices)]
    later = (
        np.repeat(passed[ends - 1], ends - starts) - passed if len(choices) else passed
    )  # weight of the visits after
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
    """Shares, those of little evidence pulled towards the share of all."""
    whole = again.sum() / max(float(chances.sum()), 1e-9)
    rates: np.ndarray = (again + _REBUY_SHARE * whole) / (chances + _REBUY_SHARE)
    return rates


def centrality(vectors: np.ndarray) -> np.ndarray:
    """How near each item is to the mean of all, 0..1, (n_items,)."""
    if not len(vectors):
        return np.zeros(0)
    mean = vectors.mean(axis=0)
    return np.asarray(np.maximum(0.0, vectors @ (mean / (float(np.linalg.norm(mean)) or 1.0))))
