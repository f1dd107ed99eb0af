"""What a shopper was shown and did not turn to: a reason to show something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from shelfwise.columns import Columns
from shelfwise.store import Event, ShownShelf
from shelfwise.times import DAY

__all__ = ["MOST_SHELVES", "PASSED_SECONDS", "passed_over"]

MOST_SHELVES = 50  # of a shopper, the newest
PASSED_SECONDS = 30 * DAY  # as far back as shelves are looked at
_HALF_LIFE_DAYS = 7.0
_SEEN = 10  # of a longer shelf nobody knows whether it was scrolled


def passed_over(
    shelves: Iterable[ShownShelf], events: Sequence[Event], columns: Columns, now: float
) -> npt.NDArray[np.float32]:
    """How often each row was shown to a shopper who has not turned to it since, faded with time, (columns.size,).

    `events` are the shopper's, newest first. After Lee et al., "Modeling Impression Discounting in Large-scale
    Recommender Systems" (2014), whose discount is learned here by the ranker.
    """
    turned: dict[str, float] = {}
    for event in events:
        turned.setdefault(event.item, event.ts)
    total = np.zeros(columns.size, np.float32)
    for shelf in shelves:
        faded = 0.5 ** (max(0.0, now - shelf.ts) / DAY / _HALF_LIFE_DAYS)
        passed = [id for id in shelf.shown[:_SEEN] if turned.get(id, 0.0) < shelf.ts]
        np.add.at(total, columns.rows(passed), faded)
    total[0] = 0.0
    return total
