"""Pairs that are stored once, widened by adding and narrowed only by removing."""

from __future__ import annotations

import pytest

from shelfwise.store import Store

ONE_WAY, TWO_WAY = False, True

# the pairs added, one call after the other, and the pairs stored then
ADDED = [
    ([("tv", "television", ONE_WAY)], [("tv", "television", ONE_WAY)]),
    ([("tv", "television", ONE_WAY), ("tv", "television", ONE_WAY)], [("tv", "television", ONE_WAY)]),
    ([("tv", "television", ONE_WAY), ("tv", "television", TWO_WAY)], [("tv", "television", TWO_WAY)]),
    ([("tv", "television", TWO_WAY), ("tv", "television", ONE_WAY)], [("tv", "television", TWO_WAY)]),
    ([("tv", "television", TWO_WAY), ("television", "tv", TWO_WAY)], [("tv", "television", TWO_WAY)]),
    ([("tv", "television", TWO_WAY), ("television", "tv", ONE_WAY)], [("tv", "television", TWO_WAY)]),
    ([("tv", "television", ONE_WAY), ("television", "tv", TWO_WAY)], [("tv", "television", TWO_WAY)]),
    (
        [("tv", "television", ONE_WAY), ("television", "tv", ONE_WAY)],
        [("tv", "television", ONE_WAY), ("television", "tv", ONE_WAY)],
    ),
    (
        [("tv", "television", ONE_WAY), ("television", "tv", ONE_WAY), ("television", "tv", TWO_WAY)],
        [("tv", "television", TWO_WAY)],
    ),
    (
        [("tv", "television", ONE_WAY), ("tv", "telly", TWO_WAY)],
        [("tv", "television", ONE_WAY), ("tv", "telly", TWO_WAY)],
    ),
]


@pytest.mark.parametrize(("added", "stored"), ADDED)
@pytest.mark.parametrize("at_once", [True, False])
def test_synonyms_add_only_widens(
    store: Store, added: list[tuple[str, str, bool]], stored: list[tuple[str, str, bool]], at_once: bool
) -> None:
    new = 0
    for pairs in [added] if at_once else [[pair] for pair in added]:
        new += store.synonyms.add(pairs)[1]
    assert [(pair.word, pair.means, pair.two_way) for pair in store.synonyms.all()] == stored
    assert new >= len(stored)


def test_synonyms_add_returns_the_stored_pairs(store: Store) -> None:
    pairs, new = store.synonyms.add([("tv", "television", ONE_WAY), ("tv", "telly", ONE_WAY)])
    assert (pairs, new) == (store.synonyms.all(), 2)
    again, new = store.synonyms.add([("television", "tv", TWO_WAY)])
    assert ([pair.to_dict() for pair in again], new) == (
        [{"id": pairs[0].id, "word": "tv", "means": "television", "two_way": True}],
        0,
    )


def test_synonyms_add_with_an_error_adds_none(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        store.synonyms.add(("tv", "television", bool(1 / (1 - number))) for number in range(2))
    assert store.synonyms.all() == []


@pytest.mark.parametrize(("two_way", "word", "means", "removed"), [
    (ONE_WAY, "tv", "television", True), (ONE_WAY, "television", "tv", False), (TWO_WAY, "television", "tv", True),
    (TWO_WAY, "tv", "telly", False),
])  # fmt: skip
def test_synonyms_remove_pair_takes_either_order_of_two_way_pairs(
    store: Store, two_way: bool, word: str, means: str, removed: bool
) -> None:
    store.synonyms.add([("tv", "television", two_way), ("sneakers", "trainers", ONE_WAY)])
    assert store.synonyms.remove_pair(word, means) is removed
    assert len(store.synonyms.all()) == 2 - removed


def test_synonyms_remove_never_frees_the_id(store: Store) -> None:
    first = store.synonyms.add([("tv", "television", ONE_WAY)])[0][0].id
    assert store.synonyms.remove(first)
    assert not store.synonyms.remove(first)
    assert store.synonyms.add([("tv", "television", ONE_WAY)])[0][0].id != first


def test_curation_seq_grows_with_every_change_of_synonyms(store: Store) -> None:
    seqs = [store.curation_seq()]
    for change in (
        lambda: store.synonyms.add([("tv", "television", ONE_WAY)]),
        lambda: store.synonyms.add([("tv", "television", TWO_WAY)]),
        lambda: store.synonyms.remove_pair("tv", "television"),
    ):
        change()
        seqs.append(store.curation_seq())
    assert seqs == sorted(set(seqs))
    store.synonyms.remove(99)
    assert store.curation_seq() == seqs[-1]
