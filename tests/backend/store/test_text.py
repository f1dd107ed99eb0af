"""Full-text search: ordinary text in, no operator of FTS5, and an index that follows every write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shelfwise.store import Store, Upserted
from shelfwise.words import words

Put = Callable[..., Upserted]


def found(store: Store, query: str, limit: int = 10) -> list[str]:
    return [id for id, _ in store.text.search(query, limit)[0]]


def test_the_index_follows_every_write(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Red Mug"})
    assert found(store, "red") == ["mug"]
    put({"id": "mug", "title": "Blue Mug"})
    assert (found(store, "red"), found(store, "blue")) == ([], ["mug"])
    put({"id": "mug", "price": 5})
    assert found(store, "mug") == ["mug"]
    store.items.delete(["mug"])
    assert store.text.search("mug blue", 10) == ([], 0)
    put({"id": "mug", "title": "Green Mug"})
    assert (found(store, "blue"), found(store, "green")) == ([], ["mug"])


def test_a_write_that_fails_leaves_the_index_as_it_was(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Red Mug"})
    with pytest.raises(KeyError):
        store.items.upsert([(0, {"id": "cup", "title": "Cup"}), (1, {})])
    assert (found(store, "cup"), found(store, "mug")) == ([], ["mug"])
    assert store.items.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "Lantern"), ("brand", "Lantern"), ("category", "Light > Lantern"), ("tags", ["big", "lantern"]),
     ("description", "a lantern"), ("colour", "lantern"), ("nested", {"deep": ["lantern"]})],
)  # fmt: skip
def test_every_text_of_an_item_is_searched(store: Store, put: Put, field: str, value: object) -> None:
    put({"id": "1", "title": "Thing", field: value}, {"id": "2", "title": "Thing"})
    assert found(store, "lantern") == ["1"]


def test_names_of_attributes_are_not_searched(store: Store, put: Put) -> None:
    put({"id": "1", "title": "Thing", "lantern": "no", "x": {"lantern": 1}})
    assert found(store, "lantern") == []


def test_a_title_weighs_more_than_a_description(store: Store, put: Put) -> None:
    put(
        {"id": "1", "title": "Thing two", "description": "lantern"},
        {"id": "2", "title": "Lantern", "description": "x y"},
    )
    hits, total = store.text.search("lantern", 10)
    assert ([id for id, _ in hits], total) == (["2", "1"], 2)
    assert hits[0][1] > hits[1][1] > 0


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("LANTERN", ["lantern"]),
        ("lanterns", ["lantern"]),
        ("lant", ["lantern"]),
        ("metal lan", ["lantern", "star"]),
        ("la", ["lantern"]),
        ("l", []),
        ("lant metal", ["star", "lantern"]),
        ("cafe", ["cafe"]),
        ("CAFÉ", ["cafe"]),
        ("tea_pot", ["pot"]),
        ("mug", []),
    ],
)
def test_what_words_find(store: Store, put: Put, query: str, ids: list[str]) -> None:
    put(
        {"id": "lantern", "title": "White Metal Lantern"}, {"id": "star", "title": "Metal Star"},
        {"id": "cafe", "title": "Café Sign"}, {"id": "pot", "title": "Pot"},
    )  # fmt: skip
    assert sorted(found(store, query)) == sorted(ids)


HOSTILE = [
    'C++', 'red"shoe', "NEAR(", "NEAR(a b, 2)", "-x", "col:val", "title:mug", '"', '""', "'", "*", "mug*", "^mug", "(",
    ")", "a AND", "OR", "NOT mug", "a OR b AND NOT c", "{title}: mug", "+", "😀", "👩‍👩‍👧 mug", "mug\\", "%", "_",
    "___", "; DROP TABLE items", "\u0301", "ﬁ", "İ", "x" * 1_000, "mug " * 250, "\t\n", "", " ", "½ ²",
    "न हिन्दी", "日本語のマグ",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:20])
def test_a_hostile_query_is_ordinary_text(store: Store, put: Put, query: str) -> None:
    put({"id": "mug", "title": "Mug"}, {"id": "c", "title": "C++ Primer"}, {"id": "shoe", "title": "Red Shoe"})
    ids = found(store, query)
    expected = {"C++": ["c"], 'red"shoe': ["shoe"], "NOT mug": ["mug"], "mug " * 250: ["mug"], "mug*": ["mug"]}
    assert ids == expected.get(query, ids)
    assert all(id in ("mug", "c", "shoe") for id in ids)


def test_words_that_are_operators_are_searched_for(store: Store, put: Put) -> None:
    put({"id": "1", "title": "Near and Far"}, {"id": "2", "title": "Not or Never"})
    assert found(store, "NEAR") == ["1"]
    assert found(store, "NOT OR") == ["2"]


def test_total_counts_beyond_the_limit(store: Store, put: Put) -> None:
    put(*({"id": str(number), "title": f"Mug {number}"} for number in range(30)))
    hits, total = store.text.search("mug", 10)
    assert (len(hits), total) == (10, 30)
    assert store.text.search("mug", 100)[1] == 30


@pytest.mark.parametrize(
    ("text", "split"),
    [("Red Mug", ["red", "mug"]), ("t-light", ["t", "light"]), ("tea_pot", ["tea", "pot"]), ('17" x', ["17", "x"]),
     ("Łódź 日本", ["łódź", "日本"]), ("?!", []), ("😀", []), ("", [])],
)  # fmt: skip
def test_words(text: str, split: list[str]) -> None:
    assert words(text) == split
