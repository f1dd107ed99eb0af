"""Shared by all tests: a tiny encoder (real architecture, random weights), a small shop and the real example."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shelfwise import Shop
from support.random_model import make_random_model
from support.stores import make_initial_shop

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 1, tzinfo=UTC)

ITEMS = [
    {"id": "mug-red", "title": "Red Coffee Mug", "category": "Kitchen > Mugs", "price": 4.5, "currency": "GBP"},
    {"id": "mug-blue", "title": "Blue Coffee Mug", "category": "Kitchen > Mugs", "price": 4.75, "currency": "GBP"},
    {"id": "lantern", "title": "White Metal Lantern", "category": "Lighting", "price": 3.39, "currency": "GBP"},
    {"id": "candle", "title": "Vanilla Candle", "category": "Lighting > Candles", "price": 2.1, "currency": "GBP"},
    {"id": "bag", "title": "Lunch Bag Spaceboy Design", "category": "Bags", "price": 1.65, "currency": "GBP"},
    {"id": "clock", "title": "Alarm Clock Bakelike Green", "category": "Home", "price": 3.75, "in_stock": False},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop of six items without a generation; its clock stands still."""
    with Shop(tmp_path / "shop", clock=lambda: NOW) as opened:
        opened.upsert(ITEMS)
        yield opened


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a BERT of one layer and 32 dimensions: trains and exports in a second."""
    return make_random_model(tmp_path_factory.mktemp("tiny"), hidden_size=32, heads=2, feed_forward=64)


@pytest.fixture
def tiny_shop(tmp_path: Path, tiny_model: Path) -> Path:
    """The folder of a shop with the six items and a generation 0 of the tiny model."""
    return make_initial_shop(tmp_path / "tiny-shop", ITEMS, tiny_model)


def clicks(query: str, item: str, count: int, start: datetime = NOW - timedelta(days=2)) -> list[dict[str, object]]:
    """`count` clicks on the item for the query, a minute apart, each by another user."""
    return [
        {"type": "click", "item": item, "query": query, "user": f"u{number}", "ts": start + timedelta(minutes=number)}
        for number in range(count)
    ]
