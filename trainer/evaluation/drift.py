"""Measure how much the world moved since the parent learned: queries, clicks, the catalogue and the encoder.

Pure functions, and `measure`, which calls them all. A figure over its limit becomes a warning in the ledger and in
`/status`; it never holds a night back, only the judge does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import pstdev
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from shelfwise.generation.query_memory import query_key
from shelfwise.night_report_parts import ClickThrough, DriftReport
from shelfwise.store import DailyEngagement
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick

__all__ = [
    "DriftInputs", "click_through", "embedding_shift", "measure", "new_item_share", "query_mix", "stability_index",
    "texts_swapped", "unseen_share",
]  # fmt: skip

MAX_PSI = 0.25  # the usual mark of "a significant shift"; chance adds to it, see `query_mix`
MAX_RISE = 0.15  # of the share of unseen queries, and of clicks on new items
MAX_EMBEDDING_SHIFT = 0.3  # mean 1 − cosine; a night moves an item's vector by a few hundredths
MAX_TEXTS_SWAPPED = 0.1
MAX_CTR_FALL = 0.2  # relative, and by more than ERRORS standard errors
ERRORS = 3.0
MIN_QUERIES = 50  # below that no figure of queries warns
MIN_ITEMS = 20
MIN_DAYS = 3

_WINDOW = 28 * DAY
_NEW_ITEM = 7 * DAY
_MAX_SAMPLE, _MAX_CLUSTERS, _PER_CLUSTER = 2_000, 20, 10  # queries; encoding them takes a second or two
_MIN_ALIKE = 0.5  # cosine below which two texts are not about the same thing
_SHIFTED = "item vectors moved: mean 1 − cosine"
_SWAPPED = "item texts changed beyond recognition: share"

Encode = Callable[[Sequence[str]], np.ndarray]  # texts → (n_texts, dim) float32
Pair = tuple[np.ndarray, np.ndarray]  # two encodings of the same items, row by row, (n_items, dim) each


@dataclass(frozen=True, eq=False, kw_only=True)
class DriftInputs:
    """What drift is measured from: the searches that the parent knew and those since, and what is compared.

    `parent_until` (epoch seconds) is the end of what the parent learned, `encode` its encoder of queries. `same_items`
    are the parent's and the candidate's vectors of items with unchanged texts, `texts` the parent's vectors of the
    items' texts then and now. `engagement` holds the days of "searches" and "recommendations", as
    `store.engagement.days` reads them, the last of them yesterday.
    """

    old: Sequence[QueryClick]
    new: Sequence[QueryClick]
    parent_until: float
    encode: Encode
    seed: int
    same_items: Pair | None = None
    texts: Pair | None = None
    engagement: Mapping[str, Sequence[DailyEngagement]] = field(default_factory=dict)


@dataclass
class _Report:
    """The figures, the limit of each where it has one, and a sentence for each figure over its limit."""

    figures: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, name: str, figure: tuple[float, float], enough: bool, sentence: str) -> None:
        """Add a figure (value, limit); over its limit and with `enough` data the sentence becomes a warning."""
        value, limit = figure
        self.figures[name] = round(value, 4)
        self.figures.setdefault("limits", {})[name] = round(limit, 4)
        if enough and not value <= limit:
            self.warnings.append(f"{sentence} {value:.3f} > {limit:.3f}")


def measure(inputs: DriftInputs) -> tuple[DriftReport, list[str]]:
    """Return the night's drift figures and its warnings; what can't be measured is None."""
    report = _Report()
    old, new = (sorted(part, key=lambda search: search.ts) for part in (inputs.old, inputs.new))
    if old and new:
        _add_query_mix(report, old, new, inputs)
        _add_novelty(report, old, new)
    for name, pair, distance, limit, sentence in (
        ("embedding_shift", inputs.same_items, embedding_shift, MAX_EMBEDDING_SHIFT, _SHIFTED),
        ("catalogue_shift", inputs.texts, texts_swapped, MAX_TEXTS_SWAPPED, _SWAPPED),
    ):
        if pair is not None and len(pair[0]):
            report.add(name, (distance(*pair), limit), len(pair[0]) >= MIN_ITEMS, sentence)
    for kind, name in (("searches", "ctr"), ("recommendations", "recommendation_ctr")):
        _add_click_through(report, name, kind, inputs.engagement.get(kind, ()))
    return DriftReport(**report.figures), report.warnings


def _add_query_mix(report: _Report, old: Sequence[QueryClick], new: Sequence[QueryClick], inputs: DriftInputs) -> None:
    until = inputs.parent_until
    window = [search for search in old if until - _WINDOW <= search.ts < until]
    reference = window if len(window) >= MIN_QUERIES else old
    rng = np.random.default_rng(inputs.seed)
    then, now = (_encoded(_sampled(part, rng), inputs.encode) for part in (reference, new))
    if mix := query_mix(then, now, inputs.seed, len(new) / len(reference)):
        enough = min(len(reference), len(new)) >= MIN_QUERIES
        report.add("query_psi", mix, enough, "query mix moved: PSI")


def query_mix(then: np.ndarray, now: np.ndarray, seed: int, share: float | None = None) -> tuple[float, float] | None:
    """Return the population stability index of two sets of query vectors over clusters of the first, and its limit.

    The sets are (n, dim) float32 in the order of time and (m, dim); None where n is too small for two clusters. `share`
    is the size of the second beside the first, m / n unless they are samples.

    Two samples of one population differ too: with B clusters the index is then (1/n + 1/m) times a χ² of B − 1
    degrees of freedom (B. Yurdakul, "Statistical Properties of Population Stability Index", 2018), so its expectation
    (B − 1)(1/n + 1/m) is added to the limit. And the queries of one day differ from those of four weeks: the limit is
    not below the index of any part of the reference, as large as the second set, against the rest of it.
    """
    clusters = min(_MAX_CLUSTERS, len(then) // _PER_CLUSTER, len(np.unique(then, axis=0)))
    if clusters < 2 or not len(now):
        return None
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # a cluster that ends up empty does no harm
        centres, rows = kmeans2(then, clusters, minit="++", rng=seed)
    whole, counts = (np.bincount(part, minlength=clusters) for part in (rows, vq(now, centres)[0]))
    usual = [MAX_PSI]
    parts = int(1 / (share or len(now) / len(then)))
    for part in np.array_split(rows, parts) if parts > 1 else []:
        of_part = np.bincount(part, minlength=clusters)
        usual.append(stability_index(whole - of_part, of_part) - _expected_by_chance(whole - of_part, of_part))
    return stability_index(whole, counts), max(usual) + _expected_by_chance(whole, counts)


def _expected_by_chance(then: np.ndarray, now: np.ndarray) -> float:
    return float((len(then) - 1) * (1 / max(1, then.sum()) + 1 / max(1, now.sum())))


def stability_index(then: np.ndarray, now: np.ndarray) -> float:
    """Return Σ (p − q) ln(p / q) over the shares of each cluster, (n_clusters,) counts, half a count added to each."""
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (then, now))
    return float(((p - q) * np.log(p / q)).sum())


def _sampled(searches: Sequence[QueryClick], rng: np.random.Generator) -> list[str]:
    if len(searches) > _MAX_SAMPLE:
        searches = [searches[row] for row in np.sort(rng.choice(len(searches), _MAX_SAMPLE, replace=False))]
    return [search.query for search in searches]


def _encoded(queries: Sequence[str], encode: Encode) -> np.ndarray:
    """Return (n_queries, dim); each distinct query is encoded once."""
    distinct = list(dict.fromkeys(queries))
    rows = {query: row for row, query in enumerate(distinct)}
    return np.asarray(encode(distinct), np.float32)[[rows[query] for query in queries]]


def _add_novelty(report: _Report, old: Sequence[QueryClick], new: Sequence[QueryClick]) -> None:
    """Compare the new searches with what came before them, and so at most as many of the newest old ones."""
    cut = len(old) - min(len(new), len(old) // 2)
    past, last = old[:cut], old[cut:]
    for name, before, share, sentence in (
        ("unseen_queries", "unseen_before", unseen_share, "more queries were never seen: share"),
        ("new_items", "new_items_before", new_item_share, "more clicks go to new items: share"),
    ):
        value, was = share(old, new), share(past, last) if last else 0.0
        error = math.sqrt(was * (1 - was) * (1 / len(new) + 1 / max(1, len(last))))
        enough = min(len(new), len(last)) >= MIN_QUERIES
        report.add(name, (value, was + max(MAX_RISE, ERRORS * error)), enough, sentence)
        report.figures[before] = round(was, 4)


def unseen_share(past: Iterable[QueryClick], part: Sequence[QueryClick]) -> float:
    """Return the share of searches in `part` with a query, lower-cased and without spaces and signs, not in `past`."""
    known = {query_key(search.query) for search in past}
    return sum(query_key(search.query) not in known for search in part) / len(part)


def new_item_share(past: Iterable[QueryClick], part: Sequence[QueryClick]) -> float:
    """Return the share of searches in `part` with an item that was first chosen at most 7 days before."""
    first: dict[str, float] = {}
    for search in [*past, *part]:
        first[search.item] = min(search.ts, first.get(search.item, math.inf))
    return sum(search.ts - first[search.item] <= _NEW_ITEM for search in part) / len(part)


def embedding_shift(before: np.ndarray, after: np.ndarray) -> float:
    """Return the mean 1 − cosine of the rows, (n_items, dim) each. Rows that are not finite count as unrelated."""
    return float(1 - _cosines(before, after).mean())


def texts_swapped(before: np.ndarray, after: np.ndarray) -> float:
    """Return the share of items with a text about something else now; one encoder's vectors, (n_items, dim) each."""
    return float((_cosines(before, after) < _MIN_ALIKE).mean())


