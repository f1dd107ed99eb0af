"""A store of its own, and a way to put items into it without a `Shop`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise.store import Store, Upserted
from shelfwise.validation import parse_item

Put = Callable[..., Upserted]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "shop")
    yield opened
    opened.close()


@pytest.fixture
def put(store: Store) -> Put:
    """Upserts raw rows in one transaction."""

    def run(*rows: dict[str, Any]) -> Upserted:
        return store.items.upsert([(index, parse_item(row)) for index, row in enumerate(rows)])

    return run
