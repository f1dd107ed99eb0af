"""Full-text search, a term at a time: what matches, what weighs more, and an index that follows every write."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from shelfwise.catalogue.postings import PostingsCache
from shelfwise.query.understanding import understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.store import Store, Upserted
from shelfwise.text.normalize import words

Put = Callable[..., Upserted]


def rows(store: Store, match: str) -> list[int]:
    return [int(row) for row in store.fulltext.postings(match)[0]]


def matching_ids(store: Store, query: str) -> list[str]:
    """The items that have every word of a shopper's query, as the shop understands it."""
    postings, ids = PostingsCache(store).current(), [id for id, _ in store.items.titles()]
    terms = [term.match for term in understand(query, Vocabulary(), postings.count).terms]
    matches = postings.match(terms, len(ids) + 1)
    return [ids[row - 1] for row in np.flatnonzero(matches.all_words)]


def test_postings_follow_every_write(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Red Mug"})
    assert rows(store, "red") == [1]
    put({"id": "mug", "title": "Blue Mug"})
    assert (rows(store, "red"), rows(store, "blue")) == ([], [1])
    put({"id": "mug", "price": 5})
    assert rows(store, "mug") == [1]
    store.items.delete(["mug"])
    assert (rows(store, "mug"), rows(store, "blue")) == ([], [])
    put({"id": "mug", "title": "Green Mug"})
    assert (rows(store, "blue"), rows(store, "green")) == ([], [1])


def test_postings_after_a_failed_write_are_unchanged(store: Store, put: Put) -> None:
    put({"id": "mug", "title": "Red Mug"})
    changes = store.fulltext.changes()
    with pytest.raises(KeyError):
        store.items.upsert([(0, {"id": "cup", "title": "Cup"}), (1, {})])
    assert (rows(store, "cup"), rows(store, "mug")) == ([], [1])
    assert (store.items.count(), store.fulltext.changes()) == (1, changes)


def test_postings_are_ascending_pks_with_scores(store: Store, put: Put) -> None:
    put(*({"id": str(number), "title": "Mug" if number % 2 else "Cup"} for number in range(9)))
    pks, scores = store.fulltext.postings("mug")
    assert (pks.tolist(), pks.dtype, scores.dtype) == ([2, 4, 6, 8], np.int64, np.float32)
    assert (scores > 0).all()
    for array in store.fulltext.postings("teapot"):
        assert array.shape == (0,)


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "Lantern"), ("brand", "Lantern"), ("category", "Light > Lantern"), ("tags", ["big", "lantern"]),
     ("description", "a lantern"), ("colour", "lantern"), ("nested", {"deep": ["lantern"]}),
     ("description", "a lan-tern"), ("brand", "Ｌａｎｔｅｒｎ")],
)  # fmt: skip
def test_postings_cover_every_text_field(store: Store, put: Put, field: str, value: object) -> None:
    put({"id": "1", "title": "Thing", field: value}, {"id": "2", "title": "Thing"})
    assert rows(store, "lantern") == [1]


def test_postings_leave_out_attribute_names(store: Store, put: Put) -> None:
    put({"id": "1", "title": "Thing", "lantern": "no", "x": {"lantern": 1}})
    assert rows(store, "lantern") == []


def test_postings_score_titles_above_attributes(store: Store, put: Put) -> None:
    """Title and brand above the description, that above attributes; the texts are of equal length."""
    fields = ("title", "brand", "description", "colour")
    bare = {"title": "thing", "brand": "thing", "description": "thing", "colour": "thing"}
    put(*({"id": field} | bare | {field: "lantern"} for field in fields), *({"id": f"{n}"} | bare for n in range(9)))
    pks, scores = store.fulltext.postings("lantern")
    assert pks.tolist() == [1, 2, 3, 4]
    title, brand, description, attribute = scores.tolist()
    assert title >= brand > description > attribute > 0


