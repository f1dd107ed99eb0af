"""Explain a hit: what each source adds to its score, and the strongest one in a sentence.

What a source adds is measured against the mean of the query's candidates, so that what all of them have explains
nothing; a hit that nothing sets apart is explained by what its sources contribute at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.ranking.attribution import FeatureSources, source_rows, strongest_sources, times_in_words
from shelfwise.search.features import SOURCES
from shelfwise.search.generation_view import GenerationView
from shelfwise.search.pipeline import SearchOutcome
from shelfwise.search.ranker import Ranker
from shelfwise.types import Row

__all__ = ["explain_search", "source_contributions"]

_FEATURES = FeatureSources(SOURCES)


def explain_search(outcome: SearchOutcome, generation: GenerationView) -> dict[str, Row]:
    """Return id → {"text", "sources": [{"source", "adds"}], "rules"?} of the page's hits, the strongest source first.

    It is empty where another order than relevance was asked for.
    """
    if outcome.trace is None:
        return {}
    contributions = _FEATURES.sums(generation.ranker.contributions(outcome.trace.features))
    beyond_mean = _beyond_mean(contributions)
    position_of = {row: position for position, row in enumerate(outcome.trace.candidates.tolist())}
    times = _times_chosen(outcome, generation)
    reasons: dict[str, Row] = {}
    for id in outcome.ids:
        row = outcome.columns.row_of[id]
        position = position_of.get(row)  # None for a hit that was not scored, such as a pinned one
        sources, features = {}, None
        if position is not None:
            sources = strongest_sources(beyond_mean, position) or strongest_sources(contributions, position)
            features = outcome.trace.features[position]
        hit = _Hit(outcome.query.text, features, times.get(row, 0), outcome.applied_rules.get(id, []))
        reasons[id] = {"text": hit.sentence(list(sources)), "sources": source_rows(sources)}
        if hit.rules:
            reasons[id]["rules"] = hit.rules
    return reasons


def source_contributions(features: np.ndarray, ranker: Ranker) -> dict[str, np.ndarray]:
    """Return source → what it adds to each candidate's score beyond the candidates' mean, (n_candidates,)."""
    return _beyond_mean(_FEATURES.sums(ranker.contributions(features)))


def _beyond_mean(contributions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {source: values - values.mean() for source, values in contributions.items() if len(values)}


def _times_chosen(outcome: SearchOutcome, generation: GenerationView) -> dict[int, int]:
    """Return row of the catalogue → how often it was chosen for this query."""
    rows = generation.remembered_rows(outcome.columns)
    counts = generation.memory.choice_counts(outcome.query.remembered_as)
    return {int(rows[item]): times for item, times in counts.items()}


@dataclass(frozen=True, slots=True)
class _Hit:
    """The evidence for one hit."""

    query: str
    features: np.ndarray | None  # (n_features,), None where it was not scored
    times_chosen: int
    rules: list[Row]

    def sentence(self, sources: list[str]) -> str:
        """Return the sentence of the first source that has one; a rule that put the hit forward comes before."""
        if any(rule["action"] in ("pin", "boost") for rule in self.rules):
            return "put forward by the shop"
        return next((text for source in sources if (text := self._text_of(source))), "matches your search")

    def _text_of(self, source: str) -> str | None:
        match source:
            case "memory" if self.times_chosen:
                return f"chosen {times_in_words(self.times_chosen)} for “{self.query}”"
            case "memory":
                return "chosen for searches with the same words" if self._feature("word_share") > 0 else None
            case "neighbours":
                return "chosen for similar searches"
            case "words":
                share = self._feature("coverage")
                return "has all words of your search" if share > 0.99 else "has words of your search" if share else None
            case "meaning":
                return f"close in meaning to “{self.query}”"
            case "popularity":
                return "popular lately" if self._feature("popularity") > 0 else None
            case "taste":
                return "you chose it before" if self._feature("own") > 0 else "like what you chose lately"
        return None

    def _feature(self, name: str) -> float:
        return 0.0 if self.features is None else float(self.features[_FEATURES.column[name]])
