"""The ranker of `for-you`: the blend, trees where a night trained some, and what each adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.errors import GenerationCorrupt
from shelfwise.recommend.features import NAMES
from shelfwise.recommend.for_you import for_you
from shelfwise.recommend.ranker import CARD, ForYouRanker, blend_contributions
from shelfwise.trainer.export.onnx_trees import write_trees
from support.recommend_shop import ALL_VECTORS, FOR_YOU_SIGNALS, event, make_context, scores_of


def test_blend_sums_shares_of_the_greatest(columns: CatalogueSnapshot) -> None:
    context = make_context(columns, event("tea"), event("lamp", "cart"), signals=FOR_YOU_SIGNALS, index=ALL_VECTORS)
    scored = for_you(context, ForYouRanker())
    added = blend_contributions(scored.features)
    assert added.sum(axis=1) == pytest.approx(scored.scores)
    assert (added >= 0).all()
    for name in ("own_90", "linked_60"):
        column = NAMES.index(name)
        best = int(np.argmax(scored.features[:, column]))
        assert added[best, column] == added[:, column].max() > 0
    assert not added[:, NAMES.index("price")].any(), "which is not in the blend"


# ---- trees --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def booster() -> Any:
    """Trees for which a low price is all that counts."""
    rng = np.random.default_rng(0)
    features = rng.random((900, len(NAMES))).astype(np.float32) * 5
    labels = (features[:, NAMES.index("price")] < 1.2).astype(int)
    data = lightgbm.Dataset(features, labels, group=[30] * 30, feature_name=list(NAMES))
    settings = {"objective": "lambdarank", "num_leaves": 7, "min_data_in_leaf": 10, "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings, data, 20)


def save_trees(folder: Path, booster: Any, names: tuple[str, ...] = NAMES) -> Path:
    folder.mkdir()
    (folder / CARD).write_text("\n".join(names))
    write_trees([booster], folder, len(NAMES))
    return folder


def test_trees_rank_and_explain(columns: CatalogueSnapshot, tmp_path: Path, booster: Any) -> None:
    ranker = ForYouRanker(save_trees(tmp_path / "wishes", booster))
    context = make_context(columns, event("tea"), signals=FOR_YOU_SIGNALS, index=ALL_VECTORS)
    scored = for_you(context, ranker)
    assert ranker.kind == "trees"
    assert scored.scores == pytest.approx(booster.predict(scored.features), abs=1e-5)
    assert next(iter(scores_of(context, ranker))) == "bulb" != next(iter(scores_of(context)))
    apart = scored.scores - ranker.contributions(scored.features).sum(axis=1)
    assert apart == pytest.approx(np.full(len(apart), apart[0]), abs=1e-5), "they explain what they rank"
    no_rows = scored.features[:0]
    assert (ranker.scores(no_rows).shape, ranker.contributions(no_rows).shape) == ((0,), no_rows.shape)


@pytest.mark.parametrize("names", [NAMES[1:], (*NAMES, "new"), (NAMES[1], NAMES[0], *NAMES[2:]), ()])
def test_trees_of_other_features_are_refused(tmp_path: Path, booster: Any, names: tuple[str, ...]) -> None:
    with pytest.raises(GenerationCorrupt, match="features of this shelfwise"):
        ForYouRanker(save_trees(tmp_path / "wishes", booster, names))


def test_folder_without_trees_is_the_blend(tmp_path: Path) -> None:
    (tmp_path / "rows.npz").write_bytes(b"")
    assert ForYouRanker(tmp_path).kind == ForYouRanker().kind == "blend"


def test_without_lightgbm_the_blend_explains(tmp_path: Path, booster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = ForYouRanker(save_trees(tmp_path / "wishes", booster))
    features = np.random.default_rng(1).random((5, len(NAMES))).astype(np.float32)

    def missing(**_: object) -> None:
        raise OSError("libgomp.so.1: no such file")

    monkeypatch.setattr(lightgbm, "Booster", missing)
    assert ranker.contributions(features).tolist() == blend_contributions(features).tolist()
    assert ranker.scores(features) == pytest.approx(booster.predict(features), abs=1e-5), "they rank nevertheless"
