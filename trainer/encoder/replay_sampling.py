"""Sample old searches to replay beside the new ones, so that the encoder keeps what it learned.

Nothing is stored: the past is the events themselves, so that what is erased there is gone here too.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from shelfwise.generation.query_memory import query_key
from shelfwise.trainer.data.interactions import QueryClick

__all__ = ["sample_replay"]

_RARE_SHARE = 0.25


def sample_replay(old: Sequence[QueryClick], count: int, rng: random.Random) -> list[QueryClick]:
    """Return `count` different old searches, or all where there are fewer.

    Three quarters are drawn uniformly from all searches, which keeps the shop's proportions; the rest from distinct
    queries uniformly, so that a rare query is not forgotten.
    """
    count = min(count, len(old))
    by_query: defaultdict[str, list[int]] = defaultdict(list)
    for row, search in enumerate(old):
        by_query[query_key(search.query)].append(row)
    queries = rng.sample(list(by_query), min(int(count * _RARE_SHARE), len(by_query)))
    rare = [rng.choice(by_query[query]) for query in queries]
    others = sorted(set(range(len(old))) - set(rare))
    return [old[row] for row in rare + rng.sample(others, count - len(rare))]
