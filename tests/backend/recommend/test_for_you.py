"""The kind `for-you`: its order by the blend, and the positions that cold items get."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.features import NAMES
from shelfwise.recommend.for_you import for_you, interleave_cold
from shelfwise.recommend.ranker import ForYouRanker
from support.recommend_shop import ALL_VECTORS, FOR_YOU_SIGNALS, event, make_context, scores_of


def test_for_you_without_choices_is_empty(columns: CatalogueSnapshot) -> None:
    for events in ([], [event("tea", "dismiss")], [event("unknown")]):
        scored = for_you(make_context(columns, *events, signals=FOR_YOU_SIGNALS, index=ALL_VECTORS), ForYouRanker())
        assert (scored.rows.shape, scored.scores.shape, scored.features.shape) == ((0,), (0,), (0, len(NAMES)))


def test_for_you_without_trees_ranks_by_the_blend(columns: CatalogueSnapshot) -> None:
    """Own things first, then where they lead, then what many want."""
    order = list(
        scores_of(
            make_context(
                columns, event("tea"), signals=FOR_YOU_SIGNALS, statistics=PopularityCounts({"rug": 1.0, "bulb": 0.2})
            )
        )
    )
    assert order[:3] == ["tea", "cup", "rug"]
    assert order.index("mug") < order.index("bulb")


def test_newer_and_stronger_events_weigh_more(columns: CatalogueSnapshot) -> None:
    events = event("tea", days=1), event("cup", days=200), event("mug", "view", 0.5), event("rug", "cart", 1.1)
    assert list(scores_of(make_context(columns, *events))) == ["tea", "rug", "cup", "mug"]


def test_for_you_without_candidates_is_empty(columns: CatalogueSnapshot) -> None:
    context = make_context(columns, event("tea"))
    context.eligible[:] = False
    scored = for_you(context, ForYouRanker())
    assert (scored.scores.shape, scored.features.shape) == ((0,), (0, len(NAMES)))
    assert ForYouRanker().contributions(scored.features).shape == (0, len(NAMES))


# ---- cold items ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "new", "places"),
    [(3, 2, [3, 4]), (20, 2, [11, 15]), (40, 3, [11, 15, 19]), (13, 1, [11]), (0, 2, [0, 1]), (5, 0, [])],
)
def test_every_fourth_position_after_the_eleventh_is_cold(known: int, new: int, places: list[int]) -> None:
    scores = np.concatenate([np.linspace(2, 1, known), np.linspace(0.5, 0.4, new)])
    is_unknown = np.arange(known + new) >= known
    order = np.argsort(-interleave_cold(scores, is_unknown), kind="stable")
    assert np.flatnonzero(is_unknown[order]).tolist() == places
    assert order[~is_unknown[order]].tolist() == list(range(known)), "the others keep their order"


def test_cold_item_that_scores_better_keeps_its_position() -> None:
    scores = np.array([3.0, 2.0, 1.0, 2.5])
    placed = interleave_cold(scores, np.array([False, False, False, True]))
    assert np.argsort(-placed).tolist() == [0, 3, 1, 2]
    assert sorted(placed) == sorted(scores)
