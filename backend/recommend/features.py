"""The features of the candidates of `for-you`: the input of its blend and of its trees.

A night computes them for past visits and the server for the present one, with this one function. A row is an item's pk.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.ranking.arrays import ranks
from shelfwise.recommend.context import RecommendContext

__all__ = ["NAMES", "SOURCES", "build_features", "link_features"]

# Feature → the source that it is evidence of. Those of `own` are 0 or, for times, _NEVER without a choice of the item.
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
_UNCHANGED = (  # signals of a night, taken as they are
    "trend",
    "newly",
    "repeat",
    "rebuy",
    "rebuy_lately",
    "rebuy_category",
)
_NEVER = 999.0  # days, visits or ranks
_MAX_COMPARED = 100  # newest own items that a candidate is compared with
_MAX_AGE_DAYS = 400.0


def link_features(context: RecommendContext) -> dict[str, np.ndarray]:
    """Return where the shopper's items lead by each link, by row of the catalogue, (columns.size,) float32 each."""
    profile, signals = context.profile, context.signals
    decayed_60, last, last_3 = profile.decayed(60), profile.items_of_last_visits(1), profile.items_of_last_visits(3)
    return {
        "linked_60": signals.spread("linked", profile.rows, decayed_60),
        "linked_1": signals.spread("linked", last, np.ones(len(last))),
        "linked_3": signals.spread("linked", last_3, np.ones(len(last_3))),
        "following": signals.spread("following", profile.rows, profile.decayed(120)),
        "together_60": signals.spread("together", profile.rows, decayed_60),
        "viewed_3": signals.spread("viewed", last_3, np.ones(len(last_3))),
    }


def build_features(context: RecommendContext, rows: np.ndarray, link_scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return a row for each candidate and a column for each of NAMES, (n, n_features) float32 without nan.

    `rows` (n,) ascend; `link_scores` are those of `link_features`.
    """
    is_own = np.isin(rows, context.profile.rows)
    columns = _of_own(context, rows, is_own) | _of_links(rows, is_own, link_scores) | _of_taste(context, rows)
    columns |= _of_items(context, rows) | _of_shopper(context)
    features = np.empty((len(rows), len(NAMES)), np.float32)
    for number, name in enumerate(NAMES):
        features[:, number] = columns[name]
    return features


# ---- by source ------------------------------------------------------------------------------------------------


def _of_own(context: RecommendContext, rows: np.ndarray, is_own: np.ndarray) -> dict[str, np.ndarray]:
    profile = context.profile
    position_of = np.zeros(context.columns.size, np.int64)
    position_of[profile.rows] = np.arange(len(profile))
    positions = position_of[rows]

    def by_candidate(values: np.ndarray, never: float = 0.0) -> np.ndarray:
        return np.where(is_own, values[positions], never)

    gap = np.nan_to_num(profile.mean_gap_days, nan=_NEVER)
    in_last_3 = np.bincount(profile.item[profile.visit < 3], minlength=len(profile))
    decayed_90 = by_candidate(profile.decayed(90))
    return {
        "own_times": by_candidate(profile.visit_counts),
        "own_30": by_candidate(profile.decayed(30)),
        "own_90": decayed_90,
        "own_240": by_candidate(profile.decayed(240)),
        "own_share": by_candidate(profile.visit_counts / profile.visits),
        "own_since": by_candidate(profile.days_since, _NEVER),
        "own_back": by_candidate(profile.visits_since_last, _NEVER),
        "own_share_since": by_candidate(profile.visit_counts / np.maximum(profile.visits_since_first, 1.0)),
        "own_first": by_candidate(profile.days_since_first, _NEVER),
        "own_gap": by_candidate(gap, _NEVER),
        "own_overdue": by_candidate(np.where(profile.visit_counts > 1, profile.days_since / np.maximum(gap, 1.0), 0.0)),
        "own_rank": np.where(is_own, ranks(decayed_90), _NEVER),
        "in_last_3": by_candidate(in_last_3.astype(np.float64)),
    }


def _of_links(rows: np.ndarray, is_own: np.ndarray, link_scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns = {}
    for name, by_row in link_scores.items():
        scores = by_row[rows]
        columns[name] = scores
        columns[f"{name}_rank"] = ranks(scores)
        columns[f"{name}_new"] = np.where(is_own, _NEVER, ranks(np.where(is_own, -np.inf, scores)))
    return columns


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
    own, own_vectors = context.vectors(profile.rows[:_MAX_COMPARED])
    if len(positions) and len(own):
        cosines = vectors @ own_vectors.T  # (n_known, n_own)
        cosines[rows[positions][:, None] == profile.rows[own][None]] = -1.0
        tastes["like_one"][positions] = _by_rank(cosines.max(axis=1))
        tastes["like_all"][positions] = _by_rank(vectors @ (profile.item_shares[own] @ own_vectors))
    return tastes


def _of_items(context: RecommendContext, rows: np.ndarray) -> dict[str, np.ndarray]:
    signal = context.signals.signal

    def share(name: str) -> np.ndarray:
        counts = signal(name)
        return np.asarray(counts[rows] / max(1.0, float(counts.max(initial=0.0))))

    return {
        "popularity": context.counts.popularity[rows],
        **{name: share(name) for name in ("week", "month", "buyers")},
        "rising": np.log((signal("week")[rows] * 4 + 3) / (signal("month")[rows] + 3)),
        "age": np.clip(np.nan_to_num(context.counts.age[rows], nan=0.0), 0.0, _MAX_AGE_DAYS),
        "passed": context.passed_over[rows],
        "price": np.log1p(np.nan_to_num(context.columns.price[rows], nan=0.0)),
        **{name: signal(name)[rows] for name in _UNCHANGED},
    }


def _of_shopper(context: RecommendContext) -> dict[str, np.ndarray]:
    """Return values that all candidates share: trees read from them how much the other features mean."""
    profile = context.profile
    newest, oldest, choices = float(profile.age.min()), float(profile.age.max()), len(profile.item)
    values = {
        "visits": profile.visits,
        "items": len(profile),
        "visit_size": choices / profile.visits,
        "days_away": newest,
        "days_known": oldest,
        "days_between": (oldest - newest) / max(1, profile.visits - 1),
        "habit": 1 - len(profile) / choices,
    }
    return {name: np.float64(value) for name, value in values.items()}  # type: ignore[misc]


def _by_rank(values: np.ndarray) -> np.ndarray:
    """Return 1 for the greatest, falling to 0: the cosine itself means another thing after a night of training."""
    return 1 / (1 + ranks(values) / 10)
