"""The shop's rules within a search: applied last, to whole pages, behind the shopper's filter, and reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.sorting import SORTS
from shelfwise.curation.validation import parse_rule
from shelfwise.search.pipeline import SearchOutcome
from shelfwise.search.request import SearchRequest
from shelfwise.serving.empty_generation import EmptyGeneration
from shelfwise.store import Store
from support.fake_generation import WordEncoder, fake_generation, make_query_memory, search_pipeline
from support.stores import store_fixture, upsert_rows

NOW = 1_320_000_000.0
ITEMS: list[dict[str, Any]] = [
    {"id": "red", "title": "red mug", "brand": "Acme", "price": 4},
    {"id": "blue", "title": "blue mug", "brand": "Acme", "price": 5},
    {"id": "big", "title": "big mug with a long name", "brand": "Other", "price": 6},
    {"id": "sold", "title": "mug", "brand": "Other", "price": 7, "in_stock": False},
    {"id": "bag", "title": "lunch bag", "brand": "Acme", "price": 8},
    {"id": "box", "title": "lunch box", "brand": "Other", "price": 9, "in_stock": False},
]
ENCODER = WordEncoder("red blue big mug with a long name lunch bag box")
Ask = Callable[..., SearchOutcome]
Say = Callable[..., int]


store = store_fixture(ITEMS)


@pytest.fixture(params=["with a generation", "without"])
def ask(store: Store, request: pytest.FixtureRequest) -> Ask:
    pipeline = search_pipeline(store, NOW)
    titles = {str(item["id"]): str(item["title"]) for item in ITEMS}
    generation: Any = fake_generation(ENCODER, titles, memory=make_query_memory(ENCODER, [("mug", "blue", 9.0)]))
    if request.param == "without":
        generation = EmptyGeneration()

    def run(q: str, **fields: Any) -> SearchOutcome:
        if "filter" in fields:
            fields["filter"] = parse(fields["filter"])
        return pipeline.run(SearchRequest(q, **fields), generation)

    return run


@pytest.fixture
def say(store: Store) -> Say:
    def run(action: str, **fields: Any) -> int:
        rules, _ = store.rules.add([parse_rule({"action": action} | fields)])
        return rules[0].id

    return run


MUGS = {"red", "blue", "big", "sold"}


# ---- hide -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("rule", [{"items": ["blue", "sold"]}, {"filter": "id:blue,sold"}])
def test_what_is_hidden_is_in_no_answer_and_in_no_count(ask: Ask, say: Say, sort: str, rule: dict[str, Any]) -> None:
    assert set(ask("mug", sort=sort).ids) == MUGS
    say("hide", match="exact", query="mug", **rule)
    outcome = ask("mug", sort=sort, facets=["brand"])
    assert (set(outcome.ids), outcome.total) == ({"red", "big"}, 2)
    assert outcome.facets["brand"] == [{"value": "Acme", "count": 1}, {"value": "Other", "count": 1}]
    assert "blue" in ask("blue mug", sort=sort).ids, "it is about another query"


def test_what_gives_way_looks_past_what_is_hidden(ask: Ask, say: Say) -> None:
    say("hide", match="any", items=["blue"])
    outcome = ask("blue mug")
    assert "blue" not in outcome.ids
    assert (set(outcome.ids), outcome.relaxed) == ({"red", "big", "sold"}, "any word")


# ---- pin ------------------------------------------------------------------------------------------------------


def test_a_pin_comes_first_found_or_not(ask: Ask, say: Say) -> None:
    rule = say("pin", match="exact", query="mug", items=["bag", "big"])
    outcome = ask("mug")
    assert outcome.ids[:2] == ["bag", "big"]
    assert (set(outcome.ids), outcome.total) == ({*MUGS, "bag"}, 5), "and it counts"
    assert outcome.applied_rules == {id: [{"rule": rule, "action": "pin"}] for id in ("bag", "big")}
    assert "bag" not in ask("red mug").ids


def test_a_pin_does_not_pass_the_filter_of_the_shopper(ask: Ask, say: Say) -> None:
    say("pin", match="any", items=["bag"])
    assert set(ask("mug", filter="brand:Other").ids) == {"big", "sold"}
    assert ask("mug", filter="brand:Acme").ids[0] == "bag"


def test_what_is_out_of_stock_stays_last_even_pinned(ask: Ask, say: Say) -> None:
    say("pin", match="any", items=["sold", "box"])
    assert ask("mug").ids[-1] == "sold"
    assert "box" not in ask("mug").ids, "and is not brought"


def test_a_hidden_item_is_not_pinned(ask: Ask, say: Say) -> None:
    say("pin", match="any", items=["bag", "red"])
    say("hide", match="any", items=["bag"])
    assert ask("mug").ids[0] == "red"
    assert "bag" not in ask("mug").ids


# ---- boost and bury -------------------------------------------------------------------------------------------


def test_a_boost_lifts_and_a_bury_lowers(ask: Ask, say: Say) -> None:
    before = [id for id in ask("mug").ids if id != "sold"]
    first, last = before[0], before[-1]
    boost = say("boost", match="contains", query="mug", items=[last], strength=1.0)
    bury = say("bury", match="contains", query="mug", filter=f"id:{first}", strength=1.0)
    outcome = ask("mug")
    assert [outcome.ids[0], outcome.ids[-2]] == [last, first]
    assert outcome.ids[-1] == "sold", "still last of all"
    assert outcome.applied_rules == {
        last: [{"rule": boost, "action": "boost"}],
        first: [{"rule": bury, "action": "bury"}],
    }


def test_rules_reach_beyond_what_is_ranked(ask: Ask, say: Say, store: Store) -> None:
    """More items match than are ranked; the last of them is as much a hit as the first."""
    upsert_rows(
        store, *({"id": f"{n}", "title": f"mug {'many words ' * (n % 9)}", "in_stock": n > 9} for n in range(400))
    )
    before = [page for at in range(0, 500, 100) for page in ask("mug", limit=100, offset=at).ids]
    total = len(before)
    available = before[: total - 11]  # ten of the new ones and one of the others are sold
    first, last = available[0], available[-1]
    say("boost", match="any", items=[last], strength=1.0)
    say("bury", match="any", items=[first], strength=1.0)
    after = [page for at in range(0, 500, 100) for page in ask("mug", limit=100, offset=at).ids]
    assert (after[0], after[total - 12]) == (last, first)
    assert (set(after), len(after)) == (set(before), total)
    say("pin", match="any", filter=f"id:{available[-2]}")
    assert ask("mug").ids[:2] == [available[-2], last]


def test_nothing_is_touched_without_a_rule(ask: Ask) -> None:
    assert ask("mug").applied_rules == {}


# ---- pages, times, words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("sort", ["relevance", "price"])
def test_pages_fit_together_under_rules(ask: Ask, say: Say, size: int, sort: str) -> None:
    say("pin", match="any", items=["bag"])
    say("bury", match="any", filter="brand:Acme", strength=0.5)
    say("hide", match="any", items=["red"])
    whole = ask("mug", sort=sort)
    pages = [ask("mug", sort=sort, limit=size, offset=offset) for offset in range(0, whole.total + size, size)]
    shown = [id for page in pages for id in page.ids]
    assert shown == whole.ids
    assert len(shown) == len(set(shown)) == whole.total
    assert {page.total for page in pages} == {whole.total}


@pytest.mark.parametrize(
    ("starts", "ends", "holds"),
    [(NOW - 5, None, True), (NOW, NOW + 5, True), (NOW + 5, None, False), (None, NOW, False)],
)
def test_a_rule_holds_in_its_time(ask: Ask, say: Say, starts: float, ends: float, holds: bool) -> None:
    window = {name: at for name, at in (("starts", starts), ("ends", ends)) if at is not None}
    say("hide", match="any", items=["red"], **window)
    assert ("red" not in ask("mug").ids) is holds


def test_a_rule_for_a_query_holds_for_what_is_read_as_it(ask: Ask, say: Say) -> None:
    say("pin", match="exact", query="lunch", items=["big"])
    outcome = ask("lumch")
    assert (outcome.query.corrected, outcome.ids[0]) == ("lunch", "big")
    assert "big" not in ask("lumch", exact=True).ids


def test_a_rule_is_followed_and_forgotten_at_once(ask: Ask, say: Say, store: Store) -> None:
    rule = say("hide", match="any", items=["red"])
    assert "red" not in ask("mug").ids
    store.rules.remove(rule)
    assert "red" in ask("mug").ids
