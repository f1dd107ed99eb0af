"""The order of what a search retrieved, and its definition once more: both against plain Python over random shops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from shelfwise.catalogue.postings import Postings, PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.index import build
from shelfwise.query.understanding import Query, Term
from shelfwise.search import scoring
from shelfwise.search.blend import ALL, BLEND, SourceSwitches, blend, weight_vector
from shelfwise.search.features import NAMES
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.personalization import ShopperTaste, shopper_taste
from shelfwise.search.retrieval import MIN_COSINE, SearchContext, retrieve
from shelfwise.search.retrieved import Retrieved
from shelfwise.search.scoring import RankedHits, ScoringTrace, score, with_remaining
from shelfwise.serving.empty_generation import EmptyGeneration
from shelfwise.store import Event, Store
from support.fake_generation import FakeGeneration
from support.stores import store_with

NOW = 1_320_000_000.0
ITEMS, DIM = 450, 6
WORDS = [f"word{number}" for number in range(12)]
RNG = np.random.default_rng(7)


def unit(count: int) -> np.ndarray:
    """Most of them near each other, so that far more than 200 items are near a query."""
    vectors = RNG.normal(0.8, 0.8, (count, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS = unit(ITEMS)
QUERIES = {f"{one} {other}": vector for one, other, vector in zip(WORDS, WORDS[1:], unit(len(WORDS)), strict=False)}
HOLDS = [set(RNG.choice(WORDS, RNG.integers(1, 4), replace=False).tolist()) for _ in range(ITEMS)]
STOCK = RNG.random(ITEMS) < 0.8
CHOSEN = [(query, int(row), float(RNG.integers(1, 9))) for query in QUERIES for row in RNG.integers(0, ITEMS, 70)]


class _Encoder:
    def query(self, text: str) -> np.ndarray:
        return QUERIES[text]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    rows = [
        {"id": f"{n}", "title": " ".join(sorted(words)), "in_stock": bool(STOCK[n])} for n, words in enumerate(HOLDS)
    ]
    opened = store_with(tmp_path_factory.mktemp("random"), rows)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def columns(store: Store) -> CatalogueSnapshot:
    return CatalogueCache(store).current()


@pytest.fixture(scope="module")
def postings(store: Store) -> Postings:
    return PostingsCache(store).current()


@pytest.fixture(scope="module")
def fake() -> FakeGeneration:
    ids = [f"{number}" for number in range(ITEMS)]
    memory = QueryMemory.build(ids, CHOSEN)
    vectors = np.array([QUERIES[text] for text in memory.texts])
    memory = QueryMemory(memory.items, memory.queries, memory.words, memory.texts, vectors)
    popularity = dict(zip(ids, RNG.random(ITEMS).tolist(), strict=True))
    return FakeGeneration(_Encoder(), build(ids, VECTORS), memory, statistics=PopularityCounts(popularity))


def retrieve_by(
    text: str, eligible: np.ndarray, columns: CatalogueSnapshot, postings: Postings, fake: GenerationView
) -> Retrieved:
    query = Query(text, text, tuple(Term(word, word) for word in text.split()))
    narrowed = bool((eligible != columns.live).any())
    return retrieve(query, eligible, SearchContext(columns, postings, fake), is_filtered=narrowed)


def score_by(
    retrieved: Retrieved,
    columns: CatalogueSnapshot,
    postings: Postings,
    fake: GenerationView,
    taste: ShopperTaste | None = None,
    sources: SourceSwitches = ALL,
) -> tuple[RankedHits, ScoringTrace]:
    return score(retrieved, fake.counts(columns, NOW), taste, SearchContext(columns, postings, fake, sources))


def reference(text: str, passes: set[int]) -> set[int]:
    """The result by its definition; items are numbered from 0."""
    words = set(text.split())
    every = {n for n in passes if words <= HOLDS[n]}
    result = every or {n for n in passes if words & HOLDS[n]}
    near = sorted((-float(VECTORS[n] @ QUERIES[text]), n) for n in passes)
    result |= {n for cosine, n in near[:200] if -cosine >= MIN_COSINE}
    return result | {n for query, n, _ in CHOSEN if query == text and n in passes}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("text", list(QUERIES)[::2])
def test_the_result_is_as_it_is_defined(
    columns: CatalogueSnapshot, postings: Postings, fake: FakeGeneration, text: str, share: float
) -> None:
    """Also behind a narrow filter, where hardly any of the nearest of all items pass."""
    rng = np.random.default_rng([list(QUERIES).index(text), int(100 * share)])
    passes = {n for n in range(ITEMS) if rng.random() < share}
    eligible = np.zeros(columns.size, np.bool_)
    eligible[[n + 1 for n in passes]] = True
    retrieved = retrieve_by(text, eligible, columns, postings, fake)
    assert np.count_nonzero(VECTORS @ QUERIES[text] >= MIN_COSINE) > 210
    assert {int(row) - 1 for row in np.flatnonzero(retrieved.result)} == reference(text, passes)


@pytest.mark.parametrize("text", list(QUERIES))
def test_the_whole_result_is_shown_once_stock_first(
    columns: CatalogueSnapshot, postings: Postings, fake: FakeGeneration, text: str
) -> None:
    for generation in (fake, EmptyGeneration()):
        retrieved = retrieve_by(text, columns.live.copy(), columns, postings, generation)
        ranked, _ = score_by(retrieved, columns, postings, generation)
        whole = with_remaining(retrieved, ranked, columns)
        assert sorted(whole.rows.tolist()) == np.flatnonzero(retrieved.result).tolist()
        stock = columns.in_stock[whole.rows].tolist()
        assert stock == sorted(stock, reverse=True)
        assert whole.available == sum(stock)
        assert whole.rows[: ranked.available].tolist() == ranked.rows[: ranked.available].tolist()
        assert np.isfinite(whole.scores).all()
        for part in (slice(0, whole.available), slice(whole.available, None)):
            assert (np.diff(whole.scores[part]) <= 1e-9).all(), "the rest follows"


def test_what_is_no_candidate_follows_by_its_words(columns: CatalogueSnapshot, postings: Postings) -> None:
    """Without a generation the best 200 by words are ranked; here more than that have one of the words."""
    query = Query("x", "x", (Term("any", " OR ".join(WORDS[:6])), Term("one", "word1")))
    context = SearchContext(columns, postings, EmptyGeneration())
    retrieved = retrieve(query, columns.live.copy(), context, is_filtered=False)
    retrieved = retrieved.with_rows(np.flatnonzero(retrieved.matches.any_word).tolist())
    ranked, _ = score_by(retrieved, columns, postings, EmptyGeneration())
    assert len(ranked.rows) == 200 < np.count_nonzero(retrieved.result)
    whole = with_remaining(retrieved, ranked, columns)
    closeness = retrieved.matches.bm25 + 1_000 * retrieved.matches.coverage
    rest = [row for row in whole.rows[: whole.available].tolist() if row not in set(ranked.rows.tolist())]
    assert rest
    assert closeness[rest].tolist() == sorted(closeness[rest].tolist(), reverse=True)
    assert closeness[ranked.rows].min() >= closeness[rest].max()


def test_the_candidates_are_the_best_of_each_source(
    columns: CatalogueSnapshot, postings: Postings, fake: FakeGeneration
) -> None:
    text = next(iter(QUERIES))
    retrieved = retrieve_by(text, columns.live.copy(), columns, postings, fake)
    candidates = set(score_by(retrieved, columns, postings, fake)[1].candidates.tolist())
    words = set(np.flatnonzero(retrieved.matches.all_words).tolist())
    remembered = np.argsort(-retrieved.remembered.mass, kind="stable")[: scoring._MAX_REMEMBERED]
    assert candidates >= words | set(retrieved.near)
    assert candidates >= {
        int(row) for row in remembered if retrieved.remembered.mass[row] > retrieved.remembered.mass[remembered[-1]]
    }
    assert candidates <= set(np.flatnonzero(retrieved.result).tolist())


@pytest.mark.parametrize("text", list(QUERIES)[:4])
def test_candidates_come_by_their_scores(
    columns: CatalogueSnapshot, postings: Postings, fake: FakeGeneration, text: str
) -> None:
    retrieved = retrieve_by(text, columns.live.copy(), columns, postings, fake)
    ranked, trace = score_by(retrieved, columns, postings, fake)
    scores = dict(zip(trace.candidates.tolist(), blend(trace.features, weight_vector(BLEND)).tolist(), strict=True))
    expected = sorted(scores, key=lambda row: (not columns.in_stock[row], -scores[row], row))
    assert ranked.rows.tolist() == expected
    assert ranked.scores.tolist() == [scores[row] for row in expected]
    assert trace.features.shape == (len(scores), len(NAMES))
    cosines = dict(zip(trace.candidates.tolist(), trace.features[:, NAMES.index("cosine")].tolist(), strict=True))
    for row, cosine in cosines.items():
        assert cosine == pytest.approx(float(VECTORS[row - 1] @ QUERIES[text]), abs=1e-5), "of lexical hits too"


def test_a_taste_bends_the_order_unless_it_is_left_out(
    columns: CatalogueSnapshot, postings: Postings, fake: FakeGeneration
) -> None:
    text = next(iter(QUERIES))
    retrieved = retrieve_by(text, columns.live.copy(), columns, postings, fake)
    general, _ = score_by(retrieved, columns, postings, fake)
    last = int(general.rows[general.available - 1])
    event = Event(1, NOW, "purchase", str(columns.ids[last]), "u", None, None)
    taste = shopper_taste([event], columns, fake.index, SignalsByRow(ItemSignals(), columns), NOW)
    bent, _ = score_by(retrieved, columns, postings, fake, taste)
    before = dict(zip(general.rows.tolist(), general.scores.tolist(), strict=True))
    gained = {row: score - before[row] for row, score in zip(bent.rows.tolist(), bent.scores.tolist(), strict=True)}
    assert max(gained, key=lambda row: gained[row]) == last
    assert bent.rows.tolist() != general.rows.tolist()
    without, _ = score_by(retrieved, columns, postings, fake, taste, SourceSwitches(taste=False))
    assert without.rows.tolist() == general.rows.tolist()


def test_nothing_found_is_nothing_ranked(columns: CatalogueSnapshot, postings: Postings, fake: FakeGeneration) -> None:
    for generation in (fake, EmptyGeneration()):
        retrieved = retrieve_by("", columns.live.copy(), columns, postings, generation)
        ranked, _ = score_by(retrieved, columns, postings, generation)
        whole = with_remaining(retrieved, ranked, columns)
        assert (len(ranked.rows), len(whole.rows), whole.available) == (0, 0, 0)
