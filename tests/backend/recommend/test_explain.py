"""Reasons: what each kind says of its hits, whose item is cited, and that what the sources add is the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shelfwise.curation.validation import parse_rule
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.explain import explain_recommendations, source_contributions
from shelfwise.recommend.features import NAMES, SOURCES
from shelfwise.recommend.for_you import ScoredCandidates
from shelfwise.recommend.pipeline import RecommendOutcome
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.request import RecommendRequest
from shelfwise.recommend.strategies import KINDS
from shelfwise.store import Event, Store
from shelfwise.timestamps import DAY
from shelfwise.types import Row
from support.fake_generation import put
from support.recommend_shop import DEGREES, NOW, Served, counted, event, history, on_circle, pipeline

KNOWN = counted(
    {"trend": {"lamp": 3.0, "rug": 2.0}, "repeat": {"tea": 0.5, "coffee": 0.5}},
    {"together": {"tea": {"cup": 0.5, "mug": 0.2}, "mug": {"cup": 0.1}}, "viewed": {"tea": {"rug": 1.0}},
     "linked": {"tea": {"bulb": 0.5}, "coffee": {"bulb": 0.1}}},
)  # fmt: skip
SERVED = Served(KNOWN)
BLEND = ForYouRanker()


def filled(
    store: Store,
    kind: str,
    *events: Event,
    served: Served = SERVED,
    statistics: PopularityCounts | None = None,
    **wish: Any,
) -> RecommendOutcome:
    request = RecommendRequest(kind, events=history(*events), **{"limit": 100} | wish)
    counts = statistics or PopularityCounts({"mug": 1.0})
    return pipeline(store).run(request, replace(served, statistics=counts))


def told(store: Store, kind: str, *events: Event, **wish: Any) -> dict[str, Row]:
    """id → reasons; each has a kind and a text, and cites what exists and is not itself."""

    def titles(ids: Sequence[str]) -> Mapping[str, str]:
        return {id: str(item["title"]) for id, item in store.items.get(ids).items()}

    found = filled(store, kind, *events, **wish)
    reasons = explain_recommendations(found, BLEND, titles)
    assert list(reasons) == found.ids
    theirs = {event.item for event in events} | set(wish.get("items", ()))
    for id, one in reasons.items():
        assert one["kind"] == found.kinds[found.ids.index(id)]
        assert one["text"] and "{" not in one["text"]
        assert ("because" in one) is ("“" in one["text"])
        assert one.get("because", "") in theirs - {id} or "because" not in one
    return reasons


def texts(reasons: Mapping[str, Row], kind: str) -> dict[str, str]:
    return {id: one["text"] for id, one in reasons.items() if one["kind"] == kind}


# ---- the kinds with one source ------------------------------------------------------------------------------


def test_similar(store: Store) -> None:
    reasons = told(store, "similar", items=["tea"])
    assert texts(reasons, "similar") == {
        "chai": "like “Green Leaf Tea”", "coffee": "like “Green Leaf Tea”",
        "rug": "goes with “Green Leaf Tea”",  # which it is not like at all
    }  # fmt: skip
    assert reasons["chai"] == {"kind": "similar", "text": "like “Green Leaf Tea”", "because": "tea"}


def test_similar_to_several_cites_the_nearest(store: Store) -> None:
    reasons = told(store, "similar", items=["tea", "mug"])
    assert (reasons["chai"]["because"], reasons["cup"]["because"]) == ("tea", "mug")


def test_together_cites_the_strongest_link_of_the_cart_and_counts_its_shoppers(store: Store) -> None:
    reasons = told(store, "together", items=["mug", "tea", "lamp"])
    assert reasons["cup"]["text"] == "goes with “Green Leaf Tea”: 3 shoppers chose both"
    assert texts(reasons, "together") == {"cup": reasons["cup"]["text"]}


def test_next_cites_a_step(store: Store) -> None:
    reasons = told(store, "next", event("tea", "click", 0.1), event("lamp", "click", 0.2))
    assert (reasons["cup"]["text"], reasons["cup"]["because"]) == ("goes with “Green Leaf Tea”", "tea")
    assert (reasons["coffee"]["text"], reasons["coffee"]["because"]) == ("like “Green Leaf Tea”", "tea")
    reasons = told(store, "next", event("lamp", "click"), items=["tea"])
    assert {one["because"] for one in reasons.values() if one["kind"] == "next"} == {"tea"}, "what was asked for"


def test_what_was_put_into_the_cart_is_said_to_be(store: Store) -> None:
    found = told(store, "for-you", event("coffee", "cart", 4, "s"), event("coffee", "view", 2, "s"))
    assert found["coffee"]["text"] == "you put it into the cart 4 days ago"


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([event("tea", days=15)], "you bought it once, 15 days ago"),
        ([event("tea", days=40), event("tea", days=12)], "you bought it 2 times, 12 days ago"),
        ([event("tea", days=40), event("tea", "view", 2)], "you bought it once, 40 days ago"),
        ([event("tea", days=40, session="a"), event("tea", days=40, session="a")], "you bought it once, 40 days ago"),
    ],
)
def test_again(store: Store, events: list[Event], text: str) -> None:
    assert texts(told(store, "again", *events), "again") == {"tea": text}


@pytest.mark.parametrize(
    ("kind", "id", "text"),
    [("trending", "lamp", "more and more chosen"), ("popular", "mug", "popular lately")],
)
def test_what_is_said_of_everybodys_shelves(store: Store, kind: str, id: str, text: str) -> None:
    assert told(store, kind)[id] == {"kind": kind, "text": text}


def test_new_is_said_of_what_is_known_to_be_new(store: Store) -> None:
    put(store, {"id": "rug", "created_at": NOW - 3 * DAY}, {"id": "tea", "created_at": NOW - 300 * DAY})
    said = texts(told(store, "new"), "new")
    assert said["rug"] == "new here"
    assert said["tea"] == said["bulb"] == "from the whole range"


def test_each_block_says_what_it_is(store: Store) -> None:
    reasons = told(store, "similar", items=["tea"])
    assert (reasons["cup"]["kind"], reasons["cup"]["text"]) == (
        "together",
        "goes with “Green Leaf Tea”: 3 shoppers chose both",
    )
    assert reasons["bulb"]["kind"] == "new"


# ---- for-you ------------------------------------------------------------------------------------------------


def test_for_you_says_what_added_most(store: Store) -> None:
    reasons = told(store, "for-you", event("tea", days=3), event("coffee", "view", 9))
    assert reasons["tea"]["text"] == "you bought it once, 3 days ago"
    assert (reasons["bulb"]["text"], reasons["bulb"]["because"]) == ("goes with “Green Leaf Tea”", "tea")
    assert reasons["mug"]["text"] == "popular lately"
    for one in reasons.values():
        if one["kind"] == "for-you":
            adds = [source["adds"] for source in one["sources"]]
            assert adds == sorted(adds, reverse=True) and all(value > 0 for value in adds)
            assert {source["source"] for source in one["sources"]} <= set(SOURCES.values())


@pytest.mark.parametrize(("tea", "coffee"), [(1, 400), (400, 1)])
def test_of_what_leads_there_that_is_cited_which_counts_most(store: Store, tea: float, coffee: float) -> None:
    known = counted(links={"linked": {"tea": {"bulb": 0.5}, "coffee": {"bulb": 0.4}}})
    nothing = Served(known, on_circle({}))
    reasons = told(store, "for-you", event("tea", days=tea), event("coffee", days=coffee), served=nothing)
    assert reasons["bulb"].get("because") == ("tea" if tea < coffee else "coffee")


def test_what_was_only_looked_at_was_not_bought(store: Store) -> None:
    views = [event("coffee", "view", 9), event("coffee", "click", 4)]
    assert told(store, "for-you", *views)["coffee"]["text"] == "you looked at it 2 times, 4 days ago"


def test_where_all_is_alike_it_says_what_they_did(store: Store) -> None:
    nothing = Served(index=on_circle({}))
    one = told(store, "for-you", event("tea", days=1), served=nothing, statistics=PopularityCounts())["tea"]
    assert one == {"kind": "for-you", "text": "you bought it once, yesterday", "sources": []}


def test_for_you_cites_what_it_is_like(store: Store) -> None:
    plain = Served(index=on_circle())
    reasons = told(store, "for-you", event("tea"), event("lamp", days=2), served=plain, statistics=PopularityCounts())
    assert (reasons["chai"]["text"], reasons["chai"]["because"]) == ("like “Green Leaf Tea”", "tea")
    assert reasons["bulb"]["because"] == "lamp"
    away = reasons["rug"]  # as far from the lamp as from the tea
    assert "because" not in away or away["because"] == "lamp"


def test_a_cited_item_that_was_deleted_is_named_by_its_id(store: Store) -> None:
    store.items.delete(["tea"])
    served = Served(KNOWN, on_circle({id: angle for id, angle in DEGREES.items() if id != "tea"}))
    assert told(store, "for-you", event("tea"), served=served)["bulb"]["text"] == "goes with “tea”"


def test_what_the_sources_add_sums_to_the_score(store: Store) -> None:
    """Up to the mean of all candidates, from which every source is told."""
    found = filled(store, "for-you", event("tea"), event("coffee", "cart", 30))
    assert found.scored is not None
    added = source_contributions(found.scored, BLEND, range(len(found.scored.rows)))
    assert set(added) == set(SOURCES.values())
    scores = BLEND.scores(found.scored.features)
    assert sum(added.values()) == pytest.approx(scores - scores.mean())
    assert max(float(np.abs(values).max()) for values in added.values()) > 0.1
    assert (
        source_contributions(ScoredCandidates(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(NAMES)))), BLEND, [])
        == {}
    )


def test_without_what_is_cited_the_hit_would_stand_lower(store: Store) -> None:
    """The deletion test: of two that lead to it, the one named is the one that matters."""
    tea, coffee = event("tea", days=3), event("coffee", days=3)
    cited = told(store, "for-you", tea, coffee)["bulb"]["because"]

    def linked(*events: Event) -> float:
        found = filled(store, "for-you", *events)
        assert found.scored is not None and found.context is not None
        place = found.scored.rows.tolist().index(found.context.columns.row_of["bulb"])
        return float(found.scored.features[place, NAMES.index("linked_60")])

    assert cited == "tea"
    assert linked(coffee) < linked(tea) < linked(tea, coffee)


# ---- whatever the shelf -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_hit_of_every_kind_has_a_reason(store: Store, kind: str) -> None:
    for events in ([], [event("tea"), event("vase"), event("unknown"), event("rug", "view", -1)]):
        for items in ([], ["mug"], ["chai", "lamp"]):
            for served in (SERVED, Served(), Served(KNOWN, on_circle({"lamp": 180.0}))):
                assert told(store, kind, *events, items=items, served=served)


def test_titles_are_taken_as_they_are(store: Store) -> None:
    put(store, {"id": "tea", "title": "Tea {0} {because} “quoted”"})
    found = filled(store, "similar", items=["tea"])
    said = explain_recommendations(found, BLEND, lambda ids: {"tea": "Tea {0} {because} “quoted”"})
    assert said["chai"]["text"] == "like “Tea {0} {because} “quoted””"


def test_rules_are_said(store: Store) -> None:
    (rule,), _ = store.rules.add([parse_rule({"action": "boost", "match": "any", "items": ["rug"], "strength": 1})])
    reasons = told(store, "popular")
    assert reasons["rug"]["rules"] == [{"rule": rule.id, "action": "boost"}]
    assert "rules" not in reasons["mug"]


def test_a_shelf_without_a_setting_has_nothing_to_say() -> None:
    assert explain_recommendations(RecommendOutcome("popular", ["a"], np.ones(1)), BLEND, lambda ids: {}) == {}
