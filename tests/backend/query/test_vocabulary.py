"""The vocabulary: what weighs how much, what is near a word, and what a word is made of."""

from __future__ import annotations

import random

import pytest
from rapidfuzz.distance import OSA

from shelfwise.query.vocabulary import Vocabulary, build_vocabulary

TEXTS = [
    ("Wireless Mouse", "A mouse for notebooks"),
    ("Wireless Keyboard\nLogitech", "keys, keys and keys"),
    ("Women's T-Shirt", "of cotton"),
    ("Café Sign 500GB dv7-1211ea", "日本 model X200"),
]


def test_weight_counts_items_and_names_three_times() -> None:
    vocabulary = build_vocabulary(TEXTS)
    assert [vocabulary.weight(word) for word in ("wireless", "keyboard", "mouse", "keys", "absent")] == [6, 3, 4, 1, 0]


@pytest.mark.parametrize(
    ("word", "there"),
    [("cafe", True), ("womens", True), ("tshirt", True), ("t", True), ("dv71211ea", True), ("500gb", True),
     ("of", False), ("x200", False), ("日本", False), ("café", False)],
)  # fmt: skip
def test_vocabulary_contains_words_of_items(word: str, there: bool) -> None:
    assert (word in build_vocabulary(TEXTS)) is there


def test_weight_adds_queries() -> None:
    vocabulary = build_vocabulary(TEXTS, [("mouse mat", 5.0), ("mouse", 2.0)])
    assert [vocabulary.weight(word) for word in ("mouse", "mat")] == [11, 5]


@pytest.mark.parametrize(("weight", "known"), [(2.0, False), (3.0, False), (4.0, True)])
def test_a_query_word_that_looks_mistyped_needs_more_use(weight: float, known: bool) -> None:
    assert ("keybord" in build_vocabulary(TEXTS, [("keybord", weight)])) is known


def test_is_language_word() -> None:
    vocabulary = build_vocabulary(TEXTS, language_words=["pillow"])
    assert (vocabulary.is_language_word("pillow"), vocabulary.is_language_word("pilow"), "pillow" in vocabulary) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("word", "edits", "near"),
    [
        ("mosue", 1, ["mouse"]), ("mous", 1, ["mouse"]), ("mmouse", 1, ["mouse"]), ("house", 1, ["mouse"]),
        ("keybrd", 1, []), ("keybrd", 2, ["keyboard"]), ("mouse", 1, []), ("500gc", 2, []), ("mosue", 0, []),
        ("", 2, []), ("m" * 41, 3, []),
    ],
)  # fmt: skip
def test_neighbours(word: str, edits: int, near: list[str]) -> None:
    neighbours = build_vocabulary(TEXTS).neighbours(word, edits)
    assert [near.word for near in neighbours] == near


def test_neighbours_agree_with_comparing_each_word() -> None:
    rng = random.Random(0)
    words = {"".join(rng.choices("abcde", k=rng.randint(3, 9))) for _ in range(300)}
    vocabulary = Vocabulary(dict.fromkeys(words, 1.0))
    for _ in range(200):
        typed = "".join(rng.choices("abcdefé", k=rng.randint(1, 10)))
        for edits in (1, 2, 3):
            right = {word: int(OSA.distance(typed, word)) for word in words}
            near = {neighbour.word: neighbour.edits for neighbour in vocabulary.neighbours(typed, edits)}
            assert near.items() <= right.items()
            assert len(near) == min(8, sum(0 < distance <= edits for distance in right.values()))


def test_neighbours_are_ordered_by_cost() -> None:
    vocabulary = Vocabulary({"card": 50.0, "care": 2.0, "bare": 2.0, "cares": 2.0})
    assert [near.word for near in vocabulary.neighbours("carx", 2)] == ["card", "care", "cares", "bare"]
    costs = [near.cost for near in vocabulary.neighbours("carx", 2)]
    assert costs == sorted(costs)


@pytest.mark.parametrize(
    ("word", "usual"), [("blck", "black"), ("black", None), ("blick", "black"), ("rare", None), ("bl", None)]
)
def test_dominant_neighbour(word: str, usual: str | None) -> None:
    assert Vocabulary({"black": 200.0, "blck": 2.0, "rale": 99.0, "rare": 1.0}).dominant_neighbour(word) == usual


@pytest.mark.parametrize(
    ("word", "shortest", "pairs"),
    [("wirelessmouse", 2, [("wireless", "mouse")]), ("tshirt", 2, []), ("tshirt", 1, [("t", "shirt")]),
     ("mouse", 1, []), ("x" * 50, 1, [])],
)  # fmt: skip
def test_splits(word: str, shortest: int, pairs: list[tuple[str, str]]) -> None:
    assert build_vocabulary(TEXTS).splits(word, shortest) == pairs


@pytest.mark.parametrize(("start", "word"), [("mou", "mouse"), ("w", "wireless"), ("mouse", None), ("zz", None)])
def test_completion_is_the_word_used_most(start: str, word: str | None) -> None:
    assert build_vocabulary(TEXTS).completion(start) == word


def test_an_empty_vocabulary() -> None:
    empty = Vocabulary()
    assert (len(empty), "a" in empty, empty.neighbours("word", 2), empty.splits("word", 1), empty.completion("w")) == (
        0, False, [], [], None,
    )  # fmt: skip
    assert empty.dominant_neighbour("word") is None
