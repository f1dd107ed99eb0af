"""Hard negatives: items that were shown above the chosen one and not chosen.

Never one that another shopper's learned search chose for the query. Near neighbours without a choice are in-batch
negatives often enough: as hard ones they brought nothing (docs/measurements.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shelfwise.generation.query_memory import query_key
from shelfwise.trainer.data.interactions import QueryClick

__all__ = ["hard_negatives"]

_MAX_NEGATIVES = 1  # of a pair


def hard_negatives(
    searches: Sequence[QueryClick], past: Iterable[QueryClick], texts: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """Return for each search the ids that the shopper passed over.

    Left out are items with the chosen one's text, and what any shopper of `past` chose for the query. `texts` are by
    item id; an item without a text is left out, too.
    """
    chosen: defaultdict[str, set[str]] = defaultdict(set)
    for search in past:
        chosen[query_key(search.query)].add(search.item)
    negatives = []
    for search in searches:
        positives = chosen[query_key(search.query)]
        text = texts[search.item]
        passed_over = [id for id in search.passed_over if id not in positives and id in texts and texts[id] != text]
        negatives.append(tuple(passed_over[:_MAX_NEGATIVES]))
    return negatives
