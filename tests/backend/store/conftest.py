"""A store of its own, and a way to put items into it without a `Shop`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shelfwise.store import Store, Upserted
from shelfwise.validation import parse_item
from support.stores import store_fixture

Put = Callable[..., Upserted]


store = store_fixture()


@pytest.fixture
def put(store: Store) -> Put:
    """Upserts raw rows in one transaction."""

    def run(*rows: dict[str, Any]) -> Upserted:
        return store.items.upsert([(index, parse_item(row)) for index, row in enumerate(rows)])

    return run
