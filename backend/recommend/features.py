"""What is known of each candidate of a shelf `for-you`, as numbers: the input of its blend and of its trees.

The night computes them for past visits and the door for the present one, with this one function. A row is an item's pk.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.ranking.arrays import ranks
from shelfwise.recommend.context import RecommendContext

__all__ = ["NAMES", "SOURCES", "build_features", "link_features"]

# What a feature is evidence of. Those of `own` are 0 or, for times, _LONG where the shopper never had the item.
SOURCES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "own_times", "own_30", "own_90", "own_240", "own_share", "own_since", "own_back", "own_share_since",
            "own_first", "own_gap", "own_overdue", "own_rank", "in_last_3",
        ),
        "own",
    ),
    **dict.fromkeys(
        (
            "linked_60", "linked_60_rank", "linked_60_new", "linked_1", "linked_1_rank", "linked_1_new", "linked_3",
            "linked_3_rank", "linked_3_new", "together_60", "together_60_rank", "together_60_new",
            "following", "following_rank", "following_new", "viewed_3", "viewed_3_rank", "viewed_3_new",
        ),
        "links",
    ),
    **dict.fromkeys(("like_one", "like_all", "category_share", "brand_share", "price_fit"), "taste"),
    **dict.fromkeys(("popularity", "week", "month", "buyers"), "popularity"),
    **dict.fromkeys(("trend", "rising"), "trend"),
    **dict.fromkeys(("age", "newly"), "age"),
    **dict.fromkeys(("repeat", "rebuy", "rebuy_lately", "rebuy_category"), "repeat"),
    **dict.fromkeys(("visits", "items", "visit_size", "days_away", "days_known", "days_between", "habit"), "shopper"),
    "price": "price",
    "passed": "shown",
}  # fmt: skip
NAMES = tuple(SOURCES)
_AS_COUNTED = ("trend", "newly", "repeat", "rebuy", "rebuy_lately", "rebuy_category")
_LONG = 999.0  # days, visits or ranks: never
_RECENT = 100  # newest own items that a candidate is compared with
_OLDEST = 400.0  # days


def link_features(context: RecommendContext) -> dict[str, np.ndarray]:
    """Where the shopper's items lead by each link, by row of the catalogue, (columns.size,) float32 each."""
    profile, signals = context.profile, context.signals
    lately, last, last_3 = profile.decayed(60), profile.items_of_last_visits(1), profile.items_of_last_visits(3)
    return {
        "linked_60": signals.spread("linked", profile.rows, lately),
        "linked_1": signals.spread("linked", last, np.ones(len(last))),
        "linked_3": signals.spread("linked", last_3, np.ones(len(last_3))),
        "following": signals.spread("following", profile.rows, profile.decayed(120)),
        "together_60": signals.spread("together", profile.rows, lately),
        "viewed_3": signals.spread("viewed", last_3, np.ones(len(last_3))),
    }


