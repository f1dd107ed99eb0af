"""The `for-you` trees: kept where they beat the blend on the newest visits, scored alike by ONNX and LightGBM."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from shelfwise.errors import GenerationCorrupt
from shelfwise.ranking.trees import MODEL, TREES
from shelfwise.recommend.features import NAMES
from shelfwise.recommend.ranker import CARD, ForYouRanker
from shelfwise.trainer.rankers.for_you_examples import ForYouExamples
from shelfwise.trainer.rankers.for_you_ranker import fit_for_you_ranker

SIZE = 20
OWN, AGE = NAMES.index("own_90"), NAMES.index("age")


def visits(count: int, *, by_feature: int | None, seed: int = 0) -> ForYouExamples:
    """Groups of twenty of which two are chosen: the greatest of a feature, or any two."""
    rng = np.random.default_rng(seed)
    features = rng.random((count, SIZE, len(NAMES))).astype(np.float16)
    utility = features[:, :, by_feature] if by_feature is not None else rng.random((count, SIZE))
    chosen = np.zeros((count, SIZE), np.float32)
    np.put_along_axis(chosen, np.argsort(-utility, axis=1)[:, :2], 1.0, axis=1)
    features[:, : SIZE // 2, NAMES.index("own_times")] = 0
    return ForYouExamples(
        features.reshape(-1, len(NAMES)),
        chosen.ravel(),
        np.full(count, SIZE, np.int32),
        np.arange(count, dtype=np.int64),
    )


def test_fit_for_you_ranker_better_than_the_blend_serves(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = fit_for_you_ranker(
        visits(400, by_feature=AGE), tmp_path, 1, lambda done, total: calls.append((done, total))
    )
    assert calls == [(done, 4) for done in range(5)] * 2, "trained to be judged, and to serve"
    assert report.kind == "trees"
    assert report.learned > report.blend + 0.2
    ranker = ForYouRanker(tmp_path)
    assert ranker.kind == "trees"
    asked = visits(1, by_feature=AGE, seed=9)
    features = asked.features.astype(np.float32)
    assert set(np.argsort(-ranker.scores(features))[:2]) == set(np.flatnonzero(asked.chosen))
    boosters = [lightgbm.Booster(model_file=path) for path in sorted(tmp_path.glob(TREES.format("*")))]
    assert len(boosters) == 4
    expected = np.sum([booster.predict(features) for booster in boosters], axis=0)
    assert ranker.scores(features) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("count", "by_feature"), [(299, AGE), (400, None)], ids=["too few", "chance"])
def test_fit_for_you_ranker_else_keeps_the_blend(tmp_path: Path, count: int, by_feature: int | None) -> None:
    assert fit_for_you_ranker(visits(count, by_feature=by_feature), tmp_path, 1).kind == "blend"
    assert not (tmp_path / MODEL).exists()
    assert ForYouRanker(tmp_path).kind == "blend"


def test_fit_for_you_ranker_without_visits_keeps_the_blend(tmp_path: Path) -> None:
    assert fit_for_you_ranker(ForYouExamples.empty(), tmp_path, 1).searches == 0


def test_fit_for_you_ranker_twice_writes_the_same(tmp_path: Path) -> None:
    for name in ("one", "other"):
        fit_for_you_ranker(visits(400, by_feature=AGE), tmp_path / name, 1)
    for number in ("", 1, 2, 3):
        one, other = (tmp_path / name / TREES.format(number) for name in ("one", "other"))
        assert one.read_text() == other.read_text()


def test_for_you_ranker_of_other_features_is_refused(tmp_path: Path) -> None:
    fit_for_you_ranker(visits(400, by_feature=AGE), tmp_path, 1)
    (tmp_path / CARD).write_text("\n".join(NAMES[::-1]))
    with pytest.raises(GenerationCorrupt, match="features of this shelfwise"):
        ForYouRanker(tmp_path)
