"""The blend of the features: what each source has a say in, and how much taste bends an ambiguous query."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from shelfwise.search.blend import (
    ALL,
    BLEND,
    LEARNED,
    SourceSwitches,
    blend,
    contributions,
    mask_sources,
    query_ambiguity,
    weight_vector,
)
from shelfwise.search.features import NAMES, SOURCES, TASTES

WEIGHTS = weight_vector(BLEND)


def rows(*candidates: dict[str, float]) -> np.ndarray:
    """(n, n_features) float32 of what is named, 0 for all else."""
    return np.array([[one.get(name, 0.0) for name in NAMES] for one in candidates], np.float32)


def order(*candidates: dict[str, float]) -> list[int]:
    return np.argsort(-blend(rows(*candidates), WEIGHTS), kind="stable").tolist()


def test_no_candidates() -> None:
    assert blend(rows().reshape(0, len(NAMES)), WEIGHTS).shape == (0,)


def test_weights_go_by_name() -> None:
    weights = weight_vector({"cosine": 2.0, "coverage": 0.5})
    assert dict(zip(NAMES, weights.tolist(), strict=True)) == dict.fromkeys(NAMES, 0.0) | {"cosine": 2, "coverage": 0.5}


@pytest.mark.parametrize("name", [name for name in BLEND if name not in TASTES])
def test_the_blend_is_the_weighted_sum(name: str) -> None:
    scores = blend(rows({"cosine": 0.3, "coverage": 0.2} | {name: 0.5}, {"cosine": 0.3, "coverage": 0.2}), WEIGHTS)
    more = 0.5 - {"cosine": 0.3, "coverage": 0.2}.get(name, 0.0)
    assert scores[0] - scores[1] == pytest.approx(BLEND[name] * more, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in BLEND if BLEND[name]])
def test_more_of_anything_comes_first(name: str) -> None:
    assert order({}, {name: 1.0}) == [1, 0]


def test_what_learning_may_change_is_no_taste() -> None:
    assert all(BLEND[name] > 0 and name not in TASTES for name in LEARNED)


# ---- taste ------------------------------------------------------------------------------------------------


def test_taste_decides_between_candidates_that_are_about_as_good() -> None:
    assert order({"cosine": 0.6}, {"cosine": 0.599, "taste": 1.0}) == [1, 0]


def test_taste_does_not_overrule_what_is_clearly_meant() -> None:
    wholly = dict.fromkeys(TASTES, 1.0)
    assert order({"cosine": 0.9, "coverage": 1.0}, {"cosine": 0.3} | wholly) == [0, 1]


def gained(others: list[float]) -> float:
    """What a taste adds to a candidate beside others of these cosines."""
    plain = [{"cosine": cosine} for cosine in others]
    with_taste = blend(rows({"cosine": 0.5, "taste": 1.0}, *plain), WEIGHTS)
    return float(with_taste[0] - blend(rows({"cosine": 0.5}, *plain), WEIGHTS)[0])


def test_an_ambiguous_query_bends_more_than_a_precise_one() -> None:
    gains = [gained([0.5] * count) for count in (1, 4, 19, 60)]
    assert gains[0] < gains[1] < gains[2] == pytest.approx(gains[3]) == pytest.approx(BLEND["taste"])
    assert gained([0.1] * 60) < gains[1], "many that are far worse make it no more ambiguous"


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([], 0.0), ([3.0], 0.0), ([1.0, 1.0], 0.1), ([1.0] * 10, 0.5), ([1.0] * 20, 1.0), ([1.0] * 500, 1.0),
     ([9.0, 0.0], 0.05), ([-1e6, -1e6], 0.1), ([1e6, 0.0, 0.0], 0.05)],
)  # fmt: skip
def test_ambiguity_is_how_many_are_about_as_good(scores: list[float], expected: float) -> None:
    assert query_ambiguity(np.array(scores)) == pytest.approx(expected, abs=1e-6)


def test_what_each_feature_adds_is_the_blend() -> None:
    features = np.random.default_rng(0).random((30, len(NAMES))).astype(np.float32)
    for given in (features, mask_sources(features, np.array([name in TASTES for name in NAMES])), features[:1]):
        assert contributions(given, WEIGHTS).sum(axis=1) == pytest.approx(blend(given, WEIGHTS), abs=1e-5)


# ---- leaving a source out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [field.name for field in fields(SourceSwitches)])
def test_a_source_that_is_left_out_has_no_say(source: str) -> None:
    features = np.ones((3, len(NAMES)), np.float32)
    left = mask_sources(features, SourceSwitches(**{source: False}).left_out())
    for number, name in enumerate(NAMES):
        assert left[:, number].tolist() == [0.0 if SOURCES[name] == source else 1.0] * 3
    assert features.all(), "the features given stay as they are"
    assert left.dtype == np.float32
    assert source == "ranker" or source in SOURCES.values(), "else leaving it out leaves nothing out"


def test_nothing_is_left_out_of_all() -> None:
    assert not ALL.left_out().any()
