"""Query memory: for each query and each of its words the items that shoppers chose, with their decayed weight.

The night builds and saves it; serving loads it. A query is looked up by its letters and digits alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["HALF_LIFE_DAYS", "MemoryHits", "QueryMemory", "SparseTable", "WeightedClick", "query_key", "query_ngrams"]

HALF_LIFE_DAYS = 30.0
_MAX_QUERIES = 20_000
_MAX_NEIGHBOURS = 10
_MIN_COSINE = 0.6  # a query that is less alike is no neighbour
_NEIGHBOUR_SCALE = 20.0  # of cosines in the weights of neighbours: that of the encoder's loss
_PRIOR_CHOICES = 2.0  # added to the total of a share, so that few choices count as less than many
_MIN_MASS = 1e-15  # what decayed below it, after four years, is dropped: a share of nothing has no value
_MAX_WORDS = 32  # of a query
_ARRAYS = "indptr", "rows", "masses", "times"  # of a table, as they are named on disk
_WORD = re.compile(r"\d+|[^\W\d_]+")

WeightedClick = tuple[str, int, float]  # query, row of the item, decayed weight


@dataclass(frozen=True, slots=True)
class MemoryHits:
    """Choices recalled for one query, by row of `QueryMemory.items`, each (n,) float32; others were never chosen."""

    rows: np.ndarray  # (n,) int64
    share: np.ndarray  # of the choices for this very query, 0..1, shrunk where they are few
    mass: np.ndarray  # decayed choices for it
    near: np.ndarray  # the share over the nearest other queries, weighted by their cosine
    words: np.ndarray  # the mean share over the words of the query and their pairs, weighted by rarity
    total: float  # all decayed choices for this very query


class _Choices(NamedTuple):
    """Rows of items, which may repeat, and a weight of each."""

    rows: np.ndarray = np.zeros(0, np.int32)  # (n,)
    weights: np.ndarray = np.zeros(0, np.float32)  # (n,)


@dataclass(frozen=True)
class SparseTable:
    """Keys with the rows of items chosen for them, and their masses, in CSR form."""

    keys: Sequence[str] = ()
    indptr: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))  # (n_keys + 1,)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_pairs,)
    masses: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))  # (n_pairs,)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_pairs,) how often, undecayed

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Return key → its position in `keys`."""
        return {key: position for position, key in enumerate(self.keys)}

    def part_of(self, position: int) -> slice:
        """Return where the pairs of a key lie in `rows`, `masses` and `times`."""
        return slice(int(self.indptr[position]), int(self.indptr[position + 1]))

    def get(self, position: int) -> _Choices:
        """Return the rows chosen for a key and their masses, (n,) each."""
        part = self.part_of(position)
        return _Choices(self.rows[part], self.masses[part])

    @classmethod
    def build(cls, chosen: Mapping[str, Mapping[int, Sequence[float]]]) -> SparseTable:
        """Build a table of key → row → (mass, times)."""
        pairs = [pair for by_row in chosen.values() for pair in by_row.values()]
        return cls(
            list(chosen),
            np.cumsum([0, *map(len, chosen.values())], dtype=np.int64),
            np.array([row for by_row in chosen.values() for row in by_row], np.int32),
            np.array([mass for mass, _ in pairs], np.float32),
            np.array([times for _, times in pairs], np.int32),
        )


