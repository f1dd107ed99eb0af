"""Decay, and the keys of shoppers and visits."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.events import CHOICE_TYPES, EVENT_TYPES, decay, decay_all, shopper_key, visit_key
from shelfwise.timestamps import DAY


@pytest.mark.parametrize(("days", "weight"), [(0, 1.0), (10, 0.5), (20, 0.25), (-5, 1.0)])
def test_decay_halves(days: float, weight: float) -> None:
    assert decay(days, 10) == pytest.approx(weight)
    assert decay(days, 20) == pytest.approx(weight**0.5)
    assert decay_all(np.array([days, days]), 10).tolist() == pytest.approx([weight, weight])


def test_event_weights_cover_every_type() -> None:
    assert set(EVENT_TYPES) == {"view", "click", "cart", "purchase", "dismiss"} > set(CHOICE_TYPES)


@pytest.mark.parametrize(
    ("user", "session", "key"), [("u", "s", "u"), ("u", None, "u"), (None, "s", "s"), ("", "s", "s"), (None, None, "")]
)
def test_shopper_key_prefers_the_user(user: str | None, session: str | None, key: str) -> None:
    assert shopper_key(user, session) == key


def test_visit_key_is_the_session_else_the_day() -> None:
    assert visit_key("s", 0.0) == visit_key("s", 9 * DAY)
    assert visit_key(None, 3 * DAY) == visit_key("", 3 * DAY + 1) == 3
