"""Attribution of a score to sources of evidence: each feature of a ranker belongs to one source."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["FeatureSources", "source_rows", "strongest_sources", "times_in_words"]

_MIN_CONTRIBUTION = 5e-5  # answers give four decimals: what adds less would read as 0


class FeatureSources:
    """The columns of a feature matrix by feature and by source; `sources` names each feature's source, in order."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.column = {name: number for number, name in enumerate(sources)}
        self._columns: dict[str, list[int]] = {}
        for number, source in enumerate(sources.values()):
            self._columns.setdefault(source, []).append(number)

    def sums(self, contributions: np.ndarray) -> dict[str, np.ndarray]:
        """Return each source's sum over its features, (n,), of contributions (n, n_features)."""
        return {source: contributions[:, columns].sum(axis=1) for source, columns in self._columns.items()}


def strongest_sources(contributions: Mapping[str, np.ndarray], position: int) -> dict[str, float]:
    """Return the sources that raise the score of the candidate at `position`, with how much, the strongest first."""
    values = {source: float(column[position]) for source, column in contributions.items()}
    ordered = sorted(values.items(), key=lambda item: -item[1])
    return {source: value for source, value in ordered if value > _MIN_CONTRIBUTION}


def source_rows(contributions: Mapping[str, float]) -> list[dict[str, str | float]]:
    """Return the sources as an answer's `explain` gives them, in the same order."""
    return [{"source": source, "adds": round(value, 4)} for source, value in contributions.items()]


def times_in_words(times: int) -> str:
    """Return "once" or "n times"."""
    return "once" if times == 1 else f"{times} times"