@dataclass(frozen=True)
class QueryMemory:
    """`items` are ids; `texts` are the queries as most shoppers typed them, in the order of `queries` and `vectors`."""

    items: Sequence[str] = ()
    queries: SparseTable = field(default_factory=SparseTable)
    words: SparseTable = field(default_factory=SparseTable)
    texts: Sequence[str] = ()
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (n_queries, dim)

    @classmethod
    def build(cls, items: Sequence[str], choices: Iterable[WeightedClick]) -> QueryMemory:
        """Build the memory of these choices, without vectors; only the queries with the most mass are kept."""
        queries: defaultdict[str, dict[int, list[float]]] = defaultdict(dict)
        words: defaultdict[str, dict[int, list[float]]] = defaultdict(dict)
        typed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for query, row, mass in choices:
            if mass > _MIN_MASS and (key := query_key(query)):
                typed[key][query] += 1
                for by_row in (queries[key], *(words[ngram] for ngram in query_ngrams(query))):
                    pair = by_row.setdefault(row, [0.0, 0])
                    pair[0] += mass
                    pair[1] += 1
        kept = sorted(queries, key=lambda key: (-sum(mass for mass, _ in queries[key].values()), key))[:_MAX_QUERIES]
        return cls(
            items,
            SparseTable.build({key: queries[key] for key in kept}),
            SparseTable.build(words),
            [typed[key].most_common(1)[0][0] for key in kept],
        )

    def recall(self, query: str, vector: np.ndarray | None) -> MemoryHits:
        """Return what was chosen for `query`, for the queries nearest to its `vector` (dim,), and for its words."""
        position = self.queries.positions.get(query_key(query))
        same = _Choices() if position is None else self.queries.get(position)
        near = _Choices() if vector is None or not len(self.vectors) else self._near_choices(position, vector)
        words = self._word_choices(query)
        rows = np.unique(np.concatenate([same.rows, near.rows, words.rows]))
        mass = _sum_by_row(same, rows)
        total = float(mass.sum())
        return MemoryHits(
            rows=rows.astype(np.int64),
            share=mass / (total + _PRIOR_CHOICES),
            mass=mass,
            near=_sum_by_row(near, rows),
            words=_sum_by_row(words, rows),
            total=total,
        )

    def choice_counts(self, query: str) -> dict[int, int]:
        """Return row → how often it was chosen for this very query, undecayed."""
        position = self.queries.positions.get(query_key(query))
        if position is None:
            return {}
        part = self.queries.part_of(position)
        return dict(zip(self.queries.rows[part].tolist(), self.queries.times[part].tolist(), strict=True))

    def weighted_queries(self) -> list[tuple[str, float]]:
        """Return every query as most shoppers typed it, with the sum of its decayed choices."""
        sums = np.add.reduceat(np.append(self.queries.masses, 0.0), self.queries.indptr[:-1]).tolist()
        return list(zip(self.texts, sums, strict=True))

    def _near_choices(self, position: int | None, vector: np.ndarray) -> _Choices:
        """Return the choices of the queries nearest to `vector` but that at `position`; the weights sum to 1."""
        cosines = self.vectors @ vector  # (n_queries,)
        if position is not None:
            cosines[position] = -1
        count = min(_MAX_NEIGHBOURS, len(cosines))
        nearest = np.argpartition(-cosines, count - 1)[:count]
        parts = []
        for query in nearest[cosines[nearest] >= _MIN_COSINE].tolist():
            rows, masses = self.queries.get(query)
            likeness = float(np.exp(_NEIGHBOUR_SCALE * (cosines[query] - 1)))
            parts.append(_Choices(rows, likeness * np.log1p(masses.sum()) * masses / masses.sum()))
        rows, weights = _concatenated(parts)
        return _Choices(rows, weights / weights.sum() if len(rows) else weights)

    def _word_choices(self, query: str) -> _Choices:
        """Return the choices of the query's n-grams: a mean of their shares, weighted by rarity."""
        parts, total_weight = [], 0.0
        for ngram in query_ngrams(query):
            position = self.words.positions.get(ngram)
            if position is not None:
                rows, masses = self.words.get(position)
                weight = 1 / float(np.log(3 + len(rows)))  # a word that leads to many items says little
                total_weight += weight
                parts.append(_Choices(rows, weight * masses / (masses.sum() + 1)))
        rows, weights = _concatenated(parts)
        return _Choices(rows, weights / (total_weight or 1.0))

    def save(self, folder: Path) -> None:
        """Write what `load` reads."""
        folder.mkdir(parents=True)
        names = {"items": self.items, "queries": self.queries.keys, "words": self.words.keys, "texts": self.texts}
        lists = {name: list(texts) for name, texts in names.items()}
        (folder / "names.json").write_text(json.dumps(lists, ensure_ascii=False))
        arrays = {
            f"{name}_{array}": getattr(table, array)
            for name, table in (("queries", self.queries), ("words", self.words))
            for array in _ARRAYS
        }
        np.savez(folder / "choices.npz", vectors=self.vectors.astype(np.float16), **arrays)

    @classmethod
    def load(cls, folder: Path) -> QueryMemory:
        """Read what `save` wrote."""
        names = json.loads((folder / "names.json").read_text())
        with np.load(folder / "choices.npz") as arrays:
            tables = {
                name: SparseTable(names[name], *(arrays[f"{name}_{array}"] for array in _ARRAYS))
                for name in ("queries", "words")
            }
            return cls(names["items"], **tables, texts=names["texts"], vectors=arrays["vectors"].astype(np.float32))


def query_key(query: str) -> str:
    """Return the query's letters and digits in lower case, without spaces: equal for queries that count as one."""
    return re.sub(r"[\W_]+", "", query.lower())


def query_ngrams(query: str) -> list[str]:
    """Return the words and numbers of a query, each once, and each two that follow each other."""
    words = list(dict.fromkeys(_WORD.findall(query.lower())))[:_MAX_WORDS]
    return [*words, *map(" ".join, pairwise(words))]


def _concatenated(parts: Sequence[_Choices]) -> _Choices:
    if not parts:
        return _Choices()
    return _Choices(np.concatenate([part.rows for part in parts]), np.concatenate([part.weights for part in parts]))


def _sum_by_row(choices: _Choices, rows: np.ndarray) -> np.ndarray:
    """Return the sum of the weights of each of the sorted `rows`, (n_rows,) float32."""
    sums = np.zeros(len(rows), np.float32)
    np.add.at(sums, np.searchsorted(rows, choices.rows), choices.weights)
    return sums
