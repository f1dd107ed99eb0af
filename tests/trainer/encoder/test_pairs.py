"""Training pairs: as many old as new, capped, and nothing that the judge will ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shelfwise.text.normalize import words
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.encoder.pairs import Pair, is_judged_title, known_item_query, make_pairs

TITLES = {f"i{number}": f"big red thing number {number}" for number in range(200)}


def searches(count: int, word: str) -> list[QueryClick]:
    return [QueryClick(f"{word} {number}", "i1", float(number), (number,)) for number in range(count)]


def test_make_pairs_replays_as_many_as_are_new() -> None:
    data = TrainingData(Split(searches(10, "new"), searches(200, "old")))
    made = make_pairs(data, TITLES, TITLES, seed=1)
    assert made.counts == {"new_pairs": 10, "replayed_pairs": 10, "known_item_pairs": 3}
    assert sum(pair.anchor.startswith("old") for pair in made.pairs) == 10


@pytest.mark.parametrize(("old", "new_kept"), [(0, 46), (100, 26)])
def test_make_pairs_over_the_limit_keeps_the_newest(old: int, new_kept: int) -> None:
    data = TrainingData(Split(searches(500, "new"), searches(old, "old")))
    made = make_pairs(data, TITLES, TITLES, seed=1, limit=60)
    assert made.counts["new_pairs"] == new_kept
    assert len(made.pairs) <= 60
    kept = {int(pair.anchor.split()[1]) for pair in made.pairs if pair.anchor.startswith("new ")}
    assert kept == set(range(500 - new_kept, 500))


def test_make_pairs_over_the_limit_postpones_the_rest() -> None:
    data = TrainingData(Split(searches(500, "new")), awaited=[7000])
    made = make_pairs(data, TITLES, TITLES, seed=1, limit=60)
    learned = {int(pair.anchor.split()[1]) for pair in made.pairs if pair.anchor.startswith("new ")}
    assert set(made.postponed) == {7000, *range(500)} - learned
    assert data.held_out(made.postponed) == tuple(sorted(made.postponed))


def test_make_pairs_over_the_limit_keeps_the_greatest_weights() -> None:
    clicks = searches(500, "new")
    bought = [replace(search, weight=5.0) for search in clicks[:20]]
    made = make_pairs(TrainingData(Split(bought + clicks[20:])), TITLES, TITLES, seed=1, limit=60)
    kept = sorted(int(pair.anchor.split()[1]) for pair in made.pairs if pair.anchor.startswith("new "))
    assert kept == [*range(20), *range(474, 500)]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 10, 100, 1000])
@pytest.mark.parametrize("old", [0, 40])
def test_make_pairs_never_exceeds_the_limit(most: int, old: int) -> None:
    baskets = [Basket(("i1", "i2", "i3"), 0.0, (1, 2, 3))] * 200
    data = TrainingData(Split(searches(40, "new"), searches(old, "old")), Split(baskets, baskets[:old]))
    made = make_pairs(data, TITLES, TITLES, seed=1, limit=most)
    assert len(made.pairs) == sum(made.counts.values()) <= most
    assert most < 100 or len(made.pairs) > 0.8 * min(most, 800), "the room is used"


def test_make_pairs_takes_weight_and_negatives_of_the_search() -> None:
    new = replace(searches(1, "new")[0], weight=2.5, passed_over=("i2", "i3"))
    old = replace(searches(1, "old")[0], weight=0.5, passed_over=("i3",))
    made = make_pairs(TrainingData(Split([new], [old])), TITLES, TITLES, seed=1)
    assert set(made.pairs) == {Pair("new 0", "i1", 2.5, ("i2",)), Pair("old 0", "i1", 0.5, ("i3",))}


def test_make_pairs_has_no_chosen_item_as_a_negative() -> None:
    new = replace(searches(1, "mug")[0], passed_over=("i2", "i3", "i4"))
    chosen_before = QueryClick("MUG 0", "i2", 0.0, (9,))
    chosen_tonight = QueryClick("mug: 0", "i3", 0.0, (10,))
    data = TrainingData(Split([new, chosen_tonight], [chosen_before]))
    made = make_pairs(data, TITLES, TITLES, seed=1)
    assert [pair.negatives for pair in made.pairs if pair.anchor == "mug 0"] == [("i4",)]


def test_make_pairs_leaves_out_holdout_and_anchor() -> None:
    data = TrainingData(
        Split(searches(5, "new"), holdout=searches(5, "held"), anchor=searches(5, "anchor")),
        Split(
            [Basket(("i1", "i2"), 0.0, (1, 2))],
            holdout=[Basket(("i7", "i8"), 0.0, (3, 4))],
            anchor=[Basket(("i9", "i10"), 0.0, (5, 6))],
        ),
    )
    made = make_pairs(data, TITLES, TITLES, seed=1)
    assert {pair.anchor.split()[0] for pair in made.pairs}.isdisjoint({"held", "anchor"})
    assert not {pair.anchor for pair in made.pairs} & {TITLES[id] for id in ("i7", "i8", "i9", "i10")}


def test_make_pairs_with_enough_searches_takes_no_baskets() -> None:
    baskets = [Basket(("i1", "i2"), 0.0, (1, 2))]
    few, many = (
        make_pairs(TrainingData(Split(searches(count, "new")), Split(baskets)), TITLES, TITLES, seed=1).counts
        for count in (199, 200)
    )
    assert few["new_basket_pairs"] == 1
    assert many == {"new_pairs": 200, "replayed_pairs": 0, "known_item_pairs": 60}


def test_make_pairs_with_the_same_seed_is_the_same() -> None:
    data = TrainingData(Split(searches(20, "new"), searches(100, "old")))
    assert make_pairs(data, TITLES, TITLES, 7) == make_pairs(data, TITLES, TITLES, 7)
    assert make_pairs(data, TITLES, TITLES, 7) != make_pairs(data, TITLES, TITLES, 8)


def test_make_pairs_of_baskets_adds_unjudged_known_item_queries() -> None:
    baskets = [Basket(("i1", "i2", "i3"), 0.0, (1, 2, 3))] * 50
    made = make_pairs(TrainingData(baskets=Split(baskets)), TITLES, TITLES, seed=1)
    assert made.counts["new_basket_pairs"] == made.counts["known_item_pairs"] == 100
    known = [pair for pair in made.pairs if pair.anchor not in TITLES.values()]
    assert len(known) == 100
    assert not any(is_judged_title(pair.item) for pair in known)
    assert all(set(words(pair.anchor)) <= set(words(TITLES[pair.item])) for pair in known)


def test_is_judged_title_holds_for_a_tenth() -> None:
    assert 0.07 < sum(is_judged_title(f"item-{number}") for number in range(3000)) / 3000 < 0.13


@pytest.mark.parametrize(("title", "query"), [("White Metal Lantern", "metal lantern"), ("Mug", "mug"), ("!", "")])
def test_known_item_query(title: str, query: str) -> None:
    assert known_item_query(title) == query
