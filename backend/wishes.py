"""The shelf `for-you`: what could be wanted next, from all sources, ranked by what is known of shopper and item.

The night makes the same features for past visits (`trainer.wish_rows`), so that the trees are served what they were
trained on. Without trees a fixed blend ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shelfwise.errors import GenerationCorrupt
from shelfwise.forest import MODEL, Forest
from shelfwise.shelves import Setting

__all__ = ["CARD", "NAMES", "SOURCES", "WishRanker", "Wishes", "candidates", "features", "for_you"]

CARD = "wishes.json"
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
}  # fmt: skip
NAMES = tuple(SOURCES)
_AS_COUNTED = ("trend", "newly", "repeat", "rebuy", "rebuy_lately", "rebuy_category")
_LONG = 999.0  # days, visits or ranks: never
_OWN, _LED, _POPULAR, _ALIKE = 250, 100, 60, 30  # candidates of each source
_UNKNOWN, _UNKNOWN_FROM, _UNKNOWN_EVERY = (
    15,
    11,
    4,
)  # candidates an interest; the first of their places, and their distance
_RECENT = 100  # newest own items that a candidate is compared with
_OLDEST = 400.0  # days
# Measured on Online Retail (docs/measurements.md).
_BLEND: Mapping[str, float] = {
    "own_90": 1.0, "linked_60": 0.5, "following": 0.3, "month": 0.3, "popularity": 0.1, "like_one": 0.05,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Wishes:
    """The candidates for a shopper, unsorted, and what each was ranked by."""

    rows: np.ndarray  # (n,) int64
    scores: np.ndarray  # (n,) float64
    features: np.ndarray  # (n, n_features) float32


class WishRanker:
    """Without a folder the blend. Raises GenerationCorrupt where it was made for other features."""

    def __init__(self, folder: Path | None = None) -> None:
        self._forest: Forest | None = None
        if folder is not None and (folder / MODEL).exists():
            if (folder / CARD).read_text().split() != list(NAMES):
                raise GenerationCorrupt("the ranker of the shelves was trained on other features than shelfwise has")
            self._forest = Forest(folder)

    @property
    def kind(self) -> str:
        """trees, or blend where none were grown."""
        return "blend" if self._forest is None else "trees"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(n, n_features) float32 → (n,) float64, comparable for one shopper."""
        if self._forest is None or not len(features):
            return np.asarray(blended(features).sum(axis=1))
        return self._forest.scores(features).astype(np.float64)

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each feature adds to the score of each row, (n, n_features)."""
        by_trees = None if self._forest is None or not len(features) else self._forest.contributions(features)
        return blended(features) if by_trees is None else by_trees


def for_you(setting: Setting, ranker: WishRanker) -> Wishes:
    """What the shopper could want next; nothing where nothing is known of them."""
    if not len(setting.profile):
        return Wishes(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(NAMES)), np.float32))
    led = led_to(setting)
    rows = candidates(setting, led)
    made = features(setting, rows, led)
    return Wishes(rows, with_unknown(ranker.scores(made), unknown(setting)[rows]), made)


def unknown(setting: Setting) -> np.ndarray:
    """The eligible items that nobody chose yet, by row, (columns.size,) bool; none where nothing was counted."""
    buyers = setting.signals.number("buyers")
    return setting.eligible & (buyers == 0) if buyers.any() else np.zeros(setting.columns.size, np.bool_)


def with_unknown(scores: np.ndarray, is_unknown: np.ndarray) -> np.ndarray:
    """The scores (n,) with every fourth place after the eleventh given to an item that nobody chose yet.

    Choices speak only for what has been there to be chosen: without a place of its own the new is buried by the old.
    """
    order = np.argsort(-scores, kind="stable")
    new = order[is_unknown[order]]
    final = order[~is_unknown[order]].tolist()
    for number, one in enumerate(new.tolist()):
        earned = int((scores[final] > scores[one]).sum())
        final.insert(min(earned, _UNKNOWN_FROM + number * _UNKNOWN_EVERY, len(final)), one)
    placed = np.empty(len(scores))
    placed[final] = np.sort(scores)[::-1]
    return placed


def blended(made: np.ndarray) -> np.ndarray:
    """What each feature adds to the blend, (n, n_features): its share of the best candidate's, weighed."""
    added = np.zeros(made.shape, np.float64)
    for name, weight in _BLEND.items():
        column = made[:, NAMES.index(name)]
        top = float(column.max(initial=0.0))
        if top > 0:
            added[:, NAMES.index(name)] = weight * np.maximum(column, 0.0) / top
    return added


