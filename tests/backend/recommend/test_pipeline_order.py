"""The order of one shelf: scores that fall, variants, the rules of the shop, exploration."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.curation.validation import parse_rule
from shelfwise.ranking.exploration import ExplorationPolicy
from shelfwise.recommend.strategies import KINDS
from shelfwise.store import Store
from support.recommend_shop import (
    DEGREES,
    IDS,
    NOW,
    SIGNALS,
    Served,
    circle_index,
    event,
    make_signals,
    recommend,
)
from support.stores import upsert_rows

EVERYTHING = set(IDS) - {"vase"}


# ---- order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diversity", [0.0, 0.3, 1.0])
def test_scores_fall_across_the_blocks(store: Store, kind: str, diversity: float) -> None:
    """`shelf` asserts it; here with blocks whose own scores lie far apart."""
    signals = make_signals(
        {"trend": {"bulb": 900.0}, "central": dict.fromkeys(IDS, 1.0)}, {"together": {"tea": {"cup": 70.0}}}
    )
    outcome = recommend(
        store, kind, event("rug", "click"), items=["tea"], served=Served(signals), limit=100, diversity=diversity
    )
    assert len(outcome.ids) == 7


@pytest.mark.parametrize(
    ("diversity", "first"),
    [(0.0, ["red", "blue", "green", "cup"]), (0.3, ["red", "blue", "green", "cup"]), (1.0, ["red", "cup", "lamp"])],
)
def test_variants_make_way(store: Store, diversity: float, first: list[str]) -> None:
    colours = ("red", "blue", "green")
    upsert_rows(store, *({"id": id, "title": f"Enamel Jug {id}"} for id in colours))
    links = {"tea": {"red": 1.0, "blue": 0.99, "green": 0.98, "cup": 0.5, "lamp": 0.1}}
    served = Served(make_signals(links={"together": links}, ids=[*IDS, *colours]))
    outcome = recommend(store, "together", items=["tea"], served=served, limit=4, diversity=diversity)
    assert outcome.ids[: len(first)] == first


def test_variants_of_the_requests_items_make_way_too(store: Store) -> None:
    upsert_rows(store, *({"id": id, "title": f"Enamel Jug {id}"} for id in ("red", "blue")))
    served = Served(
        make_signals(links={"together": {"red": {"blue": 1.0, "cup": 0.99, "mug": 0.1}}}, ids=[*IDS, "red", "blue"])
    )
    for diversity, first in ((0.0, "blue"), (0.3, "cup")):
        assert recommend(store, "together", items=["red"], served=served, limit=3, diversity=diversity).ids[0] == first


@pytest.mark.parametrize(("diversity", "first"), [(0.0, ["coffee", "chai"]), (0.3, ["chai", "coffee"])])
def test_similar_items_of_one_brand_make_way(store: Store, diversity: float, first: list[str]) -> None:
    """tea and coffee are Acme's, chai is Bee's."""
    near = circle_index(DEGREES | {"coffee": -19.5, "cup": 60})
    outcome = recommend(
        store, "similar", items=["tea"], served=Served(make_signals(), near), limit=2, diversity=diversity
    )
    assert outcome.ids == first


def test_little_diversity_moves_near_ties_alone(store: Store) -> None:
    colours = ("red", "blue", "green")
    upsert_rows(store, *({"id": id, "title": f"Enamel Jug {id}"} for id in colours))
    links = {"tea": {"red": 1.0, "blue": 0.99, "green": 0.98, "cup": 0.95, "mug": 0.1}}
    served = Served(make_signals(links={"together": links}, ids=[*IDS, *colours]))
    order = recommend(store, "together", items=["tea"], served=served, limit=4).ids
    assert order.index("cup") < order.index("green")


# ---- rules --------------------------------------------------------------------------------------------------


def rule(store: Store, action: str, **fields: Any) -> int:
    given = {"action": action, "match": "any"} | fields
    (added,), _ = store.rules.add([parse_rule(given)])
    return added.id


def test_rules_move_what_they_name(store: Store) -> None:
    assert recommend(store, "popular", limit=4).ids[:3] == ["rug", "mug", "bulb"]
    lifted = rule(store, "boost", items=["bulb"], strength=1)
    buried = rule(store, "bury", filter="category:Kitchen", strength=1)
    outcome = recommend(store, "popular", limit=100)
    assert outcome.ids[:2] == ["bulb", "rug"] and set(outcome.ids[-2:]) == {"cup", "mug"}
    assert outcome.applied_rules["bulb"] == [{"rule": lifted, "action": "boost"}]
    assert outcome.applied_rules["mug"] == [{"rule": buried, "action": "bury"}]


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_item_is_not_recommended(store: Store, kind: str) -> None:
    rule(store, "hide", items=["chai"])
    rule(store, "hide", filter="brand:Cee")
    outcome = recommend(store, kind, event("tea"), items=["mug"], limit=100)
    assert set(outcome.ids) == EVERYTHING - {"chai", "lamp", "bulb", "mug"}


def test_hidden_item_takes_no_position(store: Store) -> None:
    assert recommend(store, "trending", limit=2).ids == ["lamp", "bulb"]
    rule(store, "hide", items=["lamp"])
    assert recommend(store, "trending", limit=2).ids == ["bulb", "rug"]


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "pin", "items": ["lamp"]},
        {"action": "boost", "items": ["lamp"], "strength": 1, "match": "exact", "query": "lamp"},
        {"action": "hide", "items": ["rug"], "match": "contains", "query": "rug"},
        {"action": "hide", "items": ["rug"], "ends": NOW - 1},
        {"action": "hide", "items": ["rug"], "starts": NOW + 1},
    ],
)
def test_rules_of_queries_pins_and_other_times_do_not_apply(store: Store, fields: dict[str, Any]) -> None:
    before = recommend(store, "popular", limit=100)
    rule(store, **fields)
    after = recommend(store, "popular", limit=100)
    assert (after.ids, after.applied_rules) == (before.ids, {})


# ---- exploration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "items", "is_there"), [("similar", ["tea"], False), ("popular", [], True)])
def test_explored_item_is_of_the_kind_or_new(store: Store, kind: str, items: list[str], is_there: bool) -> None:
    """The newest of the shop is nothing beside a T-light; and where it is shown, it has not filled the shelf."""
    upsert_rows(store, *({"id": f"new{number}", "title": f"new {number}"} for number in range(5)))
    popularity = {id: 9.0 - number for number, id in enumerate(IDS)}
    policies = [ExplorationPolicy(1.0, f"s{number}") for number in range(20)]
    pages = [
        recommend(store, kind, items=items, limit=8, popularity=popularity, fill=False, exploration=policy)
        for policy in policies
    ]
    assert any(id.startswith("new") for page in pages for id in page.ids) is is_there
    assert all(page.filled == [] for page in pages)


def explored_shelf(store: Store, policy: ExplorationPolicy, **fields: Any) -> list[str]:
    """Forty more things of which nobody knows anything, all of them near the tea."""
    new = [f"new{number}" for number in range(40)]
    upsert_rows(store, *({"id": id, "title": id} for id in new))
    index = circle_index(DEGREES | {id: 1.0 + number for number, id in enumerate(new)})
    return recommend(store, "similar", items=["tea"], served=Served(SIGNALS, index), exploration=policy, **fields).ids


def test_exploration_moves_one_item_of_the_page_by_session(store: Store) -> None:
    plain = explored_shelf(store, ExplorationPolicy())
    assert explored_shelf(store, ExplorationPolicy(0.0, "s")) == plain
    moved = [explored_shelf(store, ExplorationPolicy(1.0, f"s{number}")) for number in range(20)]
    for page in moved:
        assert page[:3] == plain[:3] and len(set(page) - set(plain)) == 1, "one place of the later ones"
    assert len({tuple(page) for page in moved}) > 5
    assert moved == [explored_shelf(store, ExplorationPolicy(1.0, f"s{number}")) for number in range(20)]