def build_features(context: RecommendContext, rows: np.ndarray, link_scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """One row for each candidate, one column for each of NAMES; (n, n_features) float32 without nan."""
    had = np.zeros(context.columns.size, np.bool_)
    had[context.profile.rows] = True
    had = had[rows]
    columns = _of_own(context, rows, had) | _of_links(rows, had, link_scores) | _of_taste(context, rows)
    columns |= _of_items(context, rows) | _of_shopper(context)
    made = np.empty((len(rows), len(NAMES)), np.float32)
    for number, name in enumerate(NAMES):
        made[:, number] = columns[name]
    return made


# ---- by source ------------------------------------------------------------------------------------------------


def _of_own(context: RecommendContext, rows: np.ndarray, had: np.ndarray) -> dict[str, np.ndarray]:
    profile = context.profile
    position = np.zeros(context.columns.size, np.int64)
    position[profile.rows] = np.arange(len(profile))
    mine = position[rows]

    def said(values: np.ndarray, never: float = 0.0) -> np.ndarray:
        return np.where(had, values[mine], never)

    gap = np.nan_to_num(profile.mean_gap_days, nan=_LONG)
    in_last_3 = np.bincount(profile.item[profile.visit < 3], minlength=len(profile))
    lately = said(profile.decayed(90))
    return {
        "own_times": said(profile.visit_counts),
        "own_30": said(profile.decayed(30)),
        "own_90": lately,
        "own_240": said(profile.decayed(240)),
        "own_share": said(profile.visit_counts / profile.visits),
        "own_since": said(profile.days_since, _LONG),
        "own_back": said(profile.visits_since_last, _LONG),
        "own_share_since": said(profile.visit_counts / np.maximum(profile.visits_since_first, 1.0)),
        "own_first": said(profile.days_since_first, _LONG),
        "own_gap": said(gap, _LONG),
        "own_overdue": said(np.where(profile.visit_counts > 1, profile.days_since / np.maximum(gap, 1.0), 0.0)),
        "own_rank": np.where(had, ranks(lately), _LONG),
        "in_last_3": said(in_last_3.astype(np.float64)),
    }


def _of_links(rows: np.ndarray, had: np.ndarray, link_scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    made = {}
    for name, values in link_scores.items():
        own = values[rows]
        made[name] = own
        made[f"{name}_rank"] = ranks(own)
        made[f"{name}_new"] = np.where(had, _LONG, ranks(np.where(had, -np.inf, own)))
    return made


def _of_taste(context: RecommendContext, rows: np.ndarray) -> dict[str, np.ndarray]:
    profile, columns = context.profile, context.columns
    tastes = {
        "like_one": np.zeros(len(rows)),
        "like_all": np.zeros(len(rows)),
        "category_share": profile.code_shares(columns.category, rows),
        "brand_share": profile.code_shares(columns.brand, rows),
        "price_fit": np.nan_to_num(profile.price_deviations(columns.price, rows), nan=0.0),
    }
    positions, vectors = context.vectors(rows)
    own, own_vectors = context.vectors(profile.rows[:_RECENT])
    if len(positions) and len(own):
        cosines = vectors @ own_vectors.T  # (n_known, n_own)
        cosines[rows[positions][:, None] == profile.rows[own][None]] = -1.0
        tastes["like_one"][positions] = _by_rank(cosines.max(axis=1))
        tastes["like_all"][positions] = _by_rank(vectors @ (profile.item_shares[own] @ own_vectors))
    return tastes


def _of_items(context: RecommendContext, rows: np.ndarray) -> dict[str, np.ndarray]:
    week, month, buyers = (context.signals.signal(name)[rows] for name in ("week", "month", "buyers"))
    return {
        "popularity": context.counts.popularity[rows],
        "week": week / max(1.0, float(context.signals.signal("week").max(initial=0.0))),
        "month": month / max(1.0, float(context.signals.signal("month").max(initial=0.0))),
        "buyers": buyers / max(1.0, float(context.signals.signal("buyers").max(initial=0.0))),
        "rising": np.log((week * 4 + 3) / (month + 3)),
        "age": np.clip(np.nan_to_num(context.counts.age[rows], nan=0.0), 0.0, _OLDEST),
        "passed": context.passed_over[rows],
        "price": np.log1p(np.nan_to_num(context.columns.price[rows], nan=0.0)),
        **{name: context.signals.signal(name)[rows] for name in _AS_COUNTED},
    }


def _of_shopper(context: RecommendContext) -> dict[str, np.ndarray]:
    """The same for all candidates: they say how much the others mean."""
    profile = context.profile
    away, known = float(profile.age.min()), float(profile.age.max())
    choices = len(profile.item)
    values = {
        "visits": profile.visits,
        "items": len(profile),
        "visit_size": choices / profile.visits,
        "days_away": away,
        "days_known": known,
        "days_between": (known - away) / max(1, profile.visits - 1),
        "habit": 1 - len(profile) / choices,
    }
    return {name: np.float64(value) for name, value in values.items()}  # type: ignore[misc]


def _by_rank(values: np.ndarray) -> np.ndarray:
    """1 for the greatest, then falling to 0: a cosine itself means another thing after a night of training."""
    return 1 / (1 + ranks(values) / 10)
