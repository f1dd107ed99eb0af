"""A made-up shop of any size for the benches: items in topics, shoppers who have some, years of use in minutes.

Popularity, within a topic and over shoppers, falls as Zipf's law has it. The encoder has one layer of random weights
and the dimensions of the real one, so that times are true and similarities are not. No bench measures relevance here.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from shelfwise import Shop
from shelfwise.timestamps import DAY
from shelfwise.trainer import init
from shelfwise.types import EVENT_FIELDS, Row
from tests.support.random_model import make_random_model

__all__ = ["UNTIL", "make_shop"]

UNTIL = datetime(2026, 7, 1, tzinfo=UTC)
_DAYS = 180
_TOPIC_ITEMS = 250  # items of a topic, which is a category of the shop
_ITEM_SKEW, _SHOPPER_SKEW = 0.8, 0.7
_OFF_TOPIC_SHARE, _REPEAT_SHARE, _PURCHASE_SHARE = 0.2, 0.1, 0.3  # of the events; a repeat is of the item before
_BATCH = 20_000


def make_shop(folder: Path, items: int, users: int, events: int) -> None:
    """Make a shop with generation 0 of so many items, and events before UNTIL; each shopper has one at least."""
    with Shop(folder) as shop:
        rng = np.random.default_rng(1)
        for start in range(0, items, _BATCH):
            rows = [_item(number, items, rng) for number in range(start, min(items, start + _BATCH))]
            shop.store.items.upsert(list(enumerate(rows)))
    with tempfile.TemporaryDirectory() as temporary:
        init(folder, str(make_random_model(Path(temporary), hidden_size=384, heads=6, feed_forward=384)))
    with Shop(folder) as shop:
        shopper, session, ts, item, bought = _events(items, users, events)
        for start in range(0, len(ts), _BATCH):
            part = slice(start, start + _BATCH)
            columns = (values[part].tolist() for values in (shopper, session, ts, item, bought))
            shop.store.events.add([_event(start + n, *row) for n, row in enumerate(zip(*columns, strict=True))])


def _item(number: int, items: int, rng: np.random.Generator) -> Row:
    topic = number // _TOPIC_ITEMS
    words = [f"topic{topic}", *(f"word{word}" for word in rng.zipf(1.3, 4) % 20_000), f"model{number}"]
    return {
        "id": f"i{number}", "title": " ".join(words), "category": f"Aisle {topic % 20} > Topic {topic}",
        "brand": f"Brand {int(rng.zipf(1.5)) % 500}", "price": round(float(np.exp(rng.normal(2.5, 1.0))), 2),
        "created_at": UNTIL.timestamp() - _DAYS * DAY * float(rng.random() ** 0.5 + 0.1) * min(1.0, number / items),
    }  # fmt: skip


def _event(number: int, shopper: int, session: int, ts: float, item: int, bought: bool) -> Row:
    return dict.fromkeys(EVENT_FIELDS) | {
        "event_id": f"e{number}", "ts": ts, "type": "purchase" if bought else "click", "user": f"u{shopper}",
        "session": f"s{session}", "item": f"i{item}",
    }  # fmt: skip


def _events(items: int, users: int, events: int) -> tuple[np.ndarray, ...]:
    """Return shopper, session, ts, item and whether it was bought, of each event by time, (events,) each."""
    rng = np.random.default_rng(2)
    visits = max(users, events // 2)
    shoppers = np.concatenate([np.arange(users), _zipf(users, _SHOPPER_SKEW, visits - users, rng)])
    starts = UNTIL.timestamp() - DAY * _DAYS * rng.random(visits)
    topics = max(1, items // _TOPIC_ITEMS)
    topics_of = np.stack([_zipf(topics, _ITEM_SKEW, users, rng), _zipf(topics, _ITEM_SKEW, users, rng)])
    topic_of_visit = topics_of[rng.integers(0, 2, visits), shoppers]
    # Each visit has one event, and the others fall on visits by rng.
    session = np.sort(np.concatenate([np.arange(visits), rng.integers(0, visits, events - visits)]))
    session = session[np.lexsort((session, starts[session], shoppers[session]))]
    shopper = shoppers[session]
    item = topic_of_visit[session] * _TOPIC_ITEMS + _zipf(_TOPIC_ITEMS, _ITEM_SKEW, events, rng)
    off_topic = rng.random(events) < _OFF_TOPIC_SHARE
    item[off_topic] = _zipf(items, _ITEM_SKEW, int(off_topic.sum()), rng)
    repeats = (rng.random(events) < _REPEAT_SHARE) & np.r_[False, shopper[1:] == shopper[:-1]]
    item = item[np.maximum.accumulate(np.where(repeats, 0, np.arange(events)))]
    ts = starts[session] + 20.0 * (np.arange(events) - np.searchsorted(shopper, shopper)) % 600
    order = np.argsort(ts, kind="stable")
    bought = rng.random(events) < _PURCHASE_SHARE
    return shopper[order], session[order], ts[order], np.minimum(item, items - 1)[order], bought[order]


def _zipf(size: int, skew: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` of 0..size-1, the n-th with a probability that falls with n to the power of the skew."""
    cumulative = np.cumsum(1 / np.arange(1, size + 1) ** skew)
    return np.asarray(np.searchsorted(cumulative, rng.random(count) * cumulative[-1]))
