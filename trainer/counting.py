"""The statistics of a generation: decayed popularity, and which items the same people buy."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse

from shelfwise.generations import Generation
from shelfwise.statistics import RECENT_HALF_LIFE_DAYS, Statistics, popularity, save
from shelfwise.store import Event
from shelfwise.times import DAY
from shelfwise.trainer.collect import Material
from shelfwise.trainer.defences import who
from shelfwise.trainer.judge import Verdict, judge_together

__all__ = ["Counted", "count", "count_judged", "counted_by"]

_MOST_TOGETHER = 50
_MOST_OF_ONE_BUYER = 200  # items; a wholesaler's thousand would tie everything to everything
_LEAST_SUPPORT = 2  # buyers; one alone is chance
_SHRINK = 10.0  # buyers; pulls the cosine of rare pairs towards zero


class Counted(NamedTuple):
    """The events with ts < until (epoch seconds) and seq ≤ events_seq."""

    until: float
    events_seq: int


def count_judged(
    material: Material, parent: Generation, ids: list[str], counted: Counted, folder: Path
) -> tuple[Verdict | None, Counted, list[Event]]:
    """Count the night's statistics up to `counted`; co-purchase weights worse than the parent's give way to those.

    The held-out baskets judge, so all that their shoppers did that day is counted the night after; the anchor never is.
    Returns the verdict, None where no basket is held out, up to where co-purchases are counted now, and the events that
    they are counted from.
    """
    held = {seq for basket in material.held_baskets for seq in basket.seqs}
    days = {(who(event), event.ts // DAY) for event in material.honest if event.seq in held}
    learnable = [event for event in material.learnable if (who(event), event.ts // DAY) not in days]
    until = counted.until
    count(material.honest, ids, until, folder, together=learnable)
    if not material.held_baskets:
        return None, counted, learnable
    verdict = judge_together(
        Statistics.open(parent.checked("statistics")), Statistics.open(folder), material.held_baskets
    )
    if not verdict.passed:
        shutil.rmtree(folder)
        counted = counted_by(parent)
        learnable = [event for event in learnable if event.ts < counted.until and event.seq <= counted.events_seq]
        count(material.honest, ids, until, folder, together=learnable)
    return verdict, counted, learnable


def counted_by(generation: Generation) -> Counted:
    """Up to where the generation counted co-purchases; one made before cards said so counted what its night saw."""
    card = generation.card
    own = {"until": card["until"], "events_seq": card.get("report", {}).get("events_seq", 0)}
    return Counted(**card.get("together", own))


def count(
    events: Sequence[Event], ids: list[str], now: float, folder: Path, *, together: Sequence[Event] | None = None
) -> None:
    """Write the statistics of the events about the items `ids`, as of `now` (epoch seconds).

    Co-purchases are counted from the events `together` if they are others.
    """
    rows = {id: row for row, id in enumerate(ids)}
    known = [event for event in events if event.item in rows]
    counts = {
        "popularity": popularity(known, now),
        "recent": popularity(known, now, RECENT_HALF_LIFE_DAYS),
        "first_seen": {event.item: event.ts for event in sorted(known, key=lambda event: -event.ts)},
    }
    weights = _together(events if together is None else together, rows)
    save(folder, ids, counts, weights.indptr, weights.indices, weights.data)


def _together(events: Iterable[Event], rows: dict[str, int]) -> sparse.csr_matrix:
    """Shrunk cosine between the items' buyers, (n_items, n_items), the best few of each row, sorted.

    cos(i, j) · n_ij / (n_ij + shrink), where n_ij buyers chose both: as item-item neighbourhoods are damped in
    Bell & Koren, "Scalable Collaborative Filtering with Jointly Derived Neighborhood Interpolation Weights" (2007).
    """
    buyers: dict[str, dict[int, None]] = {}  # who → rows of items, in the order of the last purchase
    for event in events:
        who = event.user or event.session
        if who and event.item in rows and event.type in ("cart", "purchase"):
            bought = buyers.setdefault(who, {})
            bought.pop(rows[event.item], None)
            bought[rows[event.item]] = None
    kept = [list(bought)[-_MOST_OF_ONE_BUYER:] for bought in buyers.values() if len(bought) > 1]
    chosen = sparse.csr_matrix(
        (
            [1.0 for bought in kept for _ in bought],
            (
                [row for row, bought in enumerate(kept) for _ in bought],
                [column for bought in kept for column in bought],
            ),
        ),
        shape=(len(kept), len(rows)),
        dtype=np.float32,
    )
    pairs = (chosen.T @ chosen).tocsr()  # (n_items, n_items) buyers of both
    norms = np.sqrt(np.maximum(pairs.diagonal(), 1.0))
    pairs.setdiag(0)
    pairs.data[pairs.data < _LEAST_SUPPORT] = 0
    pairs.eliminate_zeros()
    shrunk = pairs.data / (pairs.data + _SHRINK)
    pairs.data = pairs.data * shrunk / np.repeat(norms, np.diff(pairs.indptr)) / norms[pairs.indices]
    return _best_of_each_row(pairs)


def _best_of_each_row(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    indptr, indices, data = [0], [], []
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        order = np.argsort(-matrix.data[part], kind="stable")[:_MOST_TOGETHER]
        indices.append(matrix.indices[part][order])
        data.append(matrix.data[part][order])
        indptr.append(indptr[-1] + len(order))
    joined = [np.concatenate(parts) if parts else np.zeros(0) for parts in (data, indices)]
    return sparse.csr_matrix((joined[0], joined[1], np.array(indptr)), shape=matrix.shape)
