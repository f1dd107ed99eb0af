"""Stores and shops of given items, and the fixture that opens one for each test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.store import Store
from shelfwise.validation import parse_item

__all__ = ["make_initial_shop", "store_fixture", "store_with", "upsert_rows"]


def store_with(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Store:
    """Return a store with these items, their rows (pk) counted from 1."""
    store = Store(folder)
    upsert_rows(store, *rows)
    return store


def upsert_rows(store: Store, *rows: Mapping[str, Any]) -> None:
    """Upsert raw rows as another process might: nothing but the facts change."""
    done = store.items.upsert([(number, parse_item(row)) for number, row in enumerate(rows)])
    assert not done.rejected


def store_fixture(rows: Iterable[Mapping[str, Any]] = ()) -> Any:
    """Return a fixture, to be assigned to `store`: a store with these items for each test."""
    items = list(rows)

    @pytest.fixture
    def store(tmp_path: Path) -> Iterator[Store]:
        with closing(store_with(tmp_path / "shop", items)) as opened:
            yield opened

    return store


def make_initial_shop(folder: Path, items: Iterable[Mapping[str, Any]], model: Path) -> Path:
    """Make a shop with these items and a generation 0 of the base model, and return its folder."""
    from shelfwise.trainer import init

    with Shop(folder) as opened:
        opened.upsert(items)
    init(folder, str(model))
    return folder
