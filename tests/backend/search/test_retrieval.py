"""What a query finds, over items whose every cosine is known; terms are made here, not understood."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.index import build
from shelfwise.query.understanding import Query, Term
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.search.features import NAMES
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.retrieval import MIN_COSINE, SearchContext, retrieve
from shelfwise.search.retrieved import Retrieved
from shelfwise.search.scoring import RankedHits, ScoringTrace, score
from shelfwise.serving.empty_generation import EmptyGeneration
from shelfwise.store import Store
from support.fake_generation import FakeGeneration, WordEncoder, fake_generation, make_query_memory
from support.stores import store_fixture, upsert_rows

NOW = 1_320_000_000.0
TITLES = {
    "red-mug": "red mug", "blue-mug": "blue mug", "beaker": "red beaker", "bag": "lunch bag", "sold": "red mug sold",
    "lamp": "lamp with a long title that shares no word",
}  # fmt: skip
ENCODER = WordEncoder("red blue mug|beaker lunch bag lamp with a long title that shares no word sold")


store = store_fixture({"id": id, "title": title, "in_stock": id != "sold"} for id, title in TITLES.items())


@pytest.fixture
def fake() -> FakeGeneration:
    return fake_generation(ENCODER, TITLES)


def query_of(text: str) -> Query:
    return Query(text, text, tuple(Term(word, f'"{word}"') for word in text.split()))


def context_of(
    store: Store, columns: CatalogueSnapshot, generation: GenerationView, sources: SourceSwitches = ALL
) -> SearchContext:
    return SearchContext(columns, PostingsCache(store).current(), generation, sources)


def search(context: SearchContext, text: str, among: Any = None, nonsense: bool = False) -> Retrieved:
    eligible = context.columns.live.copy()
    if among is not None:
        eligible &= np.isin(np.arange(context.columns.size), context.columns.rows(among))
    return retrieve(query_of(text), eligible, context, is_filtered=among is not None, is_nonsense=nonsense)


def ids(columns: CatalogueSnapshot, retrieved: Retrieved) -> set[str | None]:
    return {columns.ids[row] for row in np.flatnonzero(retrieved.result)}


WORDS_ONLY = SourceSwitches(meaning=False, memory=False, neighbours=False)


# ---- by words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "result", "relaxed"),
    [
        ("red mug", {"red-mug", "sold"}, None),
        ("mug", {"red-mug", "blue-mug", "sold"}, None),
        ("blue beaker", {"blue-mug", "beaker"}, "any word"),
        ("red teapot", {"red-mug", "beaker", "sold"}, "any word"),
        ("teapot", set(), None),
        ("teapot kettle", set(), None),
        ("", set(), None),
    ],
)
def test_all_words_or_where_none_has_all_any(
    store: Store, columns: CatalogueSnapshot, fake: FakeGeneration, text: str, result: set[str], relaxed: str | None
) -> None:
    for generation in (EmptyGeneration(), fake):
        retrieved = search(context_of(store, columns, generation, WORDS_ONLY), text)
        assert (ids(columns, retrieved), retrieved.relaxed) == (result, relaxed)


def test_what_gives_way_does_so_within_the_filter(store: Store, columns: CatalogueSnapshot) -> None:
    retrieved = search(context_of(store, columns, EmptyGeneration()), "red mug", among=["blue-mug", "beaker", "bag"])
    assert (ids(columns, retrieved), retrieved.relaxed) == ({"blue-mug", "beaker"}, "any word")


def test_retrieve_without_any_vector_encodes_no_query(store: Store, columns: CatalogueSnapshot) -> None:
    retrieved = search(context_of(store, columns, EmptyGeneration()), "red mug")
    assert (retrieved.vector, retrieved.near, retrieved.remembered.total) == (None, {}, 0.0)


# ---- by meaning ---------------------------------------------------------------------------------------------


def test_what_is_near_is_found_without_a_word(store: Store, columns: CatalogueSnapshot, fake: FakeGeneration) -> None:
    retrieved = search(context_of(store, columns, fake), "beaker")
    assert ids(columns, retrieved) == {"red-mug", "blue-mug", "sold", "beaker"}
    assert {columns.ids[row]: cosine for row, cosine in retrieved.near.items()} == pytest.approx(
        {"red-mug": 0.5**0.5, "blue-mug": 0.5**0.5, "beaker": 0.5**0.5, "sold": (1 / 3) ** 0.5}
    )


@pytest.mark.parametrize(("cosine", "is_found"), [(MIN_COSINE + 0.01, True), (MIN_COSINE - 0.01, False)])
def test_what_is_below_the_floor_has_nothing_to_do_with_it(
    store: Store, columns: CatalogueSnapshot, cosine: float, is_found: bool
) -> None:
    vectors = np.array([[cosine, (1 - cosine**2) ** 0.5]], np.float32)
    encoder = WordEncoder("teapot other")
    retrieved = search(context_of(store, columns, FakeGeneration(encoder, build(["lamp"], vectors))), "teapot")
    assert ("lamp" in ids(columns, retrieved)) is is_found


@pytest.mark.parametrize(
    ("nonsense", "choices", "result"),
    [
        (True, [], set()),  # only what is nearer than chance
        (True, [("kettle", "bag", 1.0)], {"lamp", "bag"}),  # others knew what it means
        (False, [], {"lamp"}),  # a word, if none of the shop's
    ],
)
def test_a_query_in_pure_noise_finds_nothing(
    store: Store, columns: CatalogueSnapshot, nonsense: bool, choices: list[Any], result: set[str]
) -> None:
    encoder = WordEncoder("kettle other")
    vectors = np.array([[0.4, 0.84**0.5]], np.float32)
    generation = FakeGeneration(encoder, build(["lamp"], vectors), make_query_memory(encoder, choices), noise=0.5)
    assert ids(columns, search(context_of(store, columns, generation), "kettle", nonsense=nonsense)) == result


# ---- by memory ----------------------------------------------------------------------------------------------


def test_what_was_chosen_for_it_is_found(store: Store, columns: CatalogueSnapshot) -> None:
    memory = make_query_memory(ENCODER, [("mug", "bag", 2.0), ("mug", "gone", 5.0), ("other", "lamp", 9.0)])
    generation = fake_generation(ENCODER, TITLES, memory=memory)
    assert ids(columns, search(context_of(store, columns, generation), "mug")) - ids(
        columns, search(context_of(store, columns, fake_generation(ENCODER, TITLES)), "mug")
    ) == {"bag"}
    retrieved = search(context_of(store, columns, generation), "mug", among=["lamp", "red-mug"])
    assert ids(columns, retrieved) == {"red-mug"}, "the filter holds for it too"
    assert not search(context_of(store, columns, generation, SourceSwitches(memory=False)), "mug").remembered.mass.any()


def test_a_source_that_is_left_out_finds_nothing(store: Store, columns: CatalogueSnapshot) -> None:
    memory = make_query_memory(ENCODER, [("red mug", "bag", 2.0), ("red beaker", "bag", 2.0)])
    generation = fake_generation(ENCODER, TITLES, memory=memory)
    only = {
        "words": SourceSwitches(meaning=False, memory=False, neighbours=False),
        "meaning": SourceSwitches(words=False, memory=False, neighbours=False),
        "memory": SourceSwitches(words=False, meaning=False, neighbours=False),
    }
    retrieved = {
        name: search(context_of(store, columns, generation, sources), "red mug") for name, sources in only.items()
    }
    assert ids(columns, retrieved["words"]) == {"red-mug", "sold"}
    assert ids(columns, retrieved["meaning"]) == {"red-mug", "sold", "beaker", "blue-mug"}
    assert ids(columns, retrieved["memory"]) == {"bag"}
    assert retrieved["words"].vector is None
    assert [bool(one.remembered.near.any()) for one in retrieved.values()] == [False, False, False]
    assert search(context_of(store, columns, generation), "red mug").remembered.near.any()


# ---- what is gone, what is new ------------------------------------------------------------------------------


def test_a_deleted_item_is_not_found_whoever_still_knows_it(store: Store, fake: FakeGeneration) -> None:
    memory = make_query_memory(ENCODER, [("red mug", "red-mug", 9.0)])
    store.items.delete(["red-mug"])
    columns = CatalogueCache(store).current()
    retrieved = search(context_of(store, columns, replace(fake, memory=memory)), "red mug")
    assert "red-mug" not in ids(columns, retrieved)
    assert columns.row_of["red-mug"] not in score_all(store, retrieved, columns, fake)[0].rows


def test_an_item_newer_than_the_snapshot_is_not_found_yet(store: Store, columns: CatalogueSnapshot) -> None:
    upsert_rows(store, {"id": "late", "title": "red mug"})
    columns._source.current()  # the ids and rows that a snapshot shares with later ones grow
    retrieved = search(context_of(store, columns, fake_generation(ENCODER, TITLES | {"late": "red mug"})), "red mug")
    assert len(retrieved.result) == columns.size
    assert "late" not in ids(columns, retrieved)


def score_all(
    store: Store, retrieved: Retrieved, columns: CatalogueSnapshot, generation: GenerationView
) -> tuple[RankedHits, ScoringTrace]:
    counts = ItemCounts.of(PopularityCounts(), columns, NOW)
    return score(retrieved, counts, None, context_of(store, columns, generation))


@pytest.mark.parametrize("titles", [TITLES, {}])
def test_an_item_without_a_vector_is_as_near_as_its_words_match(
    store: Store, columns: CatalogueSnapshot, titles: dict[str, str]
) -> None:
    generation = fake_generation(ENCODER, {id: title for id, title in titles.items() if id != "red-mug"})
    retrieved = search(context_of(store, columns, generation), "red mug")
    ranked, trace = score_all(store, retrieved, columns, generation)
    cosines = dict(zip(trace.candidates.tolist(), trace.features[:, NAMES.index("cosine")].tolist(), strict=True))
    assert columns.ids[ranked.rows[0]] == "red-mug"
    best = max(retrieved.near.values(), default=0.0)
    assert cosines[columns.row_of["red-mug"]] == pytest.approx(best), "its words match best, so it is as near as any"
    assert 0 <= cosines[columns.row_of["sold"]] <= best + 1e-6
