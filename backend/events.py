"""Event types and their weights, keys of shoppers and visits, and the half-life formula: the one place for them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from shelfwise.timestamps import DAY

__all__ = ["CHOICE_TYPES", "EVENT_TYPES", "EVENT_WEIGHTS", "decay", "decay_all", "shopper_key", "visit_key"]

# Interest in an item that an event shows; a purchase weighs as much as five clicks.
EVENT_WEIGHTS: Mapping[str, float] = {"view": 0.3, "click": 1.0, "cart": 3.0, "purchase": 5.0, "dismiss": -1.0}
EVENT_TYPES = tuple(EVENT_WEIGHTS)
CHOICE_TYPES = ("click", "cart", "purchase")  # the events that choose an item


def decay(age_days: float, half_life_days: float) -> float:
    """Return 0.5 for each half-life of age; an age below zero (a clock that runs ahead) counts as zero."""
    return float(0.5 ** (max(0.0, age_days) / half_life_days))


def decay_all(age_days: npt.NDArray[np.float64], half_life_days: float) -> npt.NDArray[np.float64]:
    """Return `decay` of each age, in the shape of `age_days`."""
    return np.asarray(0.5 ** (np.maximum(0.0, age_days) / half_life_days))


def shopper_key(user: str | None, session: str | None) -> str:
    """Return the name that an event's shopper goes by: the user, else the session; "" for a nameless event."""
    return user or session or ""


def visit_key(session: str | None, ts: float) -> str | int:
    """Return a key that is equal for the events of one visit of a shopper: the session, else the day of `ts`."""
    return session or int(ts // DAY)
