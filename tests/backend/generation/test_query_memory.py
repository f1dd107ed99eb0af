"""What earlier shoppers chose: recalled for the same query, for those near to it, and for its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from shelfwise.events import decay
from shelfwise.generation import query_memory as memory_module
from shelfwise.generation.query_memory import MemoryHits, QueryMemory, WeightedClick, query_key, query_ngrams
from support.fake_generation import WordEncoder

ITEMS = ["mug", "cup", "bag"]  # rows 0, 1, 2
CHOICES: list[WeightedClick] = [
    ("Red Mug", 0, 3.0),
    ("red mug", 0, 2.0),
    ("red mug", 1, 1.0),
    ("red-mug!", 0, 1.0),
    ("lunch bag", 2, 4.0),
]
ENCODER = WordEncoder("red mug|cup lunch bag tea")


def with_vectors(choices: Sequence[WeightedClick] = CHOICES) -> QueryMemory:
    built = QueryMemory.build(ITEMS, choices)
    return QueryMemory(built.items, built.queries, built.words, built.texts, ENCODER.items(built.texts))


def nonzero(recall: MemoryHits, name: str) -> dict[str, float]:
    """Return item → value, where it is not zero."""
    values = getattr(recall, name).tolist()
    return {ITEMS[row]: value for row, value in zip(recall.rows.tolist(), values, strict=True) if value}


# ---- the same query -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["red mug", "RED  mug", "redmug", "red_mug?"])
def test_what_was_chosen_for_this_very_query(query: str) -> None:
    recall = QueryMemory.build(ITEMS, CHOICES).recall(query, None)
    assert nonzero(recall, "mass") == pytest.approx({"mug": 6.0, "cup": 1.0})
    assert nonzero(recall, "share") == pytest.approx({"mug": 6 / 9, "cup": 1 / 9}), "of seven, with a doubt of two"
    assert recall.total == pytest.approx(7.0)
    assert nonzero(recall, "near") == {}


def test_a_few_choices_say_less_than_many() -> None:
    shares = [
        nonzero(QueryMemory.build(ITEMS, [("red mug", 0, 1.0)] * count).recall("red mug", None), "share")["mug"]
        for count in (1, 2, 5, 50)
    ]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (pytest.approx(1 / 3), pytest.approx(50 / 52))


@pytest.mark.parametrize("query", ["blue lantern", "?!", "", "日本"])
def test_a_query_of_which_nothing_is_known(query: str) -> None:
    for memory in (QueryMemory.build(ITEMS, CHOICES), QueryMemory()):
        recall = memory.recall(query, None)
        assert (len(recall.rows), recall.total, memory.choice_counts(query)) == (0, 0.0, {})


@pytest.mark.parametrize(
    ("query", "times"), [("RED MUG", {0: 3, 1: 1}), ("lunch bag", {2: 1}), ("lunch", {}), ("other", {})]
)
def test_how_often_is_counted_without_decay(query: str, times: dict[int, int]) -> None:
    assert QueryMemory.build(ITEMS, CHOICES).choice_counts(query) == times


# ---- queries near it ----------------------------------------------------------------------------------------


def test_the_choices_for_a_near_query_are_recalled() -> None:
    recall = with_vectors().recall("red cup", ENCODER.query("red cup"))
    assert nonzero(recall, "near") == pytest.approx({"mug": 6 / 7, "cup": 1 / 7}), "as they were shared for red mug"
    assert (nonzero(recall, "mass"), recall.total) == ({}, 0.0), "nothing was chosen for this very query"


def test_a_query_is_not_near_itself() -> None:
    recall = with_vectors().recall("red mug", ENCODER.query("red mug"))
    assert nonzero(recall, "mass")
    assert nonzero(recall, "near") == {}


def test_what_is_far_says_nothing() -> None:
    """red mug and red tea share one of two words: a cosine of a half."""
    assert nonzero(with_vectors().recall("red tea", ENCODER.query("red tea")), "near") == {}


def test_the_nearest_says_most() -> None:
    memory = with_vectors([("red mug", 0, 1.0), ("red mug tea", 1, 1.0)])
    near = nonzero(memory.recall("red cup", ENCODER.query("red cup")), "near")
    assert sum(near.values()) == pytest.approx(1.0)
    expected = math.exp(20 * (math.sqrt(2 / 3) - 1))  # beside 1 for the cosine of 1
    assert near["cup"] / near["mug"] == pytest.approx(expected, rel=1e-4)


def test_only_the_ten_nearest_say_something() -> None:
    words = [f"word{number}" for number in range(12)]
    encoder = WordEncoder("red " + " ".join(words))
    rows = [f"item {number}" for number in range(12)]
    built = QueryMemory.build(rows, [(f"red {word}", number, 1.0) for number, word in enumerate(words)])
    vectors = encoder.items(built.texts) @ np.diag([2.0, *np.linspace(0.1, 0.5, 12)]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    recall = QueryMemory(built.items, built.queries, built.words, built.texts, vectors).recall(
        "red", encoder.query("red")
    )
    assert np.count_nonzero(recall.near) == 10
    assert set(recall.rows[recall.near > 0].tolist()) == set(range(10)), "the axes of the last two lead furthest away"


# ---- its words ----------------------------------------------------------------------------------------------


def test_words_lead_to_what_was_chosen_with_them() -> None:
    recall = QueryMemory.build(ITEMS, CHOICES).recall("a bag please", None)
    assert nonzero(recall, "words") == pytest.approx({"bag": 4 / 5})
    assert (nonzero(recall, "mass"), nonzero(recall, "near")) == ({}, {})


def test_a_word_that_leads_everywhere_says_little() -> None:
    everywhere = [("red thing", row, 10.0) for row in range(3)]
    words = nonzero(QueryMemory.build(ITEMS, [*everywhere, ("lunch", 2, 10.0)]).recall("red lunch", None), "words")
    assert words["bag"] > words["mug"] == words["cup"]
    assert sum(words.values()) <= 1


def test_two_words_that_follow_each_other_are_known_together() -> None:
    memory = QueryMemory.build(ITEMS, [("tea bag", 0, 5.0), ("bag for tea", 2, 5.0)])
    following = nonzero(memory.recall("a tea bag", None), "words")
    assert following["mug"] > following["bag"], "as a tea bag is no bag for tea"


# ---- what is kept -------------------------------------------------------------------------------------------


def test_only_the_queries_followed_most_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "_MAX_QUERIES", 2)
    memory = QueryMemory.build(ITEMS, [("a", 0, 1.0), ("b", 0, 3.0), ("c", 1, 2.0), ("c", 2, 2.0), ("d", 1, 1.0)])
    assert (memory.queries.keys, memory.texts) == (["c", "b"], ["c", "b"])
    assert nonzero(memory.recall("a", None), "mass") == {}
    assert nonzero(memory.recall("a", None), "words"), "its words still are"


def test_a_query_is_kept_as_most_shoppers_type_it() -> None:
    assert QueryMemory.build(ITEMS, CHOICES).texts == ["red mug", "lunch bag"]


@pytest.mark.parametrize(("years", "near"), [(0, ["mug"]), (3, ["mug"]), (10, []), (15, []), (80, [])])
def test_choices_of_long_ago_are_no_trouble(years: int, near: list[str]) -> None:
    """An old log may be imported as it is: what decayed to nothing must not be divided by."""
    mass = decay(years * 365, memory_module.HALF_LIFE_DAYS)
    memory = with_vectors([("red mug", 0, mass), ("lunch bag", 2, mass)])
    recall = memory.recall("red cup", ENCODER.query("red cup"))
    for name in ("mass", "share", "near", "words"):
        assert np.isfinite(getattr(recall, name)).all()
    assert list(nonzero(recall, "near")) == near


def test_what_is_saved_is_opened(tmp_path: Path) -> None:
    built = with_vectors()
    built.save(tmp_path / "memory")
    opened = QueryMemory.load(tmp_path / "memory")
    assert (opened.items, opened.texts, opened.queries.keys) == (built.items, built.texts, built.queries.keys)
    for query in ("red mug", "red cup", "bag", "nothing"):
        before, after = (memory.recall(query, ENCODER.query(query)) for memory in (built, opened))
        for name in ("rows", "share", "mass", "near", "words"):
            assert getattr(after, name).tolist() == pytest.approx(getattr(before, name).tolist(), abs=1e-3)
        assert opened.choice_counts(query) == built.choice_counts(query)


def test_an_empty_memory_is_saved_too(tmp_path: Path) -> None:
    for number, empty in enumerate(
        (QueryMemory(), QueryMemory.build([], []), QueryMemory.build(ITEMS, [("?!", 0, 1.0)]))
    ):
        empty.save(tmp_path / f"{number}")
        opened = QueryMemory.load(tmp_path / f"{number}")
        assert len(opened.recall("red mug", ENCODER.query("red mug")).rows) == 0


@pytest.mark.parametrize(
    ("query", "key"),
    [("T-Shirt", "tshirt"), (" a b ", "ab"), ("gears_3", "gears3"), ("Łódź", "łódź"), ("?!", ""), ("日本", "日本")],
)
def test_a_query_is_known_by_letters_and_digits(query: str, key: str) -> None:
    assert query_key(query) == key


@pytest.mark.parametrize(
    ("query", "ngrams"),
    [
        ("Gears of War3", ["gears", "of", "war", "3", "gears of", "of war", "war 3"]),
        ("a a b", ["a", "b", "a b"]),
        ("?!", []),
        ("x_y", ["x", "y", "x y"]),
    ],
)
def test_query_ngrams(query: str, ngrams: list[str]) -> None:
    assert query_ngrams(query) == ngrams


def test_query_ngrams_of_a_long_query_are_few() -> None:
    assert len(query_ngrams(" ".join(map(str, range(1_000))))) == 63
