"""Rules applied to a ranked list: the hits a to f are rows 1 to 6, e and f out of stock; g, h and i are no hits."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.curation.merchandising import AppliedRules, apply, hidden
from shelfwise.curation.rule_index import PreparedRule
from shelfwise.store import Rule, Store
from shelfwise.validation import parse_item

IDS = "-abcdefghi"
SCORES = {"a": 1.0, "b": 0.9, "c": 0.5, "d": 0.0, "e": 0.8, "f": 0.2}
FILTERS = {"vowels": "aei", "late": "cdefghi", "none": ""}


class Shelf:
    """A catalogue of a to i: g is live and in stock, h live and out of stock, i deleted; tags name the filters."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        items = [
            {
                "id": id,
                "title": id,
                "in_stock": id in "abcdgi",
                "tags": [name for name in FILTERS if id in FILTERS[name]],
            }
            for id in IDS[1:]
        ]
        self.store.items.upsert([(number, parse_item(item)) for number, item in enumerate(items)])
        self.store.items.delete(["i"])
        self.columns = CatalogueCache(self.store).current()

    def run(
        self, *rules: PreparedRule, hits: str = "abcdef", eligible: str = "abcdefgh", scores: Sequence[float] = ()
    ) -> AppliedRules:
        return apply(
            rules, self.columns.rows(hits), np.array(scores or [SCORES[id] for id in hits]),
            eligible=np.array([id in eligible for id in IDS]), columns=self.columns,
        )  # fmt: skip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    opened = Shelf(tmp_path_factory.mktemp("shelf"))
    yield opened
    opened.store.close()


def rule(id: int, action: str, items: str = "", filter: str | None = None, strength: float = 0.3) -> PreparedRule:
    text = f"tags:{filter}" if filter in FILTERS else filter
    return PreparedRule.of(Rule(id, action, "any", None, tuple(items), text, strength, None, None, None))


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
    ([rule(1, "pin", filter="none"), rule(2, "hide", filter="of an old grammar")], "abcdef"),
])  # fmt: skip
def test_apply_orders_by_rules(shelf: Shelf, rules: list[Rule], order: str) -> None:
    done = shelf.run(*rules)
    assert ids(done.rows) == order
    assert len(done.scores) == len(order)


def test_apply_pins_past_the_query_but_not_past_the_filter(shelf: Shelf) -> None:
    assert ids(shelf.run(rule(1, "pin", "gc"), eligible="abcdef").rows) == "cabdef"


def test_apply_to_no_hits_inserts_pins(shelf: Shelf) -> None:
    done = shelf.run(rule(1, "pin", "ga"), rule(2, "boost", "a"), hits="")
    assert (ids(done.rows), done.scores.tolist(), ids(done.inserted)) == ("ga", [0.0, 0.0], "ga")


def test_apply_names_the_rules_of_each_row(shelf: Shelf) -> None:
    done = shelf.run(rule(4, "boost", "cd"), rule(5, "pin", "gd"), rule(6, "hide", "b"), rule(7, "bury", "c"))
    assert {IDS[row]: why for row, why in done.applied.items()} == {
        "c": [{"rule": 4, "action": "boost"}, {"rule": 7, "action": "bury"}],
        "d": [{"rule": 5, "action": "pin"}],
        "g": [{"rule": 5, "action": "pin"}],
    }
    assert "b" not in ids(done.rows)
    assert ids(done.inserted) == "g"


def test_hidden_names_the_oldest_rule_of_each_row(shelf: Shelf) -> None:
    rules = [rule(2, "hide", "ag"), rule(3, "hide", filter="vowels"), rule(4, "pin", "b")]
    assert hidden(rules, shelf.columns).tolist() == [0, 2, 0, 0, 0, 3, 0, 2, 0, 0]


def test_apply_keeps_an_order_that_scores_contradict(shelf: Shelf) -> None:
    done = shelf.run(rule(1, "boost", "d", strength=0.01), hits="bacdfe")
    assert ids(done.rows) == "bacdfe"


def test_apply_boosts_among_equal_scores(shelf: Shelf) -> None:
    assert ids(shelf.run(rule(1, "boost", "c"), hits="abc", scores=[0.0] * 3).rows) == "cab"


@pytest.mark.parametrize("seed", range(50))
def test_apply_of_random_rules_keeps_the_laws(shelf: Shelf, seed: int) -> None:
    rng = random.Random(seed)

    def some() -> dict[str, Any]:
        action = rng.choice(["pin", "boost", "bury", "hide"])
        items = "".join(rng.sample("abcdefghi", rng.randint(0, 3)))
        return {"action": action, "items": items, "filter": rng.choice([None, *FILTERS]),
                "strength": rng.random()}  # fmt: skip

    rules = [rule(id, **some()) for id in range(1, rng.randint(2, 6))]
    done, hides = shelf.run(*rules), hidden(rules, shelf.columns)
    order = ids(done.rows)
    assert len(set(order)) == len(order)
    assert set(order) == {id for id in "abcdef" + ids(done.inserted) if not hides[IDS.index(id)]}
    assert "h" not in order and "i" not in order
    stock = shelf.columns.in_stock[done.rows]
    assert stock.tolist() == sorted(stock.tolist(), reverse=True)
    for part in (stock, ~stock):
        assert (np.diff(done.scores[part]) <= 0).all()
        pinned = [done.applied.get(row, [{}])[0].get("action") == "pin" for row in done.rows[part].tolist()]
        assert pinned == sorted(pinned, reverse=True)
    again = shelf.run(*reversed(rules))
    assert ids(again.rows) == order, "the order in which the rules come does not matter"