def _cosines(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the cosine of each row, (n_items,) float64, 0 where it is not finite."""
    a, b = (np.asarray(side, np.float64) for side in (before, after))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        cosines = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.where(np.isfinite(cosines), cosines, 0.0)


def _add_click_through(report: _Report, name: str, kind: str, days: Sequence[DailyEngagement]) -> None:
    if result := click_through(days):
        report.figures[name], fell = result
        if fell:
            rates = result[0]
            report.warnings.append(
                f"{kind} were clicked less yesterday: {rates.yesterday:.3f} < {rates.limit:.3f}"
                f" (before: {rates.before:.3f})"
            )


def click_through(days: Sequence[DailyEngagement]) -> tuple[ClickThrough, bool] | None:
    """Return yesterday's click-through rate, the last of `days`, beside that of the days before, and whether it fell.

    None without either. It fell when it is lower by more than MAX_CTR_FALL of what it was and by more than ERRORS
    standard errors of a binomial share, sqrt(p (1 − p) / n), `limit` being the lower of the two. `spread` is the
    standard deviation of the daily rates.
    """
    past = [day for day in days[:-1] if day.shown]
    if not past or not days[-1].shown:
        return None
    yesterday = days[-1]
    before = sum(day.clicked for day in past) / sum(day.shown for day in past)
    error = math.sqrt(before * (1 - before) / yesterday.shown)
    limit = max(0.0, min(before * (1 - MAX_CTR_FALL), before - ERRORS * error))
    rate = yesterday.clicked / yesterday.shown
    spread = pstdev(day.clicked / day.shown for day in past)
    fell = rate < limit and yesterday.shown >= MIN_QUERIES and len(past) >= MIN_DAYS
    result = ClickThrough(
        round(rate, 4), round(before, 4), round(spread, 4), round(limit, 4), yesterday.shown, len(past)
    )
    return result, fell
