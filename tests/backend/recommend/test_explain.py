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
from support.recommend_shop import DEGREES, NOW, Served, circle_index, event, history, make_signals, pipeline
from support.stores import upsert_rows

KNOWN = make_signals(
    {"trend": {"lamp": 3.0, "rug": 2.0}, "repeat": {"tea": 0.5, "coffee": 0.5}},
    {"together": {"tea": {"cup": 0.5, "mug": 0.2}, "mug": {"cup": 0.1}}, "viewed": {"tea": {"rug": 1.0}},
     "linked": {"tea": {"bulb": 0.5}, "coffee": {"bulb": 0.1}}},
)  # fmt: skip
SERVED = Served(KNOWN)
BLEND = ForYouRanker()


def run_kind(
    store: Store,
    kind: str,
    *events: Event,
    served: Served = SERVED,
    statistics: PopularityCounts | None = None,
    **fields: Any,
) -> RecommendOutcome:
    request = RecommendRequest(kind, events=history(*events), **{"limit": 100} | fields)
    counts = statistics or PopularityCounts({"mug": 1.0})
    return pipeline(store).run(request, replace(served, statistics=counts))


def explain_checked(store: Store, kind: str, *events: Event, **fields: Any) -> dict[str, Row]:
    """Return id → reasons, and assert that each has its kind, a text, and cites another item of the shopper or none."""

    def titles(ids: Sequence[str]) -> Mapping[str, str]:
        return {id: str(item["title"]) for id, item in store.items.get(ids).items()}

    outcome = run_kind(store, kind, *events, **fields)
    reasons = explain_recommendations(outcome, BLEND, titles)
    assert list(reasons) == outcome.ids
    own_items = {event.item for event in events} | set(fields.get("items", ()))
    for id, reason in reasons.items():
        assert reason["kind"] == outcome.kinds[outcome.ids.index(id)]
        assert reason["text"] and "{" not in reason["text"]
        assert ("because" in reason) is ("“" in reason["text"])
        assert reason.get("because", "") in own_items - {id} or "because" not in reason
    return reasons


def texts(reasons: Mapping[str, Row], kind: str) -> dict[str, str]:
    return {id: reason["text"] for id, reason in reasons.items() if reason["kind"] == kind}


# ---- the kinds with one source ------------------------------------------------------------------------------


def test_similar_cites_the_item_it_is_like(store: Store) -> None:
    reasons = explain_checked(store, "similar", items=["tea"])
    assert texts(reasons, "similar") == {
        "chai": "like “Green Leaf Tea”", "coffee": "like “Green Leaf Tea”",
        "rug": "goes with “Green Leaf Tea”",  # which it is not like at all
    }  # fmt: skip
    assert reasons["chai"] == {"kind": "similar", "text": "like “Green Leaf Tea”", "because": "tea"}


def test_similar_to_several_cites_the_nearest(store: Store) -> None:
    reasons = explain_checked(store, "similar", items=["tea", "mug"])
    assert (reasons["chai"]["because"], reasons["cup"]["because"]) == ("tea", "mug")


def test_together_cites_the_strongest_link_and_counts_shoppers(store: Store) -> None:
    reasons = explain_checked(store, "together", items=["mug", "tea", "lamp"])
    assert reasons["cup"]["text"] == "goes with “Green Leaf Tea”: 3 shoppers chose both"
    assert texts(reasons, "together") == {"cup": reasons["cup"]["text"]}


def test_next_cites_a_step(store: Store) -> None:
    reasons = explain_checked(store, "next", event("tea", "click", 0.1), event("lamp", "click", 0.2))
    assert (reasons["cup"]["text"], reasons["cup"]["because"]) == ("goes with “Green Leaf Tea”", "tea")
    assert (reasons["coffee"]["text"], reasons["coffee"]["because"]) == ("like “Green Leaf Tea”", "tea")
    reasons = explain_checked(store, "next", event("lamp", "click"), items=["tea"])
    assert {reason["because"] for reason in reasons.values() if reason["kind"] == "next"} == {"tea"}, "the request's"


