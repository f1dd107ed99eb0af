"""Correct position bias: shoppers look at the first hits more, whatever they are; a choice further down says more.

How much more is estimated from the shop's own log: the same item for the same query, shown at two places, is as good at
both, so that the difference in clicks is the difference in attention (Agarwal et al., "Estimating Position Bias without
Intrusive Interventions", WSDM 2019; the chain of adjacent positions is used).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from shelfwise.events import CHOICE_TYPES
from shelfwise.generation.query_memory import query_key
from shelfwise.store import Event, Impression
from shelfwise.trainer.data.interactions import QueryClick

__all__ = ["correct_bias", "estimate_propensities"]

_MIN_CLICKS = 30  # on either side of two positions; below that their ratio is noise and counts as 1
_MAX_FACTOR = 5.0  # clipping: one choice at the bottom must not drown a night
_MAX_POSITIONS = 20


def estimate_propensities(impressions: Iterable[Impression], events: Iterable[Event]) -> list[float]:
    """Estimate how likely a shopper looks at position 1, 2, … 20 relative to 1; never rising, 1 where unknown."""
    chosen: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.search_id and event.type in CHOICE_TYPES:
            chosen[event.search_id].add(event.item)
    shown: defaultdict[tuple[str, str], list[list[int]]] = defaultdict(
        lambda: [[0] * _MAX_POSITIONS, [0] * _MAX_POSITIONS]
    )
    for answer in impressions:
        query, picked = query_key(answer.query), chosen.get(answer.search_id, set())
        for position, item in enumerate(answer.shown[:_MAX_POSITIONS]):
            times, clicks = shown[query, item]
            times[position] += 1
            clicks[position] += item in picked
    propensities = [1.0]
    for position in range(_MAX_POSITIONS - 1):
        propensities.append(propensities[-1] * _ratio(shown.values(), position))
    return propensities


def _ratio(shown: Iterable[list[list[int]]], position: int) -> float:
    """Return the attention to `position` + 1 over that to `position`, by items shown at both; at most 1."""
    above = below = clicks_above = clicks_below = 0.0
    for times, clicks in shown:
        if times[position] and times[position + 1]:
            weight = min(times[position], times[position + 1])
            above += weight * clicks[position] / times[position]
            below += weight * clicks[position + 1] / times[position + 1]
            clicks_above += clicks[position]
            clicks_below += clicks[position + 1]
    if min(clicks_above, clicks_below) < _MIN_CLICKS:
        return 1.0
    return min(1.0, below / above)


def correct_bias(searches: Sequence[QueryClick], propensities: Sequence[float]) -> list[QueryClick]:
    """Multiply weights by the inverse propensity of the chosen position, at most 5; unknown positions keep theirs."""
    corrected = []
    for search in searches:
        position = min(search.position or 1, len(propensities)) - 1
        factor = min(_MAX_FACTOR, 1 / propensities[position])
        corrected.append(search if factor == 1 else replace(search, weight=search.weight * factor))
    return corrected
