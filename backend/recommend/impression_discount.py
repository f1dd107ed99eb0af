"""Impression discounting: items that a shopper was shown and did not choose make way for others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from shelfwise.events import decay
from shelfwise.store import Event, ShownRecommendation
from shelfwise.timestamps import DAY

__all__ = ["IMPRESSION_SECONDS", "MAX_IMPRESSIONS", "impression_discount"]

MAX_IMPRESSIONS = 200  # the newest of a shopper; a page has several
IMPRESSION_SECONDS = 30 * DAY  # how far back impressions count
_HALF_LIFE_DAYS = 7.0
_VISIT_SECONDS = 1_800.0  # what was shown in this visit may yet be chosen, and a page loaded again says nothing


def impression_discount(
    impressions: Iterable[ShownRecommendation], events: Sequence[Event], columns: CatalogueSnapshot, now: float
) -> npt.NDArray[np.float32]:
    """Return how often each row was shown to a shopper who did not choose it from that day on, (columns.size,).

    Counted once a visit and halved with every week of age. After Lee et al., "Modeling Impression Discounting in
    Large-scale Recommender Systems" (2014), but how much it discounts is learned by the ranker.

    Args:
        impressions: what the shopper was shown
        events: the shopper's, newest first
        columns: the catalogue
        now: epoch seconds
    """
    last_day: dict[str, float] = {}
    for event in events:
        last_day.setdefault(event.item, event.ts // DAY)  # of one day a night may know the first click alone
    weights: dict[tuple[str, float], float] = {}
    for impression in impressions:
        if impression.ts > now - _VISIT_SECONDS:
            continue
        weight = decay((now - impression.ts) / DAY, _HALF_LIFE_DAYS)
        for id in impression.shown:
            if last_day.get(id, -1.0) < impression.ts // DAY:
                weights.setdefault((id, impression.ts // _VISIT_SECONDS), weight)
    total = np.zeros(columns.size, np.float32)
    np.add.at(total, columns.rows([id for id, _ in weights]), list(weights.values()))
    total[0] = 0.0
    return total