def led_to(setting: Setting) -> dict[str, np.ndarray]:
    """Where the shopper's items lead by each link, by row of the catalogue, (columns.size,) float32 each."""
    profile, signals = setting.profile, setting.signals
    lately, last, last_3 = profile.decayed(60), profile.last(1), profile.last(3)
    return {
        "linked_60": signals.leads("linked", profile.rows, lately),
        "linked_1": signals.leads("linked", last, np.ones(len(last))),
        "linked_3": signals.leads("linked", last_3, np.ones(len(last_3))),
        "following": signals.leads("following", profile.rows, profile.decayed(120)),
        "together_60": signals.leads("together", profile.rows, lately),
        "viewed_3": signals.leads("viewed", last_3, np.ones(len(last_3))),
    }


def candidates(setting: Setting, led: Mapping[str, np.ndarray]) -> np.ndarray:
    """The eligible rows that could be wanted: own ones, where they lead, new ones among those, popular and alike."""
    eligible, profile = setting.eligible, setting.profile
    chosen = np.zeros(setting.columns.size, np.bool_)
    strength = profile.decayed(240) + profile.decayed(30)
    chosen[profile.rows[np.argsort(-strength, kind="stable")[:_OWN]]] = True
    fresh = eligible.copy()
    fresh[profile.rows] = False
    for values in led.values():
        for among in (eligible, fresh):
            chosen[_best(values, among, _LED)] = True
    for name in ("week", "month"):
        chosen[_best(setting.signals.number(name), eligible, _POPULAR)] = True
    chosen[_best(setting.counts.popularity, eligible, _POPULAR)] = True
    if setting.index is not None:
        interests, new = profile.interests(setting.index, setting.columns), unknown(setting)
        for near in setting.near(interests, _ALIKE) + (setting.near(interests, _UNKNOWN, new) if new.any() else []):
            chosen[list(near)] = True
    return np.flatnonzero(chosen & eligible)


def features(setting: Setting, rows: np.ndarray, led: Mapping[str, np.ndarray]) -> np.ndarray:
    """One row for each candidate, one column for each of NAMES; (n, n_features) float32 without nan."""
    had = np.zeros(setting.columns.size, np.bool_)
    had[setting.profile.rows] = True
    had = had[rows]
    columns = _of_own(setting, rows, had) | _of_links(rows, had, led) | _of_taste(setting, rows)
    columns |= _of_items(setting, rows) | _of_shopper(setting)
    made = np.empty((len(rows), len(NAMES)), np.float32)
    for number, name in enumerate(NAMES):
        made[:, number] = columns[name]
    return made


# ---- by source ------------------------------------------------------------------------------------------------


def _of_own(setting: Setting, rows: np.ndarray, had: np.ndarray) -> dict[str, np.ndarray]:
    profile = setting.profile
    place = np.zeros(setting.columns.size, np.int64)
    place[profile.rows] = np.arange(len(profile))
    mine = place[rows]

    def said(values: np.ndarray, never: float = 0.0) -> np.ndarray:
        return np.where(had, values[mine], never)

    gap = np.nan_to_num(profile.gap, nan=_LONG)
    in_last_3 = np.bincount(profile.item[profile.visit < 3], minlength=len(profile))
    lately = said(profile.decayed(90))
    return {
        "own_times": said(profile.times),
        "own_30": said(profile.decayed(30)),
        "own_90": lately,
        "own_240": said(profile.decayed(240)),
        "own_share": said(profile.times / profile.visits),
        "own_since": said(profile.since, _LONG),
        "own_back": said(profile.back, _LONG),
        "own_share_since": said(profile.times / np.maximum(profile.back_first, 1.0)),
        "own_first": said(profile.first, _LONG),
        "own_gap": said(gap, _LONG),
        "own_overdue": said(np.where(profile.times > 1, profile.since / np.maximum(gap, 1.0), 0.0)),
        "own_rank": np.where(had, _ranks(lately), _LONG),
        "in_last_3": said(in_last_3.astype(np.float64)),
    }


