"""Why a hit stands where it stands: what each source adds to its score, and the most telling one in a sentence.

What a source adds is measured against this query's other candidates, so that what all of them have explains nothing;
a hit that nothing sets apart is explained by what it has at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shelfwise.search.features import NAMES, SOURCES
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.pipeline import SearchOutcome
from shelfwise.search.ranker import Ranker
from shelfwise.types import Row

__all__ = ["explain_search", "source_contributions"]

_PLACES = {source: [n for n, name in enumerate(NAMES) if SOURCES[name] == source] for source in set(SOURCES.values())}
_COLUMN = {name: number for number, name in enumerate(NAMES)}
_BLEND = Ranker()
_LEAST = 5e-5  # rounded, what adds less adds nothing


def explain_search(outcome: SearchOutcome, generation: GenerationView | None) -> dict[str, Row]:
    """id → {"text", "sources": [{"source", "adds"}], "rules"?} for the hits of the page; the best source first."""
    found, ranked, columns = outcome.retrieved, outcome.ranked, outcome.columns
    if found is None or ranked is None or columns is None:
        return {}
    whole = _by_source(ranked.features, generation.ranker if generation is not None else _BLEND)
    beyond = _beyond_mean(whole)
    position = {int(row): number for number, row in enumerate(ranked.candidates.tolist())}
    times = _times(outcome, generation)
    reasons: dict[str, Row] = {}
    for id in outcome.ids:
        row = columns.row_of[id]
        number = position.get(row)
        sources = _best(beyond, number) or _best(whole, number)
        one = _Hit(outcome, None if number is None else ranked.features[number], times.get(row, 0), id)
        reasons[id] = {
            "text": one.sentence(list(sources)),
            "sources": [{"source": source, "adds": round(value, 4)} for source, value in sources.items()],
        }
        if id in outcome.applied_rules:
            reasons[id]["rules"] = outcome.applied_rules[id]
    return reasons


def source_contributions(features: np.ndarray, ranker: Ranker) -> Mapping[str, np.ndarray]:
    """Source → what it adds to each candidate's score beyond the mean of all candidates, (n_candidates,)."""
    return _beyond_mean(_by_source(features, ranker))


def _by_source(features: np.ndarray, ranker: Ranker) -> dict[str, np.ndarray]:
    """Source → what it contributes to each candidate's score, (n_candidates,)."""
    if not len(features):
        return {}
    contributions = ranker.contributions(features)
    return {source: contributions[:, columns].sum(axis=1) for source, columns in _PLACES.items()}


def _beyond_mean(whole: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {source: values - values.mean() for source, values in whole.items()}


def _best(adds: Mapping[str, np.ndarray], number: int | None) -> dict[str, float]:
    """Source → what it adds to a candidate, where it adds something; the best first."""
    own = {} if number is None else {source: float(values[number]) for source, values in adds.items()}
    return {source: own[source] for source in sorted(own, key=lambda one: -own[one]) if own[source] > _LEAST}


def _times(outcome: SearchOutcome, generation: GenerationView | None) -> dict[int, int]:
    """Row of the catalogue → how often it was chosen for this query."""
    if generation is None or outcome.columns is None:
        return {}
    rows = generation.remembered_rows(outcome.columns)
    return {int(rows[row]): times for row, times in generation.memory.times(outcome.query.remembered_as).items()}


@dataclass(frozen=True, slots=True)
class _Hit:
    outcome: SearchOutcome
    features: np.ndarray | None  # (n_features,)
    times: int
    id: str

    def sentence(self, sources: list[str]) -> str:
        """The best source that can be told; what a rule did goes before."""
        for done in self.outcome.applied_rules.get(self.id, ()):
            if done["action"] in ("pin", "boost"):
                return "put forward by the shop"
        return next((text for source in sources if (text := self._told(source))), "matches your search")

    def _told(self, source: str) -> str | None:
        query = self.outcome.query.text
        match source:
            case "memory" if self.times:
                return f"chosen {_times_in_words(self.times)} for “{query}”"
            case "memory":
                return "chosen for searches with the same words" if self._of("word_share") > 0 else None
            case "neighbours":
                return "chosen for similar searches"
            case "words":
                share = self._of("coverage")
                return "has all words of your search" if share > 0.99 else "has words of your search" if share else None
            case "meaning":
                return f"close in meaning to “{query}”"
            case "popularity":
                return "popular lately" if self._of("popularity") > 0 else None
            case "taste":
                return "you chose it before" if self._of("own") > 0 else "like what you chose lately"
        return None

    def _of(self, name: str) -> float:
        value: Any = 0.0 if self.features is None else self.features[_COLUMN[name]]
        return float(value)


def _times_in_words(times: int) -> str:
    return "once" if times == 1 else f"{times} times"
