"""Training pairs: as many old as new, capped, and nothing that the judge will ask."""

from __future__ import annotations

import pytest

from shelfwise.store import words
from shelfwise.trainer import pairs as pairs_module
from shelfwise.trainer.collect import Basket, Material, Search
from shelfwise.trainer.pairs import is_judged_title, known_item_query, make_pairs

TITLES = {f"i{number}": f"big red thing number {number}" for number in range(200)}


def searches(count: int, word: str) -> list[Search]:
    return [Search(f"{word} {number}", "i1", float(number), (number,)) for number in range(count)]


def test_as_many_old_pairs_as_new() -> None:
    material = Material(new_searches=searches(10, "new"), old_searches=searches(200, "old"))
    made, counts = make_pairs(material, TITLES, TITLES, seed=1)
    assert counts == {"new_pairs": 10, "replayed_pairs": 10}
    assert sum(pair.anchor.startswith("old") for pair in made) == 10


@pytest.mark.parametrize(("old", "new_kept"), [(0, 60), (100, 30)])
def test_the_cap_keeps_the_newest(monkeypatch: pytest.MonkeyPatch, old: int, new_kept: int) -> None:
    monkeypatch.setattr(pairs_module, "MOST_PAIRS", 60)
    material = Material(new_searches=searches(500, "new"), old_searches=searches(old, "old"))
    made, counts = make_pairs(material, TITLES, TITLES, seed=1)
    assert counts["new_pairs"] == new_kept
    assert len(made) <= 60
    kept = {int(pair.anchor.split()[1]) for pair in made if pair.anchor.startswith("new")}
    assert kept == set(range(500 - new_kept, 500))


def test_the_same_seed_gives_the_same_pairs() -> None:
    material = Material(new_searches=searches(20, "new"), old_searches=searches(100, "old"))
    assert make_pairs(material, TITLES, TITLES, 7) == make_pairs(material, TITLES, TITLES, 7)
    assert make_pairs(material, TITLES, TITLES, 7) != make_pairs(material, TITLES, TITLES, 8)


def test_baskets_come_with_known_item_queries_that_the_judge_never_asks() -> None:
    baskets = [Basket(("i1", "i2", "i3"), 0.0, (1, 2, 3))] * 50
    made, counts = make_pairs(Material(new_baskets=baskets), TITLES, TITLES, seed=1)
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
