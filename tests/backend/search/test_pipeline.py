"""A search from end to end, over a generation in memory: the set, its pages, orders, counts, rules and tastes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.sorting import SORTS
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.search.blend import SourceSwitches
from shelfwise.search.pipeline import SearchOutcome
from shelfwise.search.request import SearchRequest
from shelfwise.serving.empty_generation import EmptyGeneration
from shelfwise.store import Event, Store
from shelfwise.timestamps import DAY
from shelfwise.validation import parse_event
from support.fake_generation import FakeGeneration, WordEncoder, fake_generation, make_query_memory, search_pipeline
from support.stores import store_fixture, upsert_rows

NOW = 1_320_000_000.0
COLOURS = ["Red", "Blue", "Green", "Black"]
ITEMS: list[dict[str, Any]] = [
    {"id": f"mug-{number}", "title": f"{COLOURS[number % 4]} Coffee Mug", "brand": "Acme" if number % 3 else "Other",
     "price": number % 7, "in_stock": number % 5 > 0, "created_at": NOW - number * DAY, "size": number % 2}
    for number in range(30)
] + [
    {"id": "pot", "title": "Coffee Pot", "brand": "Acme", "price": 20},
    {"id": "grinder", "title": "Coffee Grinder", "brand": "Rare", "price": 50},
    {"id": "beaker", "title": "Red Beaker", "price": 3}, {"id": "bag", "title": "Lunch Bag", "price": 1},
    {"id": "lamp", "title": "Desk Lamp", "price": 9},
]  # fmt: skip
BY_ID = {str(item["id"]): item for item in ITEMS}
ENCODER = WordEncoder("red blue green black coffee|espresso mug|beaker pot grinder lunch bag desk lamp")
Ask = Callable[..., SearchOutcome]


store = store_fixture(ITEMS)


@pytest.fixture
def generation() -> FakeGeneration:
    memory = make_query_memory(ENCODER, [("coffee", "bag", 3.0), ("coffee", "mug-7", 5.0)])
    titles = {str(item["id"]): str(item["title"]) for item in ITEMS}
    return fake_generation(ENCODER, titles, memory=memory, statistics=PopularityCounts({"mug-3": 1.0, "pot": 0.4}))


@pytest.fixture
def ask(store: Store, generation: FakeGeneration) -> Ask:
    """Ask with the generation, or with `generation=None` without."""
    pipeline, empty = search_pipeline(store, NOW), EmptyGeneration()

    def run(q: str, *, generation: Any = generation, **fields: Any) -> SearchOutcome:
        if isinstance(fields.get("filter"), str):
            fields["filter"] = parse(fields["filter"])
        return pipeline.run(SearchRequest(q, **({"limit": 100} | fields)), generation or empty)

    return run


# ---- the set and its pages ----------------------------------------------------------------------------------

MUGS = {id for id in BY_ID if id.startswith("mug")}
COFFEE = {*MUGS, "pot", "grinder"}


@pytest.mark.parametrize(
    ("q", "filter", "ids"),
    [
        ("coffee", None, COFFEE | {"bag"}),  # the bag was chosen for it
        ("espresso", None, COFFEE),  # no word: by meaning
        ("coffee mug", None, MUGS | {"pot", "grinder", "beaker"}),  # all words, and what is near
        ("coffee", "brand:Rare", {"grinder"}),
        ("coffee", "price:..1", {id for id in MUGS if BY_ID[id]["price"] < 2} | {"bag"}),
        ("coffee", "brand:None", set()),
        ("desk", "brand:Rare", set()),
        ("?!", None, set()),
    ],
)
def test_the_result_of_a_query(ask: Ask, q: str, filter: str | None, ids: set[str]) -> None:
    outcome = ask(q, filter=filter)
    assert (set(outcome.ids), outcome.total, outcome.relaxed) == (ids, len(ids), None)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    "more", [{}, {"diversity": 0.0}, {"diversity": 1.0}, {"filter": "brand:Acme"}, {"generation": None}]
)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_all_pages_together_are_the_set(ask: Ask, sort: str, more: dict[str, Any], size: int) -> None:
    whole = ask("coffee mug", sort=sort, **more)
    pages = [ask("coffee mug", sort=sort, limit=size, offset=at, **more) for at in range(0, whole.total + size, size)]
    shown = [id for page in pages for id in page.ids]
    assert shown == whole.ids
    assert len(set(shown)) == len(shown) == whole.total
    assert {page.total for page in pages} == {whole.total}
    assert pages[-1].ids == [] or size > whole.total
    stock = [BY_ID[id].get("in_stock", True) for id in shown]
    assert stock == sorted(stock, reverse=True), "out of stock comes last"
    assert len(whole.scores) == len(whole.ids)


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("price", lambda id: BY_ID[id]["price"]),
        ("-price", lambda id: -BY_ID[id]["price"]),
        ("newest", lambda id: -BY_ID[id].get("created_at", -np.inf)),
        ("popular", lambda id: -{"mug-3": 1.0, "pot": 0.4}.get(id, 0.0)),
    ],
)
def test_another_order_is_of_the_same_set(ask: Ask, sort: str, key: Callable[[str], float]) -> None:
    outcome = ask("coffee", sort=sort)
    assert set(outcome.ids) == COFFEE | {"bag"}
    for available in (True, False):
        keys = [key(id) for id in outcome.ids if BY_ID[id].get("in_stock", True) is available]
        assert keys == sorted(keys)


@pytest.mark.parametrize("filter", [None, "brand:Acme", "price:..1 and size:1", "not stock:in"])
def test_facets_count_the_whole_result_whatever_the_page(ask: Ask, filter: str | None) -> None:
    whole = ask("coffee", filter=filter, facets=["brand", "stock"])
    page = ask("coffee", filter=filter, facets=["brand", "stock"], limit=2, offset=4, sort="price")
    brands = Counter(str(BY_ID[id]["brand"]) for id in whole.ids if "brand" in BY_ID[id])
    stock = Counter("in" if BY_ID[id].get("in_stock", True) else "out" for id in whole.ids)
    assert page.facets == whole.facets
    assert {entry["value"]: entry["count"] for entry in whole.facets["brand"]} == dict(brands)
    assert {entry["value"]: entry["count"] for entry in whole.facets["stock"]} == dict(stock)


def test_facets_are_counted_only_if_asked_for(ask: Ask) -> None:
    assert ask("coffee").facets == {}


# ---- understanding ------------------------------------------------------------------------------------------


def test_what_gave_way_is_said(ask: Ask) -> None:
    outcome = ask("lunch grinder", generation=None)
    assert (set(outcome.ids), outcome.relaxed) == ({"bag", "grinder"}, "any word")
    assert ask("coffee grinder", generation=None).relaxed is None


def test_a_slip_is_corrected_unless_it_is_insisted_upon(ask: Ask) -> None:
    outcome = ask("cofee grinder", generation=None)
    assert (outcome.ids[0], outcome.query.corrected) == ("grinder", "coffee grinder")
    insisted = ask("cofee", generation=None, exact=True)
    assert (insisted.ids, insisted.query.corrected) == ([], None)


# ---- the order ----------------------------------------------------------------------------------------------


def test_the_right_product_first(ask: Ask) -> None:
    assert ask("coffee grinder").ids[0] == "grinder"
    assert ask("espresso grinder").ids[0] == "grinder"
    assert ask("coffee", sources=SourceSwitches(popularity=False)).ids[0] == "mug-7", "as others chose"
    assert ask("coffee", sources=SourceSwitches(memory=False, neighbours=False)).ids[0] == "mug-3", (
        "then the popular one"
    )


def test_until_a_night_has_counted_the_newest_events_do(ask: Ask, generation: FakeGeneration, store: Store) -> None:
    store.events.add([parse_event({"type": "click", "item": "mug-13", "event_id": "1"}, NOW)])
    assert ask("coffee mug", sort="popular").ids[0] == "mug-3"
    generation.statistics = PopularityCounts()
    for more in ({}, {"generation": None}):
        assert ask("coffee mug", sort="popular", **more).ids[0] == "mug-13"


def event(item: str, type: str = "click", days_ago: float = 0.0) -> Event:
    return Event(1, NOW - days_ago * DAY, type, item, "u", "s", None)


def test_an_event_bends_the_very_next_answer(ask: Ask, generation: FakeGeneration) -> None:
    request = {"sources": SourceSwitches(popularity=False, memory=False, neighbours=False), "diversity": 0.0}
    general = ask("coffee mug", **request).ids
    chosen = general[3]
    bent = ask("coffee mug", events=[event(chosen)], **request).ids
    assert bent[0] == chosen
    assert set(bent) == set(general), "the set stays as it is"
    assert ask("coffee grinder", events=[event(chosen)], **request).ids[0] == "grinder", "a precise query bends less"


@pytest.mark.parametrize("events", [[], [event("unknown")], [event("lamp", "dismiss")], [event("gone", "purchase")]])
def test_who_is_not_known_gets_the_general_order(ask: Ask, events: list[Event]) -> None:
    assert ask("coffee", events=events).ids == ask("coffee").ids


def families(outcome: SearchOutcome) -> list[str]:
    titles = [str(BY_ID[id]["title"]) for id in outcome.ids if BY_ID[id].get("in_stock", True)]
    return [" ".join(title.split()[1:]) if title.split()[0] in COLOURS else title for title in titles]


def test_variants_make_way_as_far_as_is_asked_for(ask: Ask) -> None:
    alone, some, all_ = (families(ask("coffee", diversity=share)) for share in (0.0, 0.3, 1.0))
    others = {"Coffee Pot", "Coffee Grinder"}
    reached = [max(order.index(title) for title in others) for order in (alone, some, all_)]
    assert reached[0] >= reached[1] >= reached[2]
    assert reached[0] > reached[2]
    assert len(set(all_[: len(set(all_))])) == len(set(all_)), "no family again before all have come"


def test_a_late_item_is_found_by_its_words_at_once(ask: Ask, store: Store) -> None:
    upsert_rows(store, {"id": "new", "title": "Golden Teaspoon"})
    assert ask("teaspoon").ids == ask("golden teaspoon").ids == ["new"]
    store.items.delete(["new"])
    assert "new" not in ask("golden teaspoon").ids


def test_threads_share_one_while_items_change(store: Store, generation: FakeGeneration) -> None:
    pipeline, problems = search_pipeline(store, NOW), list[BaseException]()
    done = threading.Event()

    def work(sort: str) -> None:
        try:
            while not done.is_set():
                request = SearchRequest(
                    "coffee mug", limit=100, sort=sort, facets=["brand", "size"], events=[event("mug-4")]
                )
                outcome = pipeline.run(request, generation)
                assert len(set(outcome.ids)) == len(outcome.ids) == outcome.total >= len(MUGS)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(sort,)) for sort in ("relevance", "price", "relevance", "popular")]
    for thread in threads:
        thread.start()
    for number in range(30):
        upsert_rows(
            store, {"id": f"new-{number}", "title": "Coffee Mug", "size": number}, {"id": "mug-1", "price": number}
        )
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []


# ---- by its number --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", ["mug-7", "MUG-7"])
def test_the_item_whose_id_is_asked_for_stands_first(ask: Ask, q: str) -> None:
    outcome = ask(q)
    assert outcome.ids[0] == "mug-7"
    assert len(outcome.ids) == len(set(outcome.ids)) == outcome.total
    assert outcome.scores[0] == max(outcome.scores)


def test_an_id_is_found_without_a_generation_and_under_a_filter(ask: Ask) -> None:
    assert ask("grinder", generation=None, filter="brand:Rare").ids == ["grinder"]
    assert "mug-7" not in ask("mug-7", filter="brand:Rare").ids


def test_an_item_out_of_stock_is_found_by_its_id_and_stands_last(ask: Ask) -> None:
    assert ask("mug-5").ids[-1] in {id for id in MUGS if not BY_ID[id]["in_stock"]}
    assert "mug-5" in ask("mug-5").ids


def test_an_id_of_no_word_at_all(ask: Ask, store: Store) -> None:
    upsert_rows(store, {"id": "85123A", "title": "Desk Bell"})
    assert ask("85123a").ids == ["85123A"]