def test_for_you_own_item_in_cart_says_so(store: Store) -> None:
    reasons = explain_checked(store, "for-you", event("coffee", "cart", 4, "s"), event("coffee", "view", 2, "s"))
    assert reasons["coffee"]["text"] == "you put it into the cart 4 days ago"


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([event("tea", days=15)], "you bought it once, 15 days ago"),
        ([event("tea", days=40), event("tea", days=12)], "you bought it 2 times, 12 days ago"),
        ([event("tea", days=40), event("tea", "view", 2)], "you bought it once, 40 days ago"),
        ([event("tea", days=40, session="a"), event("tea", days=40, session="a")], "you bought it once, 40 days ago"),
    ],
)
def test_again_counts_purchases_and_days(store: Store, events: list[Event], text: str) -> None:
    assert texts(explain_checked(store, "again", *events), "again") == {"tea": text}


@pytest.mark.parametrize(
    ("kind", "id", "text"),
    [("trending", "lamp", "more and more chosen"), ("popular", "mug", "popular lately")],
)
def test_kinds_without_a_shopper_have_a_fixed_text(store: Store, kind: str, id: str, text: str) -> None:
    assert explain_checked(store, kind)[id] == {"kind": kind, "text": text}


def test_new_is_said_within_thirty_days_alone(store: Store) -> None:
    upsert_rows(store, {"id": "rug", "created_at": NOW - 3 * DAY}, {"id": "tea", "created_at": NOW - 300 * DAY})
    reasons = texts(explain_checked(store, "new"), "new")
    assert reasons["rug"] == "new here"
    assert reasons["tea"] == reasons["bulb"] == "from the whole range"


def test_filled_hits_are_explained_by_their_own_kind(store: Store) -> None:
    reasons = explain_checked(store, "similar", items=["tea"])
    assert (reasons["cup"]["kind"], reasons["cup"]["text"]) == (
        "together",
        "goes with “Green Leaf Tea”: 3 shoppers chose both",
    )
    assert reasons["bulb"]["kind"] == "new"


# ---- for-you ------------------------------------------------------------------------------------------------


def test_for_you_tells_the_strongest_source(store: Store) -> None:
    reasons = explain_checked(store, "for-you", event("tea", days=3), event("coffee", "view", 9))
    assert reasons["tea"]["text"] == "you bought it once, 3 days ago"
    assert (reasons["bulb"]["text"], reasons["bulb"]["because"]) == ("goes with “Green Leaf Tea”", "tea")
    assert reasons["mug"]["text"] == "popular lately"
    for reason in reasons.values():
        if reason["kind"] == "for-you":
            adds = [source["adds"] for source in reason["sources"]]
            assert adds == sorted(adds, reverse=True) and all(value > 0 for value in adds)
            assert {source["source"] for source in reason["sources"]} <= set(SOURCES.values())


@pytest.mark.parametrize(("tea", "coffee"), [(1, 400), (400, 1)])
def test_for_you_cites_the_heaviest_of_the_linked_items(store: Store, tea: float, coffee: float) -> None:
    known = make_signals(links={"linked": {"tea": {"bulb": 0.5}, "coffee": {"bulb": 0.4}}})
    unlinked = Served(known, circle_index({}))
    reasons = explain_checked(store, "for-you", event("tea", days=tea), event("coffee", days=coffee), served=unlinked)
    assert reasons["bulb"].get("because") == ("tea" if tea < coffee else "coffee")


def test_for_you_own_item_only_viewed_is_not_bought(store: Store) -> None:
    views = [event("coffee", "view", 9), event("coffee", "click", 4)]
    assert explain_checked(store, "for-you", *views)["coffee"]["text"] == "you looked at it 2 times, 4 days ago"


def test_for_you_without_sources_tells_the_habit(store: Store) -> None:
    unlinked = Served(index=circle_index({}))
    reasons = explain_checked(store, "for-you", event("tea", days=1), served=unlinked, statistics=PopularityCounts())
    assert reasons["tea"] == {"kind": "for-you", "text": "you bought it once, yesterday", "sources": []}


