"""The streams that vocabulary and suggestions are built from: live items, names apart from descriptions."""

from __future__ import annotations

from collections.abc import Callable

from shelfwise.store import Store, Upserted

Put = Callable[..., Upserted]


def test_stream_yields_names_and_descriptions_of_live_items(store: Store, put: Put) -> None:
    put(
        {"id": "1", "title": "Red Mug", "brand": "Kiln", "category": "Home > Mugs", "tags": ["café", "big"],
         "description": "for tea", "material": "clay"},
        {"id": "2", "title": "Lamp"},
        {"id": "3", "title": "Gone"},
    )  # fmt: skip
    store.items.delete(["3"])
    (names, description), plain = store.item_texts.stream()
    assert names == 'Red Mug\nKiln\nHome > Mugs\n["café", "big"]'
    assert description == "for tea\nclay"
    assert plain == ("Lamp", "")


def test_names_yields_items_in_stock_first(store: Store, put: Put) -> None:
    put(
        {"id": "1", "title": "Red Mug", "in_stock": False},
        {"id": "2", "title": "Lamp", "brand": "Kiln", "category": "A > B"},
        {"id": "3", "title": "Gone"},
    )  # fmt: skip
    store.items.delete(["3"])
    assert list(store.item_texts.names()) == [("2", "Lamp", "Kiln", "A > B"), ("1", "Red Mug", None, None)]
