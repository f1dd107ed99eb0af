"""Items: merged upserts, `seq`, tombstones and what is read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shelfwise.store import Store, Upserted
from shelfwise.store.items import item_text

Put = Callable[..., Upserted]
MUG = {"id": "mug", "title": "Red Mug", "price": 4.5, "brand": "Acme", "tags": ["red"], "colour": "red"}
BARE = {"in_stock": True, "tags": [], "attributes": {}}


def test_get_returns_the_whole_item(store: Store, put: Put) -> None:
    more = {
        "currency": "GBP", "category": "Kitchen > Mugs", "url": "https://shop.example/mug",
        "image": "https://shop.example/mug.jpg", "description": "Holds tea.",
    }  # fmt: skip
    put(MUG | more | {"in_stock": 0, "created_at": "2011-09-20"})
    assert store.items.get(["mug"])["mug"] == {
        "id": "mug", "title": "Red Mug", "price": 4.5, "brand": "Acme", "tags": ["red"],
        "attributes": {"colour": "red"}, "in_stock": False, "created_at": "2011-09-20T00:00:00.000Z", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({}, "price", 4.5),
        ({"price": 5}, "price", 5.0),
        ({"price": 5}, "brand", "Acme"),
        ({"price": ""}, "price", None),
        ({"brand": None}, "brand", None),
        ({"tags": []}, "tags", []),
        ({"price": 5}, "tags", ["red"]),
        ({"in_stock": False}, "in_stock", False),
        ({"size": 3}, "attributes", {"colour": "red", "size": 3}),
        ({"colour": "blue"}, "attributes", {"colour": "blue"}),
        ({"attributes": {"size": 3}}, "attributes", {"colour": "red", "size": 3}),
        ({"title": "Blue Mug"}, "title", "Blue Mug"),
    ],
)
def test_upsert_keeps_fields_that_the_row_lacks(
    store: Store, put: Put, change: dict[str, Any], field: str, expected: object
) -> None:
    put(MUG)
    put({"id": "mug"} | change)
    assert store.items.get(["mug"])["mug"].get(field) == expected


def test_upsert_counts_changed_and_unchanged(put: Put) -> None:
    assert put(MUG, {"id": "cup", "title": "Cup"}) == Upserted(2, 0, [])
    assert put(MUG, {"id": "cup"}, {"id": "cup", "title": "Cup"}) == Upserted(0, 3, [])
    assert put(MUG | {"price": 9}, {"id": "cup"}) == Upserted(1, 1, [])


def test_upsert_of_a_new_item_without_title_rejects_it_alone(store: Store, put: Put) -> None:
    done = put({"id": "a", "price": 1}, MUG)
    assert (done.upserted, done.unchanged, [index for index, _ in done.rejected]) == (1, 0, [0])
    assert done.rejected[0][1].startswith("title: ")
    assert set(store.items.get(["a", "mug"])) == {"mug"}


def test_upsert_merges_equal_ids_in_order(store: Store, put: Put) -> None:
    assert put(MUG, {"id": "mug", "price": 9}, {"id": "mug", "brand": "B"}) == Upserted(3, 0, [])
    assert (store.items.get(["mug"])["mug"]["price"], store.items.get(["mug"])["mug"]["brand"]) == (9.0, "B")
    assert store.items.count() == 1


def test_last_seq_grows_with_every_change_only(store: Store, put: Put) -> None:
    seqs = [store.items.last_seq()]
    for change in (
        lambda: put(MUG, {"id": "cup", "title": "Cup"}),
        lambda: put(MUG | {"price": 9}),
        lambda: store.items.delete(["mug"]),
        lambda: put(MUG),
    ):
        change()
        seqs.append(store.items.last_seq())
    assert seqs == sorted(set(seqs)), "each is larger than the one before"
    put(MUG)
    store.items.delete(["nothing"])
    assert store.items.last_seq() == seqs[-1]


def test_delete_leaves_a_tombstone(store: Store, put: Put) -> None:
    put(MUG, {"id": "cup", "title": "Cup"})
    before = store.items.last_seq()
    assert store.items.delete(["mug", "nothing", "mug"]) == 1
    assert store.items.delete(["mug"]) == 0
    assert store.items.get(["mug", "cup"]).keys() == {"cup"}
    assert store.items.stock(["mug", "cup"]) == {"cup": True}
    assert (store.items.count(), store.items.titles()) == (1, [("cup", "Cup")])
    (tombstone,) = store.items.texts(after_seq=before)
    assert (tombstone.id, tombstone.text, tombstone.deleted) == ("mug", "", True)


def test_upsert_of_a_deleted_item_starts_afresh(store: Store, put: Put) -> None:
    put(MUG | {"in_stock": False})
    store.items.delete(["mug"])
    assert put({"id": "mug", "price": 1}).rejected, "a title is needed again"
    assert put({"id": "mug", "title": "New Mug"}) == Upserted(1, 0, [])
    assert store.items.get(["mug"])["mug"] == {"id": "mug", "title": "New Mug"} | BARE


def test_texts_yields_a_range_of_seq(store: Store, put: Put) -> None:
    put(*({"id": str(number), "title": f"Mug {number}"} for number in range(5)))
    assert [text.id for text in store.items.texts()] == ["0", "1", "2", "3", "4"]
    assert [text.id for text in store.items.texts(after_seq=1, up_to=3)] == ["1", "2"]
    put({"id": "0", "price": 1})
    assert [text.id for text in store.items.texts(after_seq=3)] == ["3", "4", "0"]


def test_text_hash_follows_the_text_only(store: Store, put: Put) -> None:
    put(MUG)
    (before,) = store.items.texts()
    put(MUG | {"price": 1, "in_stock": False, "colour": "blue", "url": "x", "tags": ["new"]})
    (after,) = store.items.texts()
    assert (after.text, after.text_hash) == (before.text, before.text_hash)
    put(MUG | {"description": "Holds tea."})
    (changed,) = store.items.texts()
    assert changed.text_hash != before.text_hash


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Red Mug"),
        ({"brand": "Acme"}, "Red Mug. Acme"),
        ({"brand": "RED"}, "Red Mug"),
        ({"category": "Mugs", "description": "Holds tea."}, "Red Mug. Mugs. Holds tea."),
        ({"description": "x" * 1_000}, "Red Mug. " + "x" * 391),
    ],
)
def test_item_text_joins_title_brand_category_description(fields: dict[str, str], text: str) -> None:
    row = dict.fromkeys(("brand", "category", "description")) | {"title": "Red Mug"} | fields
    assert item_text(row) == text


@pytest.mark.parametrize("id", ["a'b", 'a"b', "a\\b", "☕", "a,b", "[1]", "%", "x" * 512])
def test_get_accepts_any_id(store: Store, put: Put, id: str) -> None:
    put({"id": id, "title": "Mug"})
    assert list(store.items.get([id, "other"])) == [id]
    assert store.items.stock([id]) == {id: True}
    assert store.items.delete([id]) == 1
