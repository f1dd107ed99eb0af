"""Hard negatives: items that were close to the query and yet left alone.

Never one that another shopper's learned search chose for it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.trainer.searches import Search, bare

__all__ = ["Near", "hard_negatives"]

_NEAREST = 30  # of a query; the negatives are drawn from them
_MARGIN = 0.05  # cosine; what is as near as the chosen item is likely as right
_EACH = 1


@dataclass(frozen=True, slots=True)
class Near:
    """The parent's view: distinct queries with the cosines to every item, (n_queries, n_items) float32."""

    rows: Mapping[str, int]  # query → row
    columns: Mapping[str, int]  # item → column
    ids: Sequence[str]
    cosines: np.ndarray


def hard_negatives(
    searches: Sequence[Search],
    past: Iterable[Search],
    texts: Mapping[str, str],
    near: Near | None,
    chance: random.Random,
) -> list[tuple[str, ...]]:
    """For each search the items it is to be told apart from: what the shopper passed over, then near neighbours.

    Left out are the item itself and those of the same text, and what any shopper of `past` chose for the query.
    """
    chosen: defaultdict[str, set[str]] = defaultdict(set)
    for search in past:
        chosen[bare(search.query)].add(search.item)
    made = []
    for search in searches:
        liked = chosen[bare(search.query)] | {search.item}
        same = texts[search.item]
        passed = [id for id in search.passed if id not in liked and id in texts and texts[id] != same]
        if not passed and near is not None:
            passed = [id for id in _neighbours(search, near) if id not in liked and texts[id] != same]
            passed = chance.sample(passed, min(_EACH, len(passed)))
        made.append(tuple(passed[:_EACH]))
    return made


def _neighbours(search: Search, near: Near) -> list[str]:
    """The nearest items that are less near than the chosen one by the margin."""
    if search.query not in near.rows or search.item not in near.columns:
        return []
    row = near.cosines[near.rows[search.query]]  # (n_items,)
    limit = row[near.columns[search.item]] - _MARGIN
    count = min(_NEAREST, len(row))
    nearest = np.argpartition(-row, count - 1)[:count]
    return [near.ids[column] for column in sorted(nearest, key=lambda column: -row[column]) if row[column] < limit]