def test_for_you_cites_the_nearest_item(store: Store) -> None:
    plain = Served(index=circle_index())
    reasons = explain_checked(
        store, "for-you", event("tea"), event("lamp", days=2), served=plain, statistics=PopularityCounts()
    )
    assert (reasons["chai"]["text"], reasons["chai"]["because"]) == ("like “Green Leaf Tea”", "tea")
    assert reasons["bulb"]["because"] == "lamp"
    away = reasons["rug"]  # as far from the lamp as from the tea
    assert "because" not in away or away["because"] == "lamp"


def test_cited_item_deleted_is_named_by_its_id(store: Store) -> None:
    store.items.delete(["tea"])
    served = Served(KNOWN, circle_index({id: angle for id, angle in DEGREES.items() if id != "tea"}))
    assert explain_checked(store, "for-you", event("tea"), served=served)["bulb"]["text"] == "goes with “tea”"


def test_source_contributions_sum_to_the_score(store: Store) -> None:
    """Up to the mean of all candidates, from which every source is told."""
    outcome = run_kind(store, "for-you", event("tea"), event("coffee", "cart", 30))
    assert outcome.scored is not None
    added = source_contributions(outcome.scored, BLEND, range(len(outcome.scored.rows)))
    assert set(added) == set(SOURCES.values())
    scores = BLEND.scores(outcome.scored.features)
    assert sum(added.values()) == pytest.approx(scores - scores.mean())
    assert max(float(np.abs(values).max()) for values in added.values()) > 0.1
    assert (
        source_contributions(ScoredCandidates(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(NAMES)))), BLEND, [])
        == {}
    )


def test_hit_without_its_cited_item_scores_lower(store: Store) -> None:
    """The deletion test: of two that lead to it, the one named is the one that matters."""
    tea, coffee = event("tea", days=3), event("coffee", days=3)
    cited = explain_checked(store, "for-you", tea, coffee)["bulb"]["because"]

    def linked(*events: Event) -> float:
        outcome = run_kind(store, "for-you", *events)
        assert outcome.scored is not None and outcome.context is not None
        place = outcome.scored.rows.tolist().index(outcome.context.columns.row_of["bulb"])
        return float(outcome.scored.features[place, NAMES.index("linked_60")])

    assert cited == "tea"
    assert linked(coffee) < linked(tea) < linked(tea, coffee)


# ---- whatever the shelf -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_hit_of_every_kind_has_a_reason(store: Store, kind: str) -> None:
    for events in ([], [event("tea"), event("vase"), event("unknown"), event("rug", "view", -1)]):
        for items in ([], ["mug"], ["chai", "lamp"]):
            for served in (SERVED, Served(), Served(KNOWN, circle_index({"lamp": 180.0}))):
                assert explain_checked(store, kind, *events, items=items, served=served)


def test_titles_with_braces_stay_as_they_are(store: Store) -> None:
    upsert_rows(store, {"id": "tea", "title": "Tea {0} {because} “quoted”"})
    outcome = run_kind(store, "similar", items=["tea"])
    reasons = explain_recommendations(outcome, BLEND, lambda ids: {"tea": "Tea {0} {because} “quoted”"})
    assert reasons["chai"]["text"] == "like “Tea {0} {because} “quoted””"


def test_rules_are_listed(store: Store) -> None:
    (rule,), _ = store.rules.add([parse_rule({"action": "boost", "match": "any", "items": ["rug"], "strength": 1})])
    reasons = explain_checked(store, "popular")
    assert reasons["rug"]["rules"] == [{"rule": rule.id, "action": "boost"}]
    assert "rules" not in reasons["mug"]


def test_outcome_without_a_context_is_not_explained() -> None:
    assert explain_recommendations(RecommendOutcome("popular", ["a"], np.ones(1)), BLEND, lambda ids: {}) == {}
