"""What is known of each candidate as numbers: each column reckoned by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.postings import LexicalMatches
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.query.understanding import Query, Term
from shelfwise.search.blend import BLEND, LEARNED
from shelfwise.search.features import NAMES, SOURCES, TASTES, build_features
from shelfwise.search.retrieved import MemoryFeatures, Retrieved

ROWS = np.array([1, 3, 4])  # of a catalogue of five rows, nobody's among them
NAN = float("nan")


def array(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


NOT_MATCHED, NOT_REMEMBERED = LexicalMatches(np.zeros(5), np.zeros(5), 2), MemoryFeatures.nothing(5)


def retrieved_by(matches: LexicalMatches = NOT_MATCHED, remembered: MemoryFeatures = NOT_REMEMBERED) -> Retrieved:
    """Return what a query of two words retrieved."""
    query = Query("a b", "a b", (Term("a", "a"), Term("b", "b")))
    return Retrieved(query, np.zeros(5, np.bool_), matches, remembered, None, {}, None)


def columns_of(retrieved: Retrieved | None = None, **given: Any) -> dict[str, list[float]]:
    """Return name → the column of the three candidates."""
    usual: dict[str, Any] = {
        "rows": ROWS, "cosines": array(0.5, 0.9, 0.7), "price": np.full(5, NAN), "tastes": {},
        "counts": ItemCounts(np.zeros(5), np.zeros(5), np.full(5, NAN)),
    }  # fmt: skip
    features = build_features(retrieved=retrieved or retrieved_by(), **(usual | given))
    assert features.shape == (len((usual | given)["rows"]), len(NAMES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    return {name: features[:, number].tolist() for number, name in enumerate(NAMES)}


def close(*values: float) -> Any:
    return pytest.approx(list(values), abs=1e-6)


def test_meaning() -> None:
    features = columns_of(counts=ItemCounts(array(0, 1.0, 0, 0, 0.4), np.zeros(5), np.full(5, NAN)))
    assert features["cosine"] == close(0.5, 0.9, 0.7)
    assert features["cosine_gap"] == close(-0.4, 0, -0.2)
    assert features["cosine_rank"] == close(np.log(3), 0, np.log(2))
    assert features["standing"] == close(-0.15, 0, -0.1), "0.25 of the popularity beside the cosine"


def test_words() -> None:
    features = columns_of(retrieved_by(LexicalMatches(array(0, 4, 9, 0, 1), array(0, 1, 1, 0, 0.5), 2)))
    assert features["bm25"] == close(4, 0, 1)
    assert features["bm25_share"] == close(1, 0, 0.25), "of the best candidate, not of what is none"
    assert features["coverage"] == close(1, 0, 0.5)
    assert features["query_matches"] == close(*[np.log1p(3)] * 3), "of all items"
    assert features["query_words"] == close(2, 2, 2)


def test_memory() -> None:
    remembered = MemoryFeatures(
        array(0, 0.5, 0, 0.2, 0), array(0, 4, 0, 1, 0), array(0, 0, 1, 0, 0.3), array(0, 0.1, 0, 0, 0.6), 8.0
    )
    features = columns_of(retrieved_by(remembered=remembered))
    assert features["memory_share"] == close(0.5, 0.2, 0)
    assert features["memory_mass"] == close(np.log1p(4), np.log1p(1), 0)
    assert features["near_share"] == close(0, 0, 0.3)
    assert features["word_share"] == close(0.1, 0, 0.6)
    assert features["query_mass"] == close(*[np.log1p(8)] * 3)


def test_popularity_and_age() -> None:
    counts = ItemCounts(array(1, 0.5, 1, 0.2, 0), array(1, 0.1, 1, 0.6, 0), array(0, 3, 0, NAN, 5_000))
    features = columns_of(counts=counts)
    assert features["popularity"] == close(0.5, 0.2, 0)
    assert features["recent"] == close(0.1, 0.6, 0)
    assert features["trend"] == close(-0.4, 0.4, 0)
    assert features["age"] == close(3, 60, 60), "old, where nothing is known or much is past"


@pytest.mark.parametrize(
    ("prices", "places"),
    [
        ((5, 1, 3), (1, 0, 0.5)),
        ((5, NAN, 3), (1, 0.5, 0)),
        ((5, NAN, NAN), (0.5, 0.5, 0.5)),
        ((NAN, NAN, NAN), (0.5, 0.5, 0.5)),
        ((0, 2, 1_000_000), (0, 0.5, 1)),
    ],
)
def test_where_a_price_stands(prices: tuple[float, ...], places: tuple[float, ...]) -> None:
    price = np.full(5, NAN)
    price[ROWS] = prices
    assert columns_of(price=price)["price_place"] == close(*places)


@pytest.mark.parametrize("name", TASTES)
def test_a_taste_has_a_column_of_its_own(name: str) -> None:
    features = columns_of(tastes={name: array(0.1, 0.2, 0.3)})
    assert features[name] == close(0.1, 0.2, 0.3)
    assert all(features[other] == [0, 0, 0] for other in TASTES if other != name)


def test_no_candidates_have_no_rows() -> None:
    assert columns_of(rows=np.zeros(0, np.int64), cosines=np.zeros(0, np.float32)) == {name: [] for name in NAMES}


def test_features_of_an_unknown_candidate_are_finite() -> None:
    assert len(columns_of(rows=np.array([2]), cosines=array(0))["cosine"]) == 1


def test_every_feature_is_evidence_of_a_source() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {name for name in NAMES if SOURCES[name] == "taste"} == set(TASTES)
    assert set(BLEND) <= set(NAMES)
    assert set(LEARNED) <= set(BLEND) - set(TASTES)
