"""Training pairs: as many old as new, capped, and nothing that the judge will ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shelfwise.text.normalize import words
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import TrainingData
from shelfwise.trainer.encoder.pairs import Pair, is_judged_title, known_item_query, make_pairs

TITLES = {f"i{number}": f"big red thing number {number}" for number in range(200)}


def searches(count: int, word: str) -> list[QueryClick]:
    return [QueryClick(f"{word} {number}", "i1", float(number), (number,)) for number in range(count)]


def test_as_many_old_pairs_as_new() -> None:
    material = TrainingData(new_searches=searches(10, "new"), old_searches=searches(200, "old"))
    made, counts = make_pairs(material, TITLES, TITLES, seed=1)
    assert counts == {"new_pairs": 10, "replayed_pairs": 10, "known_item_pairs": 3}
    assert sum(pair.anchor.startswith("old") for pair in made) == 10


@pytest.mark.parametrize(("old", "new_kept"), [(0, 46), (100, 26)])
def test_the_cap_keeps_the_newest(old: int, new_kept: int) -> None:
    material = TrainingData(new_searches=searches(500, "new"), old_searches=searches(old, "old"))
    made, counts = make_pairs(material, TITLES, TITLES, seed=1, limit=60)
    assert counts["new_pairs"] == new_kept
    assert len(made) <= 60
    kept = {int(pair.anchor.split()[1]) for pair in made if pair.anchor.startswith("new ")}
    assert kept == set(range(500 - new_kept, 500))


def test_what_there_is_no_room_for_is_postponed() -> None:
    material = TrainingData(new_searches=searches(500, "new"), postponed=[7000])
    made, _ = make_pairs(material, TITLES, TITLES, seed=1, limit=60)
    learned = {int(pair.anchor.split()[1]) for pair in made if pair.anchor.startswith("new ")}
    assert set(material.postponed) == {7000, *range(500)} - learned
    assert material.held_out == sorted(material.postponed)


def test_the_cap_keeps_what_is_worth_most_and_of_that_the_newest() -> None:
    clicks = searches(500, "new")
    bought = [replace(search, weight=5.0) for search in clicks[:20]]
    made, _ = make_pairs(TrainingData(new_searches=bought + clicks[20:]), TITLES, TITLES, seed=1, limit=60)
    kept = sorted(int(pair.anchor.split()[1]) for pair in made if pair.anchor.startswith("new "))
    assert kept == [*range(20), *range(474, 500)]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 10, 100, 1000])
@pytest.mark.parametrize("old", [0, 40])
def test_never_more_pairs_than_there_is_time_for(most: int, old: int) -> None:
    baskets = [Basket(("i1", "i2", "i3"), 0.0, (1, 2, 3))] * 200
    material = TrainingData(
        new_searches=searches(40, "new"), old_searches=searches(old, "old"),
        new_baskets=baskets, old_baskets=baskets[:old],
    )  # fmt: skip
    made, counts = make_pairs(material, TITLES, TITLES, seed=1, limit=most)
    assert len(made) == sum(counts.values()) <= most
    assert most < 100 or len(made) > 0.8 * min(most, 800), "the room is used"


def test_a_pair_weighs_what_its_search_does_and_knows_what_was_passed_over() -> None:
    new = replace(searches(1, "new")[0], weight=2.5, passed=("i2", "i3"))
    old = replace(searches(1, "old")[0], weight=0.5, passed=("i3",))
    made, _ = make_pairs(TrainingData(new_searches=[new], old_searches=[old]), TITLES, TITLES, seed=1)
    assert set(made) == {Pair("new 0", "i1", 2.5, ("i2",)), Pair("old 0", "i1", 0.5, ("i3",))}


def test_nothing_that_was_chosen_on_any_night_is_a_negative() -> None:
    new = replace(searches(1, "mug")[0], passed=("i2", "i3", "i4"))
    chosen_before = QueryClick("MUG 0", "i2", 0.0, (9,))
    chosen_tonight = QueryClick("mug: 0", "i3", 0.0, (10,))
    material = TrainingData(new_searches=[new, chosen_tonight], old_searches=[chosen_before])
    made, _ = make_pairs(material, TITLES, TITLES, seed=1)
    assert [pair.negatives for pair in made if pair.anchor == "mug 0"] == [("i4",)]


def test_held_and_anchor_searches_are_in_no_pair() -> None:
    material = TrainingData(
        new_searches=searches(5, "new"), held_searches=searches(5, "held"), anchor_searches=searches(5, "anchor"),
        new_baskets=[Basket(("i1", "i2"), 0.0, (1, 2))], held_baskets=[Basket(("i7", "i8"), 0.0, (3, 4))],
        anchor_baskets=[Basket(("i9", "i10"), 0.0, (5, 6))],
    )  # fmt: skip
    made, _ = make_pairs(material, TITLES, TITLES, seed=1)
    assert {pair.anchor.split()[0] for pair in made}.isdisjoint({"held", "anchor"})
    assert not {pair.anchor for pair in made} & {TITLES[id] for id in ("i7", "i8", "i9", "i10")}


def test_a_shop_with_a_search_log_is_learned_from_it_alone() -> None:
    baskets = [Basket(("i1", "i2"), 0.0, (1, 2))]
    few, many = (
        make_pairs(TrainingData(new_searches=searches(count, "new"), new_baskets=baskets), TITLES, TITLES, seed=1)[1]
        for count in (199, 200)
    )
    assert few["new_basket_pairs"] == 1
    assert many == {"new_pairs": 200, "replayed_pairs": 0, "known_item_pairs": 60}


def test_the_same_seed_gives_the_same_pairs() -> None:
    material = TrainingData(new_searches=searches(20, "new"), old_searches=searches(100, "old"))
    assert make_pairs(material, TITLES, TITLES, 7) == make_pairs(material, TITLES, TITLES, 7)
    assert make_pairs(material, TITLES, TITLES, 7) != make_pairs(material, TITLES, TITLES, 8)


def test_baskets_come_with_known_item_queries_that_the_judge_never_asks() -> None:
    baskets = [Basket(("i1", "i2", "i3"), 0.0, (1, 2, 3))] * 50
    made, counts = make_pairs(TrainingData(new_baskets=baskets), TITLES, TITLES, seed=1)
    assert counts["new_basket_pairs"] == counts["known_item_pairs"] == 100
    known = [pair for pair in made if pair.anchor not in TITLES.values()]
    assert len(known) == 100
    assert not any(is_judged_title(pair.item) for pair in known)
    assert all(set(words(pair.anchor)) <= set(words(TITLES[pair.item])) for pair in known)


def test_a_tenth_of_the_titles_is_judged() -> None:
    assert 0.07 < sum(is_judged_title(f"item-{number}") for number in range(3000)) / 3000 < 0.13


@pytest.mark.parametrize(("title", "query"), [("White Metal Lantern", "metal lantern"), ("Mug", "mug"), ("!", "")])
def test_known_item_query(title: str, query: str) -> None:
    assert known_item_query(title) == query