@pytest.mark.parametrize(
    ("change", "moves"),
    [({"title": "Blue Mug"}, True), ({"brand": "Acme"}, True), ({"category": "Mugs"}, True), ({"tags": ["new"]}, True),
     ({"description": "of tin"}, True), ({"colour": "red"}, True), ({"price": 5}, False), ({"in_stock": False}, False),
     ({"url": "https://shop.example/mug"}, False), ({"created_at": 5}, False), ({"width": 5}, True),
     ({"sold": True}, False), ({"title": "Red Mug"}, False)],
)  # fmt: skip
def test_changes_grows_with_searchable_text_only(
    store: Store, put: Put, change: dict[str, object], moves: bool
) -> None:
    put({"id": "mug", "title": "Red Mug"})
    before = store.fulltext.changes()
    put({"id": "mug"} | change)
    assert (store.fulltext.changes() > before) is moves


def test_changes_grows_with_a_deletion_and_a_return(store: Store, put: Put) -> None:
    numbers = [store.fulltext.changes()]
    for change in (
        lambda: put({"id": "mug", "title": "Red Mug"}),
        lambda: store.items.delete(["mug"]),
        lambda: put({"id": "mug", "title": "Red Mug"}),
    ):
        change()
        numbers.append(store.fulltext.changes())
    assert numbers == sorted(set(numbers))


# ---- what a shopper types ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("LANTERN", ["lantern"]),
        ("lanterns", ["lantern"]),
        ("lant", ["lantern"]),
        ("metal", ["lantern", "star"]),
        ("metal lan", ["lantern"]),
        ("la", ["lantern"]),
        ("l", []),
        ("lant metal", []),
        ("cafe", ["cafe"]),
        ("CAFÉ", ["cafe"]),
        ("tea_pot", ["pot"]),
        ("mug", []),
    ],
)
def test_query_matches_by_words(store: Store, put: Put, query: str, ids: list[str]) -> None:
    put(
        {"id": "lantern", "title": "White Metal Lantern"}, {"id": "star", "title": "Metal Star"},
        {"id": "cafe", "title": "Café Sign"}, {"id": "pot", "title": "Tea Pot"},
    )  # fmt: skip
    assert matching_ids(store, query) == ids


HOSTILE = [
    'C++', 'red"shoe', "NEAR(", "NEAR(a b, 2)", "-x", "col:val", "title:mug", '"', '""', "'", "*", "mug*", "^mug", "(",
    ")", "a AND", "OR", "NOT mug", "a OR b AND NOT c", "{title}: mug", "+", "😀", "👩‍👩‍👧 mug", "mug\\", "%", "_",
    "___", "; DROP TABLE items", "\u0301", "ﬁ", "İ", "x" * 1_000, "mug " * 250, "\t\n", "", " ", "½ ²",
    "न हिन्दी", "日本語のマグ",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:20])
def test_query_with_operators_is_ordinary_text(store: Store, put: Put, query: str) -> None:
    put({"id": "mug", "title": "Mug"}, {"id": "c", "title": "C++ Primer"}, {"id": "shoe", "title": "Red Shoe"})
    ids = matching_ids(store, query)
    expected = {"C++": ["c"], 'red"shoe': ["shoe"], "mug " * 250: ["mug"], "mug*": ["mug"], "^mug": ["mug"],
                "mug\\": ["mug"], "👩‍👩‍👧 mug": ["mug"], "NOT mug": [], "title:mug": []}  # fmt: skip
    assert ids == expected.get(query, [])


def test_query_of_operator_names_is_searched_for(store: Store, put: Put) -> None:
    put({"id": "1", "title": "Near and Far"}, {"id": "2", "title": "Not or Never"}, {"id": "3", "title": "Far"})
    assert matching_ids(store, "NEAR") == ["1"]
    assert matching_ids(store, "NOT OR") == ["2"]
    assert matching_ids(store, "far AND near") == ["1"]


@pytest.mark.parametrize(
    ("text", "split"),
    [("Red Mug", ["red", "mug"]), ("t-light", ["t", "light"]), ("tea_pot", ["tea", "pot"]), ('17" x', ["17", "x"]),
     ("Łódź 日本", ["łódź", "日本"]), ("?!", []), ("😀", []), ("", [])],
)  # fmt: skip
def test_words_splits_as_the_index_does(text: str, split: list[str]) -> None:
    assert words(text) == split
