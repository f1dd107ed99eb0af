"""How the candidates of `for-you` are ranked: by the blend, by trees where there are some, and what each explains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.errors import GenerationCorrupt
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.context import RecommendContext
from shelfwise.recommend.features import NAMES
from shelfwise.recommend.for_you import for_you, interleave_cold
from shelfwise.recommend.ranker import CARD, ForYouRanker, blend_contributions
from shelfwise.trainer.export.onnx_trees import write_trees
from support.recommend_shop import WISHED, by_id, event, on_circle, setting

INDEX = on_circle()


def shelf(setting: RecommendContext, ranker: ForYouRanker | None = None) -> dict[str, float]:
    wishes = for_you(setting, ranker or ForYouRanker())
    return by_id((wishes.rows, wishes.scores), setting.columns)


# ---- the order ----------------------------------------------------------------------------------------------


def test_of_who_did_nothing_nothing_is_known(columns: CatalogueSnapshot) -> None:
    for events in ([], [event("tea", "dismiss")], [event("unknown")]):
        wishes = for_you(setting(columns, *events, known=WISHED, index=INDEX), ForYouRanker())
        assert (wishes.rows.shape, wishes.scores.shape, wishes.features.shape) == ((0,), (0,), (0, len(NAMES)))


def test_without_trees_the_blend_ranks(columns: CatalogueSnapshot) -> None:
    """Own things first, then where they lead, then what many want."""
    order = list(
        shelf(setting(columns, event("tea"), known=WISHED, statistics=PopularityCounts({"rug": 1.0, "bulb": 0.2})))
    )
    assert order[:3] == ["tea", "cup", "rug"]
    assert order.index("mug") < order.index("bulb")


def test_newer_and_dearer_events_weigh_more(columns: CatalogueSnapshot) -> None:
    events = event("tea", days=1), event("cup", days=200), event("mug", "view", 0.5), event("rug", "cart", 1.1)
    assert list(shelf(setting(columns, *events))) == ["tea", "rug", "cup", "mug"]


def test_the_blend_is_a_sum_of_shares_of_the_best(columns: CatalogueSnapshot) -> None:
    asked = setting(columns, event("tea"), event("lamp", "cart"), known=WISHED, index=INDEX)
    wishes = for_you(asked, ForYouRanker())
    added = blend_contributions(wishes.features)
    assert added.sum(axis=1) == pytest.approx(wishes.scores)
    assert (added >= 0).all()
    for name in ("own_90", "linked_60"):
        column = NAMES.index(name)
        best = int(np.argmax(wishes.features[:, column]))
        assert added[best, column] == added[:, column].max() > 0
    assert not added[:, NAMES.index("price")].any(), "which is not in the blend"


def test_no_candidates(columns: CatalogueSnapshot) -> None:
    asked = setting(columns, event("tea"))
    asked.eligible[:] = False
    wishes = for_you(asked, ForYouRanker())
    assert (wishes.scores.shape, wishes.features.shape) == ((0,), (0, len(NAMES)))
    assert ForYouRanker().contributions(wishes.features).shape == (0, len(NAMES))


# ---- trees --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def booster() -> Any:
    """Trees for which a low price is all that counts."""
    chance = np.random.default_rng(0)
    made = chance.random((900, len(NAMES))).astype(np.float32) * 5
    gains = (made[:, NAMES.index("price")] < 1.2).astype(int)
    data = lightgbm.Dataset(made, gains, group=[30] * 30, feature_name=list(NAMES))
    settings = {"objective": "lambdarank", "num_leaves": 7, "min_data_in_leaf": 10, "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings, data, 20)


def written(folder: Path, booster: Any, names: tuple[str, ...] = NAMES) -> Path:
    folder.mkdir()
    (folder / CARD).write_text("\n".join(names))
    write_trees([booster], folder, len(NAMES))
    return folder


def test_trees_rank_where_there_are_some(columns: CatalogueSnapshot, tmp_path: Path, booster: Any) -> None:
    ranker = ForYouRanker(written(tmp_path / "wishes", booster))
    asked = setting(columns, event("tea"), known=WISHED, index=INDEX)
    wishes = for_you(asked, ranker)
    assert ranker.kind == "trees"
    assert wishes.scores == pytest.approx(booster.predict(wishes.features), abs=1e-5)
    assert next(iter(shelf(asked, ranker))) == "bulb" != next(iter(shelf(asked)))
    apart = wishes.scores - ranker.contributions(wishes.features).sum(axis=1)
    assert apart == pytest.approx(np.full(len(apart), apart[0]), abs=1e-5), "they explain what they rank"
    nothing = wishes.features[:0]
    assert (ranker.scores(nothing).shape, ranker.contributions(nothing).shape) == ((0,), nothing.shape)


@pytest.mark.parametrize("names", [NAMES[1:], (*NAMES, "new"), (NAMES[1], NAMES[0], *NAMES[2:]), ()])
def test_trees_of_other_features_are_refused(tmp_path: Path, booster: Any, names: tuple[str, ...]) -> None:
    with pytest.raises(GenerationCorrupt, match="other features"):
        ForYouRanker(written(tmp_path / "wishes", booster, names))


def test_a_folder_of_rows_for_a_later_night_is_the_blend(tmp_path: Path) -> None:
    (tmp_path / "rows.npz").write_bytes(b"")
    assert ForYouRanker(tmp_path).kind == ForYouRanker().kind == "blend"


def test_where_lightgbm_does_not_load_the_blend_explains(
    tmp_path: Path, booster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranker = ForYouRanker(written(tmp_path / "wishes", booster))
    made = np.random.default_rng(1).random((5, len(NAMES))).astype(np.float32)

    def missing(**_: object) -> None:
        raise OSError("libgomp.so.1: no such file")

    monkeypatch.setattr(lightgbm, "Booster", missing)
    assert ranker.contributions(made).tolist() == blend_contributions(made).tolist()
    assert ranker.scores(made) == pytest.approx(booster.predict(made), abs=1e-5), "they rank nevertheless"


# ---- what nobody chose yet --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "new", "places"),
    [(3, 2, [3, 4]), (20, 2, [11, 15]), (40, 3, [11, 15, 19]), (13, 1, [11]), (0, 2, [0, 1]), (5, 0, [])],
)
def test_every_fourth_place_after_the_eleventh_is_for_the_unknown(known: int, new: int, places: list[int]) -> None:
    scores = np.concatenate([np.linspace(2, 1, known), np.linspace(0.5, 0.4, new)])
    is_unknown = np.arange(known + new) >= known
    order = np.argsort(-interleave_cold(scores, is_unknown), kind="stable")
    assert np.flatnonzero(is_unknown[order]).tolist() == places
    assert order[~is_unknown[order]].tolist() == list(range(known)), "the others keep their order"


def test_an_unknown_item_that_earned_a_better_place_keeps_it() -> None:
    scores = np.array([3.0, 2.0, 1.0, 2.5])
    placed = interleave_cold(scores, np.array([False, False, False, True]))
    assert np.argsort(-placed).tolist() == [0, 3, 1, 2]
    assert sorted(placed) == sorted(scores)
