"""Rules carried out on a ranked list: the hits a to f are rows 1 to 6, e and f out of stock; g, h and i are no hits."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from shelfwise.curation.merchandising import AppliedRules, Mask, Rows, apply, hidden
from shelfwise.errors import InvalidInput
from shelfwise.store import Rule

IDS = "-abcdefghi"
SCORES = {"a": 1.0, "b": 0.9, "c": 0.5, "d": 0.0, "e": 0.8, "f": 0.2}
FILTERS = {"vowels": "aei", "late": "cdefghi", "none": ""}


@dataclass(frozen=True)
class Shelf:
    """g is live and in stock, h live and out of stock, i deleted."""

    in_stock: Mask = field(default_factory=lambda: np.array([id in "abcdgi" for id in IDS]))

    def rows(self, ids: Iterable[str]) -> Rows:
        return np.array([max(IDS.find(id), 0) for id in ids], np.int64)


def passes(text: str) -> Mask:
    if text not in FILTERS:
        raise InvalidInput("filter: of a grammar that is no more", "filter")
    return np.array([id in FILTERS[text] for id in IDS])


def rule(id: int, action: str, items: str = "", filter: str | None = None, strength: float = 0.3) -> Rule:
    return Rule(id, action, "any", None, tuple(items), filter, strength, None, None, None)


def run(*rules: Rule, hits: str = "abcdef", eligible: str = "abcdefgh") -> AppliedRules:
    return apply(
        rules, Shelf().rows(hits), np.array([SCORES[id] for id in hits]),
        eligible=np.array([id in eligible for id in IDS]), catalogue=Shelf(), passes=passes,
    )  # fmt: skip


def ids(rows: Iterable[int]) -> str:
    return "".join(IDS[row] for row in rows)


@pytest.mark.parametrize(("rules", "order"), [
    ([], "abcdef"),
    # pin: the order given; no hit is needed, but stock is; unknown and deleted items are passed over
    ([rule(1, "pin", "c")], "cabdef"),
    ([rule(1, "pin", "dcb")], "dcbaef"),
    ([rule(1, "pin", "gc")], "gcabdef"),
    ([rule(1, "pin", "cihg?")], "cgabdef"),
    ([rule(1, "pin", "f")], "abcdfe"),
    ([rule(1, "pin", "fd")], "dabcfe"),
    ([rule(1, "pin", "d", "vowels")], "dabcef"),
    ([rule(1, "pin", filter="late")], "cdabef"),
    # a later rule stands first, an item where it is pinned first
    ([rule(1, "pin", "cd"), rule(2, "pin", "bd")], "bdcaef"),
    ([rule(2, "pin", "bd"), rule(1, "pin", "cd")], "bdcaef"),
    # boost and bury: a share of the range, which is 1 here
    ([rule(1, "boost", "c", strength=0.3)], "abcdef"),
    ([rule(1, "boost", "c", strength=0.45)], "acbdef"),
    ([rule(1, "boost", "d", strength=1)], "dabcef"),
    ([rule(1, "boost", "f", strength=1)], "abcdfe"),
    ([rule(1, "boost", "g", strength=1)], "abcdef"),
    ([rule(1, "bury", "a", strength=0.3)], "bacdef"),
    ([rule(1, "bury", "a", strength=1)], "bcdaef"),
    ([rule(1, "bury", filter="vowels", strength=0.3)], "bacdef"),
    ([rule(1, "boost", "c", strength=0.3), rule(2, "boost", "c", strength=0.3)], "cabdef"),
    ([rule(1, "boost", "c", strength=0.6), rule(2, "bury", "c", strength=0.6)], "abcdef"),
    # hide beats all, pin beats bury
    ([rule(1, "hide", "b")], "acdef"),
    ([rule(1, "hide", filter="vowels")], "bcdf"),
    ([rule(1, "hide", "bg"), rule(2, "pin", "gb"), rule(3, "boost", "b")], "acdef"),
    ([rule(1, "hide", filter="late"), rule(2, "pin", "gd")], "ab"),
    ([rule(1, "hide", "abcdef")], ""),
    ([rule(1, "pin", "c"), rule(2, "bury", "c", strength=1)], "cabdef"),
    # a filter that reaches nothing, or can't be read any more
    ([rule(1, "pin", filter="none"), rule(2, "hide", filter="forgotten")], "abcdef"),
])  # fmt: skip
def test_the_order(rules: list[Rule], order: str) -> None:
    done = run(*rules)
    assert ids(done.rows) == order
    assert len(done.scores) == len(order)


def test_a_pin_goes_past_the_query_but_not_past_the_shoppers_filter() -> None:
    assert ids(run(rule(1, "pin", "gc"), eligible="abcdef").rows) == "cabdef"


def test_nothing_found_and_something_pinned() -> None:
    done = run(rule(1, "pin", "ga"), rule(2, "boost", "a"), hits="")
    assert (ids(done.rows), done.scores.tolist(), ids(done.inserted)) == ("ga", [0.0, 0.0], "ga")


def test_what_was_touched_names_its_rules() -> None:
    done = run(rule(4, "boost", "cd"), rule(5, "pin", "gd"), rule(6, "hide", "b"), rule(7, "bury", "c"))
    assert {IDS[row]: why for row, why in done.applied.items()} == {
        "c": [{"rule": 4, "action": "boost"}, {"rule": 7, "action": "bury"}],
        "d": [{"rule": 5, "action": "pin"}],
        "g": [{"rule": 5, "action": "pin"}],
    }
    assert {IDS[row]: number for row, number in done.hidden.items()} == {"b": 6}
    assert ids(done.inserted) == "g"


def test_hidden_names_the_oldest_rule_of_each_row_of_the_catalogue() -> None:
    rules = [rule(2, "hide", "ag"), rule(3, "hide", filter="vowels"), rule(4, "pin", "b")]
    assert hidden(rules, Shelf(), passes).tolist() == [0, 2, 0, 0, 0, 3, 0, 2, 0, 3]


def test_a_list_that_is_not_in_the_order_of_its_scores_keeps_its_order() -> None:
    done = run(rule(1, "boost", "d", strength=0.01), hits="bacdfe")
    assert ids(done.rows) == "bacdfe"


def test_equal_scores_can_be_boosted() -> None:
    done = apply(
        [rule(1, "boost", "c")], Shelf().rows("abc"), np.zeros(3),
        eligible=np.ones(len(IDS), np.bool_), catalogue=Shelf(), passes=passes,
    )  # fmt: skip
    assert ids(done.rows) == "cab"


@pytest.mark.parametrize("seed", range(50))
def test_the_laws_hold_for_any_rules(seed: int) -> None:
    chance = random.Random(seed)

    def some() -> dict[str, Any]:
        action = chance.choice(["pin", "boost", "bury", "hide"])
        items = "".join(chance.sample("abcdefghi", chance.randint(0, 3)))
        return {"action": action, "items": items, "filter": chance.choice([None, *FILTERS]),
                "strength": chance.random()}  # fmt: skip

    rules = [rule(id, **some()) for id in range(1, chance.randint(2, 6))]
    done, catalogue = run(*rules), Shelf()
    hides = hidden(rules, catalogue, passes)
    order = ids(done.rows)
    assert len(set(order)) == len(order)
    assert set(order) == {id for id in "abcdef" + ids(done.inserted) if not hides[IDS.index(id)]}
    assert "h" not in order and "i" not in order
    stock = catalogue.in_stock[done.rows]
    assert stock.tolist() == sorted(stock.tolist(), reverse=True)
    for part in (stock, ~stock):
        assert (np.diff(done.scores[part]) <= 0).all()
        pinned = [done.applied.get(row, [{}])[0].get("action") == "pin" for row in done.rows[part].tolist()]
        assert pinned == sorted(pinned, reverse=True)
    again = run(*reversed(rules))
    assert ids(again.rows) == order, "the order in which the rules come does not matter"
