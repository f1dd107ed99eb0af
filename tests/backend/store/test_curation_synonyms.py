"""Pairs that are said once, widened by adding and narrowed only by removing."""

from __future__ import annotations

import pytest

from shelfwise.store import Store

ONE, TWO = False, True

# what is added, one call after the other, and what is there then
ADDED = [
    ([("tv", "television", ONE)], [("tv", "television", ONE)]),
    ([("tv", "television", ONE), ("tv", "television", ONE)], [("tv", "television", ONE)]),
    ([("tv", "television", ONE), ("tv", "television", TWO)], [("tv", "television", TWO)]),
    ([("tv", "television", TWO), ("tv", "television", ONE)], [("tv", "television", TWO)]),
    ([("tv", "television", TWO), ("television", "tv", TWO)], [("tv", "television", TWO)]),
    ([("tv", "television", TWO), ("television", "tv", ONE)], [("tv", "television", TWO)]),
    ([("tv", "television", ONE), ("television", "tv", TWO)], [("tv", "television", TWO)]),
    ([("tv", "television", ONE), ("television", "tv", ONE)], [("tv", "television", ONE), ("television", "tv", ONE)]),
    (
        [("tv", "television", ONE), ("television", "tv", ONE), ("television", "tv", TWO)],
        [("tv", "television", TWO)],
    ),
    ([("tv", "television", ONE), ("tv", "telly", TWO)], [("tv", "television", ONE), ("tv", "telly", TWO)]),
]


@pytest.mark.parametrize(("added", "there"), ADDED)
@pytest.mark.parametrize("at_once", [True, False])
def test_adding_only_widens(
    store: Store, added: list[tuple[str, str, bool]], there: list[tuple[str, str, bool]], at_once: bool
) -> None:
    new = 0
    for pairs in [added] if at_once else [[pair] for pair in added]:
        new += store.synonyms.add(pairs)[1]
    assert [(one.word, one.means, one.two_way) for one in store.synonyms.all()] == there
    assert new >= len(there)


def test_what_is_given_back_is_what_is_there_now(store: Store) -> None:
    pairs, new = store.synonyms.add([("tv", "television", ONE), ("tv", "telly", ONE)])
    assert (pairs, new) == (store.synonyms.all(), 2)
    again, new = store.synonyms.add([("television", "tv", TWO)])
    assert ([one.to_dict() for one in again], new) == (
        [{"id": pairs[0].id, "word": "tv", "means": "television", "two_way": True}],
        0,
    )


def test_all_or_none(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        store.synonyms.add(("tv", "television", bool(1 / (1 - place))) for place in range(2))
    assert store.synonyms.all() == []


@pytest.mark.parametrize(("two_way", "word", "means", "removed"), [
    (ONE, "tv", "television", True), (ONE, "television", "tv", False), (TWO, "television", "tv", True),
    (TWO, "tv", "telly", False),
])  # fmt: skip
def test_removing_by_the_words(store: Store, two_way: bool, word: str, means: str, removed: bool) -> None:
    store.synonyms.add([("tv", "television", two_way), ("sneakers", "trainers", ONE)])
    assert store.synonyms.remove_pair(word, means) is removed
    assert len(store.synonyms.all()) == 2 - removed


def test_removing_by_the_number_which_is_never_used_again(store: Store) -> None:
    first = store.synonyms.add([("tv", "television", ONE)])[0][0].id
    assert store.synonyms.remove(first)
    assert not store.synonyms.remove(first)
    assert store.synonyms.add([("tv", "television", ONE)])[0][0].id != first


def test_every_change_moves_the_number(store: Store) -> None:
    seen = [store.curation_seq()]
    for change in (
        lambda: store.synonyms.add([("tv", "television", ONE)]),
        lambda: store.synonyms.add([("tv", "television", TWO)]),
        lambda: store.synonyms.remove_pair("tv", "television"),
    ):
        change()
        seen.append(store.curation_seq())
    assert seen == sorted(set(seen))
    store.synonyms.remove(99)
    assert store.curation_seq() == seen[-1]