def _of_links(rows: np.ndarray, had: np.ndarray, led: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    made = {}
    for name, values in led.items():
        own = values[rows]
        made[name] = own
        made[f"{name}_rank"] = _ranks(own)
        made[f"{name}_new"] = np.where(had, _LONG, _ranks(np.where(had, -np.inf, own)))
    return made


def _of_taste(setting: Setting, rows: np.ndarray) -> dict[str, np.ndarray]:
    profile, columns = setting.profile, setting.columns
    weights = profile.decayed(60)
    weights /= max(float(weights.sum()), 1e-9)
    tastes = {
        "like_one": np.zeros(len(rows)),
        "like_all": np.zeros(len(rows)),
        "category_share": _shares(columns.category, profile.rows, weights)[rows],
        "brand_share": _shares(columns.brand, profile.rows, weights)[rows],
        "price_fit": _price_fit(columns.price, profile.rows, rows),
    }
    known, vectors = setting.vectors(rows)
    own, own_vectors = setting.vectors(profile.rows[:_RECENT])
    if len(known) and len(own):
        alike = vectors @ own_vectors.T  # (n_known, n_own)
        alike[known[:, None] == own[None]] = -1.0
        places = np.searchsorted(rows, known)
        tastes["like_one"][places] = alike.max(axis=1)
        weight_of = dict(zip(profile.rows.tolist(), weights.tolist(), strict=True))
        tastes["like_all"][places] = vectors @ (np.array([weight_of[row] for row in own.tolist()]) @ own_vectors)
    return tastes


def _of_items(setting: Setting, rows: np.ndarray) -> dict[str, np.ndarray]:
    week, month, buyers = (setting.signals.number(name)[rows] for name in ("week", "month", "buyers"))
    return {
        "popularity": setting.counts.popularity[rows],
        "week": week / max(1.0, float(setting.signals.number("week").max(initial=0.0))),
        "month": month / max(1.0, float(setting.signals.number("month").max(initial=0.0))),
        "buyers": buyers / max(1.0, float(setting.signals.number("buyers").max(initial=0.0))),
        "rising": np.log((week * 4 + 3) / (month + 3)),
        "age": np.minimum(np.nan_to_num(setting.counts.age[rows], nan=0.0), _OLDEST),
        "price": np.log1p(np.nan_to_num(setting.columns.price[rows], nan=0.0)),
        **{name: setting.signals.number(name)[rows] for name in _AS_COUNTED},
    }


def _of_shopper(setting: Setting) -> dict[str, np.ndarray]:
    """The same for all candidates: they say how much the others mean."""
    profile = setting.profile
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


def _best(values: np.ndarray, among: np.ndarray, most: int) -> np.ndarray:
    """The rows of the greatest positive values among these."""
    rows = np.flatnonzero(among & (values > 0))
    return rows if len(rows) <= most else rows[np.argpartition(-values[rows], most - 1)[:most]]


def _ranks(values: np.ndarray) -> np.ndarray:
    """0 for the greatest, (n,); equal values by their place."""
    ranks = np.empty(len(values), np.float64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranks


def _shares(codes: np.ndarray, own: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the shopper's choices that are of each row's code, (columns.size,); 0 where a row has none."""
    shares = np.bincount(codes[own], weights, minlength=int(codes.max(initial=0)) + 1)
    shares[0] = 0.0
    return np.asarray(shares[codes])


def _price_fit(prices: np.ndarray, own: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How many deviations a candidate's logarithm lies from the mean of the shopper's own items; 0 where unknown."""
    known = np.log1p(prices[own][~np.isnan(prices[own])])
    if not len(known):
        return np.zeros(len(rows))
    return np.asarray(np.nan_to_num((np.log1p(prices[rows]) - known.mean()) / (known.std() + 0.25), nan=0.0))
