"""The rows that feed the columns: changed items, deleted ones too, and values as the shop wrote them."""

from __future__ import annotations

from collections.abc import Callable

from shelfwise.store import Store, Upserted

Put = Callable[..., Upserted]


def test_changed_returns_items_above_a_seq(store: Store, put: Put) -> None:
    put({"id": "a", "title": "Mug", "price": 2, "brand": "X", "category": "C", "created_at": 5})
    put({"id": "b", "title": "Lamp"})
    columns = store.item_columns.changed(0)
    assert sorted(zip(*columns[:-1], strict=True)) == [
        (1, 1, "a", 0, 1, 2.0, 5.0, "X", "C"), (2, 2, "b", 0, 1, None, None, None, None),
    ]  # fmt: skip
    assert len(set(columns.family)) == 2 and all(isinstance(number, int) for number in columns.family)
    store.items.delete(["a"])
    deleted = store.item_columns.changed(2)
    assert (deleted.pk, deleted.seq, deleted.deleted) == ((1,), (3,), (1,))
    assert store.item_columns.changed(3).pk == ()


def test_values_are_folded(store: Store, put: Put) -> None:
    put({"id": "a", "title": "A", "colour": ["Red", "Blue"]}, {"id": "b", "title": "B", "tags": ["Sale"], "size": 1.5})
    assert sorted(store.item_columns.values("colour")) == [(1, "blue"), (1, "red")]
    assert store.item_columns.values("tags") == [(2, "sale")]
    assert store.item_columns.values("size") == [(2, "1.5")]
    assert store.item_columns.values("nothing") == []
    assert sorted(store.item_columns.changed_values("colour", 0)) == [(1, 1, "blue"), (1, 1, "red"), (2, 2, None)]
    assert store.item_columns.changed_values("colour", 1) == [(2, 2, None)]


def test_spellings_are_as_the_shop_wrote_them(store: Store, put: Put) -> None:
    put(
        {"id": "a", "title": "A", "Colour": ["Red", "Dark BLUE", 7], "finish": {"colour": "Gold", "x": {"y": "Z"}}},
        {"id": "b", "title": "B", "tags": ["Sale"], "finish.colour": "White", "attributes": {"tags": "New"}},
    )
    assert store.item_columns.spellings("colour", [1, 2]) == {1: ["Red", "Dark BLUE"], 2: []}
    assert store.item_columns.spellings("finish.colour", [1, 2]) == {1: ["Gold"], 2: ["White"]}
    assert store.item_columns.spellings("finish.x.y", [1]) == {1: ["Z"]}
    assert store.item_columns.spellings("finish", [1]) == {1: []}
    assert store.item_columns.spellings("tags", [2, 99]) == {2: ["Sale", "New"]}
