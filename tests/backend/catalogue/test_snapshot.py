"""The catalogue in memory: what a snapshot holds, that it stays as it is, and that the next one is up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue import snapshot as module
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.store import Store
from shelfwise.validation import parse_item
from support.stores import store_fixture

Put = Callable[..., object]
ARRAYS = ("live", "in_stock", "price", "created", "brand", "category", "family")


store = store_fixture()


@pytest.fixture
def put(store: Store) -> Put:
    return lambda *items: store.items.upsert([(0, parse_item({"title": "Thing"} | item)) for item in items])


def fields(columns: CatalogueSnapshot) -> list[Any]:
    """Return all of a snapshot, copied, to compare it with itself later."""
    arrays = [getattr(columns, name) for name in ARRAYS]
    return [columns.size, columns.seq, *(np.nan_to_num(array, nan=-1).tolist() for array in arrays)]


def values_of(columns: CatalogueSnapshot, name: str) -> list[tuple[str | None, str]]:
    """Return (id, value) of an attribute, sorted."""
    attribute = columns.attribute(name)
    pairs = zip(attribute.rows.tolist(), attribute.codes.tolist(), strict=True)
    return sorted((columns.ids[row] or "", attribute.values.keys[code]) for row, code in pairs)


def test_an_empty_shop(store: Store) -> None:
    columns = CatalogueCache(store).current()
    assert (columns.size, columns.live.tolist(), columns.rows(["a"]).tolist()) == (1, [False], [0])
    assert values_of(columns, "colour") == []


def test_each_field_lies_in_the_row_of_its_item(store: Store, put: Put) -> None:
    put(
        {"id": "a", "price": 2.5, "brand": "Sony", "category": "A > B", "created_at": "1970-01-02"},
        {"id": "b", "in_stock": False},
    )
    columns = CatalogueCache(store).current()
    assert columns.rows(["b", "unknown", "a"]).tolist() == [2, 0, 1]
    assert list(columns.ids) == [None, "a", "b"]
    np.testing.assert_array_equal(columns.live, [False, True, True])
    np.testing.assert_array_equal(columns.in_stock, [False, True, False])
    np.testing.assert_array_equal(columns.price, [np.nan, 2.5, np.nan])
    np.testing.assert_array_equal(columns.created, [np.nan, 86_400, np.nan])
    assert [columns.brands.levels[code] for code in columns.brand] == [[], [("sony", "Sony")], []]
    assert [columns.categories.levels[code] for code in columns.category][1] == [("a", "A"), ("a > b", "A > B")]


def test_the_same_snapshot_until_something_changes(store: Store, put: Put) -> None:
    put({"id": "a"})
    catalogue = CatalogueCache(store)
    first = catalogue.current()
    assert catalogue.current() is first
    put({"id": "a"})
    assert catalogue.current() is first, "nothing changed"
    put({"id": "a", "price": 3})
    assert catalogue.current().price[1] == 3


def test_a_snapshot_stays_as_it_is(store: Store, put: Put) -> None:
    put({"id": "a", "price": 1, "brand": "X", "colour": "red"}, {"id": "b", "price": 2})
    catalogue = CatalogueCache(store)
    old = catalogue.current()
    before, colours = fields(old), values_of(old, "colour")
    put({"id": "a", "price": 9, "brand": "Y", "category": "C", "colour": "blue"}, {"id": "c", "price": 3})
    store.items.delete(["b"])
    new = catalogue.current()
    assert values_of(new, "colour") == [("a", "blue")]
    assert fields(old) == before and values_of(old, "colour") == colours == [("a", "red")]
    assert old.rows(["c"]).tolist() == [0], "it came later"
    assert new.live.tolist() == [False, True, False, True] and new.price[1] == 9 and new.rows(["c"]).tolist() == [3]
    before = fields(new)
    put({"id": "a", "price": 10, "brand": "X", "in_stock": False})
    assert catalogue.current().price[1] == 10 and fields(new) == before


def test_a_deleted_item_keeps_its_row_when_it_comes_back(store: Store, put: Put) -> None:
    put({"id": "a", "price": 1}, {"id": "b"})
    catalogue = CatalogueCache(store)
    catalogue.current()
    store.items.delete(["a"])
    assert not catalogue.current().live[1]
    put({"id": "a"})
    columns = catalogue.current()
    assert columns.live[1] and np.isnan(columns.price[1]) and columns.rows(["a"]).tolist() == [1]


CHANGES = [
    lambda store, put: put({"id": "a", "colour": ["red", "blue"]}),
    lambda store, put: put({"id": "b", "colour": "Red", "tags": ["x"]}, {"id": "new", "colour": "green"}),
    lambda store, put: put({"id": "a", "colour": None, "attributes": {"colour": "Green "}}),
    lambda store, put: store.items.delete(["b"]),
    lambda store, put: put({"id": "b"}),
    lambda store, put: put({"id": "a", "price": 7}),
]


@pytest.mark.parametrize("max_changes", [0, 5_000], ids=["read anew", "followed"])
def test_attributes_follow_every_change(
    store: Store, put: Put, max_changes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_CHANGES", max_changes)
    put({"id": "a", "colour": "red"}, {"id": "b", "tags": ["x", "X"]}, {"id": "c", "colour": "red"})
    catalogue = CatalogueCache(store)
    assert values_of(catalogue.current(), "Colour") == [("a", "red"), ("c", "red")]
    for change in CHANGES:
        change(store, put)
        columns, afresh = catalogue.current(), CatalogueCache(store).current()
        for name in ("colour", "tags", "nothing"):
            assert values_of(columns, name) == values_of(afresh, name)
    assert values_of(columns, "colour") == [("a", "green"), ("c", "red"), ("new", "green")]


def test_only_so_many_attributes_are_kept(store: Store, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_ATTRIBUTES", 2)
    put({"id": "a", "x": 1, "y": 2, "z": 3})
    catalogue = CatalogueCache(store)
    for name in ("x", "y", "x", "z", "x", "nothing at all", "x"):
        assert values_of(catalogue.current(), name) == ([("a", str("xyz".index(name) + 1))] if len(name) == 1 else [])
        assert len(catalogue._attributes) <= 2


def test_values_that_nothing_has_any_more_are_forgotten(
    store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_CHANGES", 3)
    catalogue = CatalogueCache(store)
    for turn in range(30):
        put({"id": "a", "in_store": turn})
        assert values_of(catalogue.current(), "in_store") == [("a", str(turn))]
        assert len(catalogue.current().attribute("in_store").values.keys) < 10


def test_values_are_shown_as_the_first_item_writes_them(store: Store, put: Put) -> None:
    put(
        {"id": "a", "finish": {"colour": "Dark  Red"}, "tags": ["Sale"], "size": 17.0, "colour": "DARK RED"},
        {"id": "b", "finish": {"colour": ["dark red", "Blue"]}, "tags": ["SALE"], "wireless": True},
    )
    catalogue = CatalogueCache(store)

    def shown(name: str) -> list[str]:
        columns = catalogue.current()
        return sorted(columns.spellings(name, np.unique(columns.attribute(name).codes).tolist()))

    assert [shown(name) for name in ("finish.colour", "tags", "size", "wireless")] == [
        ["Blue", "Dark  Red"], ["Sale"], ["17"], ["true"],
    ]  # fmt: skip
    put({"id": "a", "finish": {"colour": "White"}})
    assert shown("finish.colour") == ["Blue", "White", "dark red"]


def test_threads(store: Store, put: Put) -> None:
    """Readers of snapshots beside a writer: every snapshot is whole, and none is older than the one before."""
    put(*({"id": f"i{number}", "price": 0, "count": 0} for number in range(50)))
    catalogue, stop, errors = CatalogueCache(store), threading.Event(), list[BaseException]()

    def read() -> None:
        try:
            seen = 0
            while not stop.is_set():
                columns = catalogue.current()
                prices = columns.price[columns.live]
                assert columns.seq >= seen and len(set(prices.tolist())) == 1, "a change comes whole"
                assert (columns.rows([f"i{number}" for number in range(50)]) > 0).all()
                assert len(columns.attribute("count").rows) == 50
                seen = columns.seq
        except BaseException as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for turn in range(1, 15):
        put(*({"id": f"i{number}", "price": turn, "count": turn} for number in range(50)))
        assert catalogue.current().price[1] == turn
    stop.set()
    for thread in readers:
        thread.join()
    assert not errors
