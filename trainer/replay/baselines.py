"""Recommend by what a shop could use instead: popularity, a person's own purchases, ALS and EASE.

Each is fitted anew on all interactions before a night; none reads a text.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from shelfwise.events import decay_all
from shelfwise.timestamps import DAY
from shelfwise.trainer.statistics import item_links

__all__ = ["BASELINES", "Baselines", "InteractionHistory", "als", "ease", "own_items", "popularity"]

Floats = npt.NDArray[np.floating]
Scores = Callable[[int], Floats]  # a person's number → (n_items,), where 0 and less mean no evidence
Person = tuple[str | None, str | None]  # the user, or the session of an anonymous shopper

_POPULAR_DAYS = 30.0
_OWN_HALF_LIFE_DAYS = 60.0
_EASE_LAMBDA, _EASE_MAX_ITEMS = 500.0, 10_000
# The best recall of 15 settings on Online Retail, chosen on the very baskets that are predicted: no handicap for ALS.
_ALS_OPTIONS = {"factors": 64, "regularization": 5.0, "alpha": 2.0, "iterations": 15}


class InteractionHistory:
    """All interactions so far. People and items are numbered in the order of their first event."""

    def __init__(self) -> None:
        self.people: dict[Person, int] = {}
        self.items: dict[str, int] = {}
        self._person, self._item, self._ts = array("q"), array("q"), array("d")

    def __len__(self) -> int:
        return len(self._ts)

    def add(self, user: str | None, session: str | None, item: str, ts: float) -> None:
        """Append an event at `ts` (epoch seconds); one without user and session counts for popularity only."""
        person = (user, None if user is not None else session)
        number = self.people.setdefault(person, len(self.people)) if person != (None, None) else -1
        self._person.append(number)
        self._item.append(self.items.setdefault(item, len(self.items)))
        self._ts.append(ts)

    def counts(self, since: float = float("-inf")) -> Floats:
        """Return the number of events of each item from `since` (epoch seconds) on, (n_items,)."""
        items = np.array(self._item)[np.array(self._ts) >= since]
        return np.bincount(items, minlength=len(self.items)).astype(np.float64)

    def matrix(self, weigh: Callable[[Floats], Floats] = np.ones_like) -> csr_matrix:
        """Return the sums of `weigh(ts)` over the events of a person and an item, (n_people, n_items)."""
        person, item, weight = np.array(self._person), np.array(self._item), weigh(np.array(self._ts))
        named = person >= 0
        cells = (weight[named], (person[named], item[named]))
        return csr_matrix(cells, shape=(len(self.people), len(self.items)))


class Baselines:
    """Every baseline, fitted on the history as it is now; `missing` tells why one could not be fitted."""

    def __init__(self, history: InteractionHistory, now: float) -> None:
        self._history = history
        self._ids = list(history.items)
        recent, ever = history.counts(now - _POPULAR_DAYS * DAY), history.counts()
        self._popular = np.lexsort((-ever, -recent))  # (n_items,), what fills every shelf
        self._place = np.argsort(self._popular)  # (n_items,), an item's place in that order
        self.missing = _missing(history)
        self._scores = {name: fit(history, now) for name, fit in BASELINES.items() if name not in self.missing}

    @property
    def fitted(self) -> list[str]:
        """Return the names of the baselines that could be fitted."""
        return list(self._scores)

    def recommend(self, name: str, user: str, k: int, without: Collection[str] = ()) -> list[str]:
        """Return k ids, best first.

        Args:
            name: One of `fitted`.
            user: The user to recommend to; an unknown one gets the most popular items.
            k: The number of ids; places that the baseline has no evidence for are filled with last month's popular.
            without: Ids that are left out.
        """
        if not self._ids:
            return []
        person = self._history.people.get((user, None), -1)
        scores = self._scores[name](person).copy()
        scores[[self._history.items[id] for id in without if id in self._history.items]] = -np.inf
        return [self._ids[row] for row in self._top_rows(scores, k)]

    def _top_rows(self, scores: Floats, k: int) -> list[int]:
        rows = np.flatnonzero(scores > 0)
        if len(rows) > k:
            rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
        best: list[int] = rows[np.lexsort((self._place[rows], -scores[rows]))][:k].tolist()
        if len(best) < k:
            free = (row for row in self._popular.tolist() if np.isfinite(scores[row]) and row not in best)
            best += [row for row, _ in zip(free, range(k - len(best)), strict=False)]
        return best


def popularity(history: InteractionHistory, since: float = float("-inf")) -> Scores:
    """Score items by their number of events from `since` (epoch seconds) on, the same for everybody."""
    counts = history.counts(since)
    return lambda person: counts


def own_items(history: InteractionHistory, now: float) -> Scores:
    """Score items by the person's own events, each halved every 60 days."""
    decayed = history.matrix(lambda ts: decay_all(np.asarray((now - ts) / DAY, np.float64), _OWN_HALF_LIFE_DAYS))
    nothing = np.zeros(len(history.items))
    return lambda person: nothing if person < 0 else decayed[person].toarray()[0]


def als(history: InteractionHistory, now: float) -> Scores:
    """Score items by matrix factorisation for implicit feedback (Hu, Koren and Volinsky 2008), package `implicit`.

    The confidence grows with the number of events. One thread and a fixed seed make it deterministic.
    """
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    matrix, nothing = history.matrix().astype(np.float32), np.zeros(len(history.items))
    if not matrix.nnz:
        return lambda person: nothing
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(**_ALS_OPTIONS, num_threads=1, random_state=0, use_gpu=False)
        model.fit(matrix, show_progress=False)
    return lambda person: nothing if person < 0 else model.item_factors @ model.user_factors[person]


def ease(history: InteractionHistory, now: float) -> Scores:
    """Score items by EASE (Steck 2019), a linear item-item model in closed form, with λ = 500."""
    matrix = history.matrix().astype(np.float32)
    matrix.data = np.ones_like(matrix.data)
    weights, nothing = item_links.ease((matrix.T @ matrix).toarray(), _EASE_LAMBDA), np.zeros(len(history.items))
    return lambda person: nothing if person < 0 else weights[matrix[person].indices].sum(axis=0)


BASELINES: Mapping[str, Callable[[InteractionHistory, float], Scores]] = {
    "popularity": lambda history, now: popularity(history),
    "popularity_30d": lambda history, now: popularity(history, now - _POPULAR_DAYS * DAY),
    "own": own_items,
    "als": als,
    "ease": ease,
}


def _missing(history: InteractionHistory) -> dict[str, str]:
    """Return the reason for each baseline that can't be fitted."""
    missing = {}
    if find_spec("implicit") is None:
        missing["als"] = "the package implicit is not installed: pip install implicit"
    if len(history.items) > _EASE_MAX_ITEMS:
        missing["ease"] = f"its dense matrix of {len(history.items):,} items, over {_EASE_MAX_ITEMS:,}, is too large"
    return missing
