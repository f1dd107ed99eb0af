"""Why a hit stands where it stands: true numbers, the most telling source first, and no more than is so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.filter_parser import parse
from shelfwise.curation.validation import parse_rule
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.search.blend import SourceSwitches, blend, mask_sources
from shelfwise.search.explain import explain_search, source_contributions
from shelfwise.search.features import NAMES, SOURCES
from shelfwise.search.pipeline import SearchOutcome
from shelfwise.search.ranker import Ranker
from shelfwise.search.request import SearchRequest
from shelfwise.serving.empty_generation import EmptyGeneration
from shelfwise.store import Event, Store
from shelfwise.types import Row
from support.fake_generation import FakeGeneration, WordEncoder, fake_generation, make_query_memory, search_pipeline
from support.stores import store_fixture

NOW = 1_320_000_000.0
TITLES = {
    "mug": "red coffee mug", "jug": "blue milk jug", "pot": "black coffee pot", "bag": "lunch bag", "cup": "tiny cup",
    "can": "coffee can with a lid", "lamp": "desk lamp",
}  # fmt: skip
ENCODER = WordEncoder("red coffee mug|cup blue milk jug black pot lunch bag tiny can with a lid desk lamp|light")
CHOICES = [("coffee", "pot", 0.5)] * 12 + [("coffee", "bag", 0.1)] + [("red mug", "jug", 3.0)] * 4
EMPTY = EmptyGeneration()
Explain = Callable[..., dict[str, Row]]


store = store_fixture({"id": id, "title": title} for id, title in TITLES.items())


@pytest.fixture
def generation() -> FakeGeneration:
    return fake_generation(ENCODER, TITLES, memory=make_query_memory(ENCODER, CHOICES))


@pytest.fixture
def answer(store: Store, generation: FakeGeneration) -> Callable[..., SearchOutcome]:
    pipeline = search_pipeline(store, NOW)

    def run(q: str, generation: Any = generation, **fields: Any) -> SearchOutcome:
        return pipeline.run(SearchRequest(q, **fields), generation)

    return run


@pytest.fixture
def explain(answer: Callable[..., SearchOutcome], generation: FakeGeneration) -> Explain:
    def run(q: str, generation: Any = generation, **fields: Any) -> dict[str, Row]:
        return explain_search(answer(q, generation, **fields), generation)

    return run


def best(reasons: Row) -> str | None:
    return reasons["sources"][0]["source"] if reasons["sources"] else None


def test_the_shape(explain: Explain, answer: Callable[..., SearchOutcome]) -> None:
    reasons = explain("coffee", limit=3)
    assert list(reasons) == answer("coffee", limit=3).ids
    assert json.loads(json.dumps(reasons)) == reasons
    for reason in reasons.values():
        assert list(reason) == ["text", "sources"]
        assert reason["text"]
        adds = [one["adds"] for one in reason["sources"]]
        assert adds == sorted(adds, reverse=True)
        assert all(value >= 0 for value in adds), "what speaks against it is no reason"
        assert {one["source"] for one in reason["sources"]} <= set(SOURCES.values())


# ---- the sentence -------------------------------------------------------------------------------------------


def test_how_often_it_was_chosen_is_the_true_number(explain: Explain) -> None:
    """Not the decayed weight, and of this very query."""
    reasons = explain("Coffee")
    assert (best(reasons["pot"]), reasons["pot"]["text"]) == ("memory", "chosen 12 times for “coffee”")
    assert reasons["bag"]["text"] == "chosen once for “coffee”"


def test_the_query_is_told_as_it_was_read(explain: Explain, answer: Callable[..., SearchOutcome]) -> None:
    assert answer("cofee").query.corrected == "coffee"
    assert explain("cofee")["pot"]["text"] == "chosen 12 times for “coffee”"


@pytest.mark.parametrize(
    ("q", "item", "source", "text"),
    [
        ("coffee lid", "can", "words", "has all words of your search"),
        ("mug lid", "can", "words", "has words of your search"),
        ("coffee light", "lamp", "meaning", "close in meaning to “coffee light”"),
        ("red mug jug", "jug", "neighbours", "chosen for similar searches"),
    ],
)
def test_the_best_source_is_told(
    explain: Explain, generation: FakeGeneration, q: str, item: str, source: str, text: str
) -> None:
    """Nothing else counts here."""
    generation.ranker.weights = np.array([float(SOURCES[name] == source) for name in NAMES])
    reasons = explain(q)
    assert (best(reasons[item]), reasons[item]["text"]) == (source, text)


def test_some_of_the_words_are_told_as_some(explain: Explain) -> None:
    reasons = explain("lunch lid", generation=EMPTY)
    assert reasons["bag"]["text"] == reasons["can"]["text"] == "has words of your search"


def test_what_is_popular(explain: Explain, generation: FakeGeneration) -> None:
    generation.statistics = PopularityCounts({"can": 1.0})
    reasons = explain("coffee", sources=SourceSwitches(memory=False, neighbours=False))
    assert (best(reasons["can"]), reasons["can"]["text"]) == ("popularity", "popular lately")


def test_what_suits_the_shopper(explain: Explain, generation: FakeGeneration) -> None:
    generation.ranker.weights = np.where([name in ("taste", "own", "cosine") for name in NAMES], 1.0, 0.0)
    events = [Event(1, NOW, "purchase", "can", "u", None, None), Event(2, NOW, "purchase", "pot", "u", None, None)]
    reasons = explain("coffee", events=events, sources=SourceSwitches(memory=False, neighbours=False))
    assert (best(reasons["can"]), reasons["can"]["text"]) == ("taste", "you chose it before")
    reasons = explain("coffee", events=events[1:], sources=SourceSwitches(memory=False, neighbours=False))
    like = [reason["text"] for id, reason in reasons.items() if id != "pot" and best(reason) == "taste"]
    assert set(like) <= {"like what you chose lately"}


@pytest.mark.parametrize(("action", "text"), [("pin", "put forward by the shop"), ("boost", "put forward by the shop")])
def test_what_the_shop_put_forward_is_said(explain: Explain, store: Store, action: str, text: str) -> None:
    (rule,), _ = store.rules.add([parse_rule({"action": action, "match": "any", "items": ["can"]})])
    reasons = explain("coffee")
    assert (reasons["can"]["text"], reasons["can"]["rules"]) == (text, [{"rule": rule.id, "action": action}])
    assert all("rules" not in reason for id, reason in reasons.items() if id != "can")


def test_what_was_brought_by_the_shop_alone_has_no_source(explain: Explain, store: Store) -> None:
    store.rules.add([parse_rule({"action": "pin", "match": "any", "items": ["lamp"]})])
    assert explain("coffee")["lamp"]["sources"] == []


def test_a_buried_hit_says_so_beside_its_reason(explain: Explain, store: Store) -> None:
    (rule,), _ = store.rules.add([parse_rule({"action": "bury", "match": "any", "items": ["pot"]})])
    reason = explain("coffee")["pot"]
    assert (reason["text"], reason["rules"]) == ("chosen 12 times for “coffee”", [{"rule": rule.id, "action": "bury"}])


@pytest.mark.parametrize("fields", [{"sort": "price"}, {"limit": 1, "offset": 99}])
def test_what_was_not_ranked_has_no_reasons(explain: Explain, fields: dict[str, Any]) -> None:
    assert explain("coffee", **fields) == {}


def test_a_hit_like_all_others_is_explained_by_what_it_has(explain: Explain) -> None:
    """A single hit is no better than the mean of all hits."""
    reasons = explain("tiny cup", filter=parse("id:cup"), generation=EMPTY)
    assert (best(reasons["cup"]), reasons["cup"]["text"]) == ("words", "has all words of your search")
    chosen = explain("coffee", filter=parse("id:bag"))["bag"]
    assert (best(chosen), chosen["text"]) == ("memory", "chosen once for “coffee”")


def test_nothing_found_nothing_to_explain(explain: Explain) -> None:
    assert explain("?!") == explain("zzzz", generation=EMPTY) == {}


# ---- the numbers --------------------------------------------------------------------------------------------


def test_what_the_sources_add_is_the_distance_from_the_mean(
    answer: Callable[..., SearchOutcome], generation: FakeGeneration
) -> None:
    trace = answer("coffee").trace
    assert trace is not None
    scores = generation.ranker.scores(trace.features)
    total = np.sum(list(source_contributions(trace.features, generation.ranker).values()), axis=0)
    assert total == pytest.approx(scores - scores.mean(), abs=1e-5)


@pytest.mark.parametrize("q", ["coffee", "red mug", "coffee lid", "light"])
def test_taking_the_cited_evidence_away_costs_what_was_said(
    answer: Callable[..., SearchOutcome], generation: FakeGeneration, q: str
) -> None:
    """So the best source is the one whose loss would lower the hit most."""
    trace = answer(q).trace
    assert trace is not None
    features, weights = trace.features, generation.ranker.weights
    before = blend(features, weights)
    for source, adds in source_contributions(features, generation.ranker).items():
        without = blend(mask_sources(features, np.array([SOURCES[name] == source for name in NAMES])), weights)
        assert (before - before.mean()) - (without - without.mean()) == pytest.approx(adds, abs=1e-5)


def test_without_candidates_nothing_is_added() -> None:
    assert source_contributions(np.zeros((0, len(NAMES)), np.float32), Ranker()) == {}
