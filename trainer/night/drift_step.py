"""Compare the world with that of the last night: was the catalogue swapped, and how much did everything move?"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from shelfwise.errors import GenerationError
from shelfwise.index import load
from shelfwise.timestamps import DAY
from shelfwise.trainer.evaluation import drift
from shelfwise.trainer.night.state import NightState

__all__ = ["find_swapped_catalogue", "measure_drift", "texts_then_and_now"]

_ENGAGEMENT_SECONDS = 28 * DAY  # what became of the answers shown since then stands in the report
_MAX_SWAPPED_SHARE = 0.25  # of the items: a night on which so many became another thing teaches nothing


def texts_then_and_now(state: NightState) -> tuple[np.ndarray, np.ndarray]:
    """Return the parent encoder's vectors of the items that the last night saw, (n, dim) each: texts then and now.

    An import may have rebuilt the index since then, with the new texts: that was not a night.
    """
    ids, then = load(_index_of_last_night(state)).vectors(state.catalogue.ids)
    rows = {id: row for row, id in enumerate(state.catalogue.ids)}
    return then, state.parent.vectors[[rows[id] for id in ids]]


def _index_of_last_night(state: NightState) -> Path:
    """Return the index of the last night's generation; where that is gone or damaged, of what was made from it."""
    generations, generation = state.shop.generations, state.parent.generation
    known = generations.numbers()
    index = generation.verified_path("index")
    with suppress(GenerationError):
        while generation.card.verdict == "compacted" and generation.card.parent in known:
            generation = generations.open(generation.card.parent)
            index = generation.verified_path("index")
    return index


def find_swapped_catalogue(then: np.ndarray, now: np.ndarray) -> str | None:
    """Return why nothing is to be learned when much of the catalogue is about something else since the last night.

    A broken feed is mended within days, but what was learned from it would stay. If the texts stay, the next night
    knows them and learns. The vectors are (n_items, dim) each.
    """
    share = drift.texts_swapped(then, now) if len(then) >= drift.MIN_ITEMS else 0.0
    if share <= _MAX_SWAPPED_SHARE:
        return None
    return (
        f"the texts of {share:.0%} of the known items are about something else than last night;"
        " nothing is learned tonight, in case the catalogue is broken"
    )


def measure_drift(state: NightState, texts: tuple[np.ndarray, np.ndarray], candidate: np.ndarray | None) -> None:
    """Report drift, engagement and their warnings.

    `texts` are as of `texts_then_and_now`, `candidate` the trained encoder's vectors of the items, (n_items, dim), if
    it may serve.
    """
    report, engagement, until = state.run_log.report, state.shop.store.engagement, state.plan.until
    with state.run_log.timed("drift"):
        inputs = drift.DriftInputs(
            old=state.data.searches.replay,
            new=state.data.searches.since_parent,
            parent_until=state.parent.generation.card.learned.until,
            encode=state.parent.loaded.encoder.queries,
            seed=state.seed,
            same_items=None if candidate is None else (state.parent.vectors, candidate),
            texts=texts,
            engagement={kind: engagement.days(kind, until) for kind in ("searches", "recommendations")},
        )
        report.drift, warnings = drift.measure(inputs)
        state.run_log.warn(warnings)
        report.shelves = [kind.to_dict() for kind in engagement.shelves(until - _ENGAGEMENT_SECONDS, until)]
