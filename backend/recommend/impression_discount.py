"""What a shopper was shown and did not turn to: a reason to show something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import decay
from shelfwise.store import Event, ShownRecommendation
from shelfwise.timestamps import DAY

__all__ = ["IMPRESSION_SECONDS", "MAX_IMPRESSIONS", "impression_discount"]

MAX_IMPRESSIONS = 200  # of a shopper, the newest; a page has several
IMPRESSION_SECONDS = 30 * DAY  # as far back as shelves are looked at
_HALF_LIFE_DAYS = 7.0
_VISIT = 1_800.0  # seconds: what was shown in this visit may yet be chosen, and a page loaded again says nothing


def impression_discount(
    impressions: Iterable[ShownRecommendation], events: Sequence[Event], columns: CatalogueSnapshot, now: float
) -> npt.NDArray[np.float32]:
    """How often each row was shown to a shopper who has not turned to it from that day on, (columns.size,).

    Once a visit, faded with time. `events` are the shopper's, newest first. After Lee et al., "Modeling Impression
    Discounting in Large-scale Recommender Systems" (2014), whose discount is learned here by the ranker.
    """
    turned: dict[str, float] = {}
    for event in events:
        turned.setdefault(event.item, event.ts // DAY)  # of one day a night may know the first click alone
    visits: dict[tuple[str, float], float] = {}
    for shelf in impressions:
        if shelf.ts > now - _VISIT:
            continue
        for id in shelf.shown:
            if turned.get(id, -1.0) < shelf.ts // DAY:
                visits.setdefault((id, shelf.ts // _VISIT), decay((now - shelf.ts) / DAY, _HALF_LIFE_DAYS))
    total = np.zeros(columns.size, np.float32)
    np.add.at(total, columns.rows([id for id, _ in visits]), list(visits.values()))
    total[0] = 0.0
    return total
