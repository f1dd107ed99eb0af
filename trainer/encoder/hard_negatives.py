"""Hard negatives: items that were shown above the chosen one and yet left alone.

Never one that another shopper's learned search chose for the query. Near neighbours that nobody chose are in-batch
negatives often enough: as hard ones they brought nothing (docs/measurements.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shelfwise.generation.query_memory import query_key
from shelfwise.trainer.data.interactions import QueryClick

__all__ = ["hard_negatives"]

_EACH = 1


def hard_negatives(
    searches: Sequence[QueryClick], past: Iterable[QueryClick], texts: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """For each search what the shopper passed over, to be told apart from what was chosen.

    Left out are the item itself and those of the same text, and what any shopper of `past` chose for the query.
    """
    chosen: defaultdict[str, set[str]] = defaultdict(set)
    for search in past:
        chosen[query_key(search.query)].add(search.item)
    made = []
    for search in searches:
        liked = chosen[query_key(search.query)] | {search.item}
        same = texts[search.item]
        passed = [id for id in search.passed if id not in liked and id in texts and texts[id] != same]
        made.append(tuple(passed[:_EACH]))
    return made
