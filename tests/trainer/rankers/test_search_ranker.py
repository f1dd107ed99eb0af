"""The search ranker learns from enough searches, towards what explains the choices, and only if it does better."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from shelfwise.night_report_parts import RankerReport
from shelfwise.ranking.trees import MODEL
from shelfwise.search.blend import BLEND, LEARNED, blend, weight_vector
from shelfwise.search.features import NAMES, SOURCES
from shelfwise.search.ranker import CARD, MIX, Ranker
from shelfwise.trainer.rankers.search_examples import SearchExamples
from shelfwise.trainer.rankers.search_ranker import fit_search_ranker

Utility = Callable[[np.ndarray], np.ndarray]
SIZE = 10  # candidates of a search
AGE, PRICE = NAMES.index("age"), NAMES.index("price_place")
GENERAL = [number for number, name in enumerate(NAMES) if SOURCES[name] not in ("taste", "query")]


def examples_of(count: int, utility: Utility, seed: int = 0) -> SearchExamples:
    """Return searches with choices by this utility of the features, in which a cosine counts 1, and by chance."""
    rng = np.random.default_rng(seed)
    features = np.zeros((count * SIZE, len(NAMES)), np.float32)
    features[:, GENERAL] = rng.random((len(features), len(GENERAL)))
    features[:, AGE] *= 60
    features = features.astype(np.float16)
    liked = 10 * utility(features.astype(np.float64)).reshape(count, SIZE) + rng.gumbel(size=(count, SIZE))
    chosen = (liked.argmax(axis=1)[:, None] == np.arange(SIZE)).astype(np.float32)
    return SearchExamples(features, chosen.ravel(), np.full(count, SIZE, np.int32), np.arange(count, dtype=np.int64))


def by(**weights: float) -> Utility:
    """The blend with other weights."""
    return lambda features: np.asarray(features @ weight_vector({**BLEND, **weights}))


def new_and_dear(features: np.ndarray) -> np.ndarray:
    """What no weights can tell: the new of the dear, beside the blend."""
    special = (features[:, AGE] < 15) & (features[:, PRICE] > 0.5)
    return np.asarray(by()(features) + special)


MORE_MEMORY = by(memory_share=BLEND["memory_share"] + 0.8)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")} if folder.exists() else {}


def weights(folder: Path) -> dict[str, float]:
    card = json.loads((folder / CARD).read_text())
    assert card["features"] == list(NAMES)
    return dict(card["weights"])


# ---- from how many ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 49])
def test_fit_search_ranker_of_few_searches_keeps_the_blend(tmp_path: Path, count: int) -> None:
    assert fit_search_ranker(examples_of(count, MORE_MEMORY), tmp_path, 1) == RankerReport("blend", count)
    assert contents(tmp_path) == {}


def test_fit_search_ranker_needs_50_searches_for_weights_300_for_trees(tmp_path: Path) -> None:
    few = fit_search_ranker(examples_of(50, MORE_MEMORY), tmp_path / "few", 1)
    assert (few.kind, few.searches, contents(tmp_path / "few").keys()) == ("weights", 10, {CARD: b""}.keys())
    fewer = fit_search_ranker(examples_of(299, new_and_dear), tmp_path / "fewer", 1)
    assert fewer.kind != "trees" and contents(tmp_path / "fewer").keys() <= {CARD}
    enough = fit_search_ranker(examples_of(300, new_and_dear), tmp_path / "enough", 1)
    assert (enough.kind, enough.searches) == ("trees", 60)
    assert contents(tmp_path / "enough").keys() == {CARD, "trees.txt", MODEL}


# ---- towards what -------------------------------------------------------------------------------------------


def test_fit_search_ranker_moves_weights_farther_with_more_searches(tmp_path: Path) -> None:
    moved = []
    for count in (50, 200, 290):
        assert fit_search_ranker(examples_of(count, MORE_MEMORY), tmp_path / f"{count}", 1).kind == "weights"
        found = weights(tmp_path / f"{count}")
        moved.append(found["memory_share"] - BLEND["memory_share"])
        assert found["cosine"] == pytest.approx(1.0), "the scale is the cosine's"
        others = [abs(found[name] - BLEND[name]) for name in LEARNED if name not in ("cosine", "memory_share")]
        assert max(others) < 0.15
        assert {name: found.get(name, 0.0) for name in NAMES if name not in LEARNED} == {
            name: pytest.approx(BLEND.get(name, 0.0)) for name in NAMES if name not in LEARNED
        }
    assert 0.1 < moved[0] < moved[1] < moved[2] < 0.8


def test_fit_search_ranker_of_choices_by_the_blend_keeps_weights(tmp_path: Path) -> None:
    for seed in range(20):  # by chance fitted weights may seem a little better
        if fit_search_ranker(examples_of(60, by(), seed), tmp_path / f"{seed}", 1).kind == "weights":
            found = weights(tmp_path / f"{seed}")
            assert max(abs(found[name] - BLEND[name]) for name in LEARNED) < 0.15


def test_fit_search_ranker_trains_on_the_newest_searches_too(tmp_path: Path) -> None:
    early, late = examples_of(200, MORE_MEMORY), examples_of(50, by(memory_share=2.0, near_share=1.0), seed=1)
    fit_search_ranker(early, tmp_path / "early", 1)
    fit_search_ranker(early.extended(late), tmp_path / "both", 1)
    assert weights(tmp_path / "both")["near_share"] > weights(tmp_path / "early")["near_share"] + 0.05


# ---- only what does better ----------------------------------------------------------------------------------


def test_fit_search_ranker_no_better_than_the_blend_writes_nothing(tmp_path: Path) -> None:
    rows = examples_of(400, lambda features: 100 * by()(features))
    assert fit_search_ranker(rows, tmp_path, 1) == RankerReport("blend", 80, 1.0, 1.0), "nothing is better than all"
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(("early", "possible"), [(MORE_MEMORY, {"blend"}), (new_and_dear, {"blend", "weights"})])
def test_fit_search_ranker_contradicted_by_the_newest_writes_nothing(
    tmp_path: Path, early: Utility, possible: set[str]
) -> None:
    late = examples_of(80, lambda features: 2 * by()(features) - early(features), seed=1)
    report = fit_search_ranker(examples_of(320, early).extended(late), tmp_path, 1)
    assert report.kind in possible and report.searches == 80
    assert (contents(tmp_path) == {}) == (report.kind == "blend") == (report.learned == report.blend)
    assert fit_search_ranker(examples_of(400, early), tmp_path / "early", 1).kind not in possible


def test_fit_search_ranker_reports_the_newest_fifth(tmp_path: Path) -> None:
    early, late = examples_of(320, new_and_dear), examples_of(80, new_and_dear, seed=1)
    report = fit_search_ranker(early.extended(late), tmp_path, 1)
    gains = []
    for number in range(80):
        group = late.part(number, number + 1)
        order = np.argsort(-blend(group.features.astype(np.float32), weight_vector(BLEND)), kind="stable")
        gains.append(1 / np.log2(2 + int(np.flatnonzero(group.chosen[order])[0])))
    assert report.blend == pytest.approx(np.mean(gains), abs=1e-3)
    assert report.low < report.learned - report.blend < report.high
    assert (report.kind, report.searches) == ("trees", 80)


def test_fit_search_ranker_counts_choices_by_their_weight(tmp_path: Path) -> None:
    rows = examples_of(60, lambda features: 100 * by()(features))
    second = rows.chosen.copy()
    for number in range(len(rows)):
        part = slice(number * SIZE, (number + 1) * SIZE)
        order = np.argsort(-by()(rows.features[part].astype(np.float64)))
        second[part][order[1]] = 3.0
    report = fit_search_ranker(SearchExamples(rows.features, second, rows.sizes, rows.clusters), tmp_path, 1)
    assert report.blend == pytest.approx((1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3)))


# ---- what is written ----------------------------------------------------------------------------------------


def test_fit_search_ranker_with_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    rows = examples_of(400, new_and_dear)
    reports = [fit_search_ranker(rows, tmp_path / name, seed) for name, seed in (("one", 7), ("two", 7), ("three", 8))]
    one, two, three = (contents(tmp_path / name) for name in ("one", "two", "three"))
    assert reports[0] == reports[1] and one == two
    assert one[MODEL] != three[MODEL], "the seed is used"


def test_fit_search_ranker_writes_trees_that_ranker_scores_alike(tmp_path: Path) -> None:
    rows = examples_of(400, new_and_dear)
    assert fit_search_ranker(rows, tmp_path, 1).kind == "trees"
    ranker, trees = Ranker(tmp_path), lightgbm.Booster(model_file=tmp_path / "trees.txt")
    assert ranker.kind == "trees" and trees.feature_name() == list(NAMES)
    group = rows.part(5, 6).features.astype(np.float32)
    expected = group.astype(np.float64) @ weight_vector(weights(tmp_path)) + np.asarray(trees.predict(group)) / MIX
    assert ranker.scores(group) == pytest.approx(expected, abs=1e-5)


def test_fit_search_ranker_writes_weights_that_ranker_reads(tmp_path: Path) -> None:
    assert fit_search_ranker(examples_of(100, MORE_MEMORY), tmp_path / "new" / "folder", 1).kind == "weights"
    ranker = Ranker(tmp_path / "new" / "folder")
    assert ranker.kind == "weights"
    assert ranker.weights == pytest.approx(weight_vector(weights(tmp_path / "new" / "folder")))
